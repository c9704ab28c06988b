"""The run: poll, decode, cut, intend, [dedup, load, mend, dead letters, ledger: loading.py], commit.

What holds: a range is written down as intended before anything of it is stored, and committed only after
its rows and its dead letters are. So whatever ends this process, and whenever, the next owner redoes exactly
that range, and a check by offsets makes it whole. One thread owns the log: polls, cuts, intends, commits;
partitions come and go only inside its polls, so no commit can race with a loss. Loader threads store ranges
meanwhile, at most one of a partition at a time, in the order of their offsets.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import structlog

from etl.assignment import Assignment
from etl.cutting import Cut, Cutter
from etl.errors import AssignmentGone, Refused, Retryable, StopAsked
from etl.intents import Intent
from etl.loading import Finished, Loaders
from etl.ports import Source
from etl.ranges import Position
from etl.retry import Retry
from etl.watch import Watch
from telemetry.clock import Clock

STEPS = (
    "poll", "decode", "cut", "intend", "dedup", "load", "mend", "dead_letters", "ledger", "commit",
)  # fmt: skip

POLL_S_MAX = 0.1
# While ranges are being stored: how late their end may be noticed.
POLL_S_BUSY = 0.02
# Buffers are full: so long we only wait for room, as to pause throws away what is fetched. Then we pause,
# because polling must go on.
FULL_S_MAX = 2.0


@dataclass(slots=True, eq=False)
class _Lane:
    """One assignment's ranges: the one being stored or to be committed, and the next."""

    assignment: Assignment
    loading: Cut | None = None
    done: Finished | None = None
    upcoming: Cut | None = None
    intended: bool = False
    failures: int = 0
    retry_at: float = 0.0
    began_at: float = 0.0

    @property
    def bytes_held(self) -> int:
        cuts = (self.loading, self.upcoming, self.done.cut if self.done else None)
        return sum(cut.batch.size_bytes for cut in cuts if cut is not None)


class Pipeline:
    """Moves ranges from `source` through `loaders` until `stopping()`."""

    def __init__(  # noqa: PLR0913 - the sides and the habits, each replaceable
        self,
        source: Source,
        loaders: Loaders,
        *,
        cutter: Cutter,
        retry: Retry,
        watch: Watch,
        clock: Clock,
        stopping: Callable[[], bool],
        buffer_bytes_max: int,
        finish_within_s: float,
        confirm_every_s: float,
        each_turn: Callable[[Collection[Assignment]], None] = lambda _: None,
    ) -> None:
        self._source = source
        self._loaders = loaders
        self._cutter = cutter
        self._retry = retry
        self._watch = watch
        self._clock = clock
        self._stopping = stopping
        self._buffer_bytes_max = buffer_bytes_max
        self._finish_within_s = finish_within_s
        self._confirm_every_s = confirm_every_s
        self._each_turn = each_turn
        self._lanes: dict[Assignment, _Lane] = {}
        self._full_since: float | None = None
        self._log = structlog.get_logger()

    def run(self) -> None:
        """Until `stopping()`, then commit what is being stored, if it gets stored in time.

        Raises Retryable when the source must be opened anew, Fatal to stop loudly.
        """
        try:
            while not self._stopping():
                self.run_once()
            self._finish()
        finally:
            # The next pipeline has lanes of its own, which know of no trouble that they could end.
            for assignment in list(self._lanes):
                self._let_go(assignment)

    def run_once(self) -> None:
        """Read what is there, and move every range on that can be."""
        self._read()
        self._collect(0)
        # Who has waited longest comes first: there are fewer loaders than lanes.
        for lane in sorted(self._lanes.values(), key=lambda each: each.began_at):
            self._advance(lane)

    def _advance(self, lane: _Lane) -> None:
        """Commit what is stored and intend what comes next, at once if both are there; then load it."""
        if self._clock.monotonic() < lane.retry_at:
            return
        if lane.loading is not None:
            self._confirm(lane, lane.loading)
            return
        # Cut when it can be stored at once: until then it grows, and larger ranges cost less by row.
        if lane.upcoming is None and self._loaders.idle > 0 and not self._stopping():
            with self._watch.step("cut"):
                lane.upcoming = self._cutter.next(lane.assignment)
            # That of a redo is written down already; it is again, to hear that the partition is ours.
            lane.intended = False
        upcoming = lane.upcoming.intent if lane.upcoming else None
        if lane.done is not None:
            if not self._committed(lane, "commit", lane.done.cut.range.next_offset, upcoming):
                return
            self._moved(lane.done)
            lane.done, lane.intended = None, upcoming is not None
        elif lane.upcoming is not None and not lane.intended:
            lane.intended = self._committed(lane, "intend", lane.assignment.committed, upcoming)
        if lane.upcoming is not None and lane.intended:
            self._loaders.start(lane.upcoming)
            lane.loading, lane.upcoming, lane.began_at = lane.upcoming, None, self._clock.monotonic()

    def _confirm(self, lane: _Lane, loading: Cut) -> None:
        """Have the group confirm that the range is ours, when it takes long to store (assignment.py)."""
        if self._clock.monotonic() - lane.assignment.confirmed_at >= self._confirm_every_s:
            self._committed(lane, "intend", lane.assignment.committed, loading.intent)

    def _committed(self, lane: _Lane, step: str, position: Position, intent: Intent | None) -> bool:
        """Whether it could be; if not, when to try again is noted: polling goes on meanwhile."""
        of, asked_at = str(lane.assignment.partition), self._clock.monotonic()
        try:
            with self._watch.step(step):
                self._source.commit(lane.assignment, position, intent)
        except AssignmentGone:
            self._let_go(lane.assignment)
            return False
        except Retryable as error:
            lane.failures += 1
            lane.retry_at = self._clock.monotonic() + self._retry.failed(step, lane.failures, error, of=of)
            return False
        lane.assignment.confirmed_at = asked_at
        if lane.failures:
            self._retry.over(step, lane.failures, of=of)
            lane.failures = 0
        return True

    def _let_go(self, assignment: Assignment) -> None:
        """Its lane ends. A commit that kept failing is no trouble of this lane's any more."""
        failures = self._lanes.pop(assignment, _Lane(assignment)).failures
        for step in ("commit", "intend") if failures else ():
            self._retry.over(step, failures, of=str(assignment.partition))

    def _collect(self, timeout_s: float) -> None:
        """Take back the ranges that loaders have finished, waiting for one at most `timeout_s`."""
        for finished in self._loaders.finished(timeout_s):
            cut, lane = finished.cut, self._lanes.get(finished.cut.assignment)
            if lane is None or isinstance(finished.error, AssignmentGone) or not cut.assignment.current:
                self._log.info("range_dropped", range=str(cut.range), reason="its partition was taken away")
                self._let_go(cut.assignment)
            elif isinstance(finished.error, StopAsked):
                self._log.info("range_dropped", range=str(cut.range), reason="asked to stop; it is redone")
                self._let_go(cut.assignment)
            elif isinstance(finished.error, Refused) and not cut.careful:
                self._log.warning("range_refused", range=str(cut.range), reason=str(finished.error))
                self._cutter.be_careful(cut.range)
                self._let_go(cut.assignment)
                self._source.reread(cut.assignment)
            elif finished.error is not None:
                raise finished.error
            else:
                lane.loading, lane.done = None, finished

    def _read(self) -> None:
        """Poll, and decode what came; with full buffers wait for room instead."""
        loading = any(lane.loading for lane in self._lanes.values())
        # What is due cannot be moved on while the range before it is not committed, nor while all loaders are
        # busy: with ranges, it may be, whose partitions were taken away, and which have no lane any more.
        behind = any(lane.done or lane.upcoming for lane in self._lanes.values())
        waiting = loading or behind or self._loaders.idle == 0
        timeout_s = POLL_S_BUSY if waiting else self._cutter.due_in_s(POLL_S_MAX)
        if self._is_full() and not waiting:
            self._cutter.close_all()
            # Only what is redone can be left, and only reading on completes that.
            self._read_on()
        elif self._is_full():
            now = self._clock.monotonic()
            self._full_since = now if self._full_since is None else self._full_since
            if now - self._full_since < FULL_S_MAX:
                self._collect(POLL_S_MAX)
                return
            self._source.pause()
        else:
            self._read_on()
        with self._watch.step("poll"):
            polled = self._source.poll(timeout_s)
        self._keep_lanes()
        for assignment, messages in polled.items():
            with self._watch.step("decode"):
                self._cutter.add(assignment, messages)
        self._watch.looped(joined=self._source.joined, lag=self._source.lag())
        self._each_turn(self._source.assignments.values())

    def _read_on(self) -> None:
        if self._full_since is not None:
            self._full_since = None
            self._source.resume()

    def _is_full(self) -> bool:
        held = self._cutter.bytes_held + sum(lane.bytes_held for lane in self._lanes.values())
        return held >= self._buffer_bytes_max

    def _keep_lanes(self) -> None:
        """A lane for every assignment, and none for those that ended."""
        ours = set(self._source.assignments.values())
        if ours == self._lanes.keys():
            return
        for gone in self._lanes.keys() - ours:
            self._let_go(gone)
        self._lanes = {each: self._lanes.get(each) or _Lane(each) for each in ours}
        self._cutter.forget_ended()

    def _finish(self) -> None:
        deadline = self._clock.monotonic() + self._finish_within_s
        while any(lane.loading or lane.done for lane in self._lanes.values()):
            left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                self._log.warning("stopped_inside_a_step", after_s=self._finish_within_s)
                return
            for lane in list(self._lanes.values()):
                lane.upcoming = None
                self._advance(lane)
            self._collect(min(left_s, POLL_S_BUSY))

    def _moved(self, finished: Finished) -> None:
        batch = finished.cut.batch
        self._watch.moved(
            finished.cut.assignment.partition,
            messages=batch.records,
            rows=finished.rows,
            duplicates=finished.duplicates,
            conflicts=finished.conflicts,
            dead=finished.dead,
            mended=finished.mended,
            newest_at_ms=batch.last_timestamp_ms,
            canary_sent_at_ms=batch.canary_sent_at_ms,
        )
        self._log.debug(
            "range_moved",
            range=str(finished.cut.range),
            redo=finished.cut.redo is not None,
            rows=finished.rows,
            duplicates=finished.duplicates,
            dead=finished.dead.total(),
        )
