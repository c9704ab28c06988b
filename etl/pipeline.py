"""The run: poll, cut, decode, deduplicate, load, dead letters, commit. One range after the other.

What holds: a range is committed only after its rows and its dead letters are stored, so whatever ends
this process, and whenever, the records of an uncommitted range are read again; ids that have a row are
left out then, so none is stored twice. An insert whose answer was lost is sent again, the same bytes under
the same token, until it is answered.
"""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import structlog

from etl import rows
from etl.assignment import Assignment
from etl.cutting import Cut, Cutter
from etl.dedup import Fresh, keep_new
from etl.errors import AssignmentGone, StopAsked
from etl.ports import DeadLetters, RowStore, Source
from etl.retry import Retry
from etl.watch import Watch
from telemetry.clock import Clock

T = TypeVar("T")

POLL_S_MAX = 0.1
STEPS = ("poll", "cut", "decode", "dedup", "load", "dead_letters", "commit")


class Pipeline:
    """Moves ranges from `source` to `store` until `stopping()`; what cannot be a row goes to `letters`."""

    def __init__(  # noqa: PLR0913 - the three sides and the four habits, each replaceable
        self,
        source: Source,
        store: RowStore,
        letters: DeadLetters,
        *,
        cutter: Cutter,
        retry: Retry,
        watch: Watch,
        clock: Clock,
        stopping: Callable[[], bool],
    ) -> None:
        self._source = source
        self._store = store
        self._letters = letters
        self._cutter = cutter
        self._retry = retry
        self._watch = watch
        self._clock = clock
        self._stopping = stopping
        self._log = structlog.get_logger()

    def run(self) -> None:
        """Until `stopping()`. Raises Retryable when the source must be opened anew, Fatal to stop loudly."""
        while not self._stopping():
            self.run_once()

    def run_once(self) -> None:
        """Read what is there and move every range that is due."""
        self._read(self._cutter.due_in_s(POLL_S_MAX))
        while (cut := self._next_cut()) is not None and not self._stopping():
            self._move(cut)

    def _move(self, cut: Cut) -> None:
        try:
            with self._watch.step("decode"):
                read = rows.decode(cut)
            fresh = self._insist("dedup", cut.assignment, lambda: keep_new(read.rows, self._store))
            if fresh.rows:
                block = b"\n".join(row.line for row in fresh.rows)
                token = cut.range.token
                self._insist("load", cut.assignment, lambda: self._store.insert(block, token=token))
            if read.dead:
                self._insist(
                    "dead_letters", cut.assignment, lambda: self._letters.write(cut.assignment, read.dead)
                )
            self._insist(
                "commit", cut.assignment, lambda: self._source.commit(cut.assignment, cut.range.next_offset)
            )
        except AssignmentGone:
            self._log.info("range_dropped", range=str(cut.range), reason="its partition was taken away")
        except StopAsked:
            self._log.info("range_dropped", range=str(cut.range), reason="asked to stop; it is read again")
        else:
            self._moved(cut, read, fresh)

    def _insist(self, step: str, assignment: Assignment, action: Callable[[], T]) -> T:
        """Do `action` until it succeeds, as long as the partition is ours; keep our membership meanwhile."""

        def attempt() -> T:
            assignment.check()
            with self._watch.step(step):
                return action()

        def wait(seconds: float) -> None:
            self._source.pause()
            deadline = self._clock.monotonic() + seconds
            while (left_s := deadline - self._clock.monotonic()) > 0:
                if self._stopping():
                    raise StopAsked
                self._read(min(left_s, POLL_S_MAX))

        try:
            return self._retry.call(step, attempt, wait=wait)
        finally:
            self._source.resume()

    def _read(self, timeout_s: float) -> None:
        with self._watch.step("poll"):
            polled = self._source.poll(timeout_s)
        for assignment, records in polled.items():
            self._cutter.add(assignment, records)
        self._watch.looped(joined=self._source.joined, lag=self._source.lag())

    def _next_cut(self) -> Cut | None:
        with self._watch.step("cut"):
            return self._cutter.next()

    def _moved(self, cut: Cut, read: rows.Decoded, fresh: Fresh) -> None:
        self._watch.moved(
            messages=len(cut.records),
            rows=len(fresh.rows),
            duplicates=fresh.duplicates,
            conflicts=fresh.conflicts,
            dead=Counter(letter.reason for letter in read.dead),
        )
        self._log.debug(
            "range_moved",
            range=str(cut.range),
            rows=len(fresh.rows),
            duplicates=fresh.duplicates,
            dead=len(read.dead),
        )
