"""One range's way into the warehouse: deduplicate, load, mend, dead letters, ledger. And the threads for it.

A step that fails is repeated for ever, unless its partition is taken away or the process is to end. What is
left undone by a crash at any instant is done by whoever redoes the range: every step may be repeated.
"""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import Protocol, TypeVar

import structlog

from etl.batch import Batch, Block, DeadLetter
from etl.bisecting import refused
from etl.brake import Brake
from etl.cutting import Cut
from etl.dedup import Dedup, Fresh
from etl.errors import Fatal, Refused, StopAsked
from etl.ports import DeadLetters, Mended, MovedRange, RowStore
from etl.retry import Retry
from etl.watch import Watch
from telemetry.clock import Clock

T = TypeVar("T")

JOIN_TIMEOUT_S = 1.0
CONFLICTS_IN_FULL = 10
IDS_A_LINE = 50


@dataclass(frozen=True, slots=True)
class Finished:
    """What became of a range: all of it is stored, or `error` says why not."""

    cut: Cut
    rows: int = 0
    duplicates: int = 0
    conflicts: int = 0
    dead: Counter[str] = field(default_factory=Counter)
    mended: int = 0
    error: Exception | None = None


class Loader:
    """Takes ranges to the warehouse, one a call; several threads may call at once, never with two ranges of
    one partition. Never raises: what went wrong is in the answer."""

    def __init__(  # noqa: PLR0913 - the sides, and the habits
        self,
        store: RowStore,
        letters: DeadLetters,
        *,
        dedup: Dedup,
        brake: Brake,
        retry: Retry,
        watch: Watch,
        clock: Clock,
        pause: Callable[[float], None],
        stopping: Callable[[], bool],
        sure_for_s: float,
    ) -> None:
        self._store = store
        self._letters = letters
        self._dedup = dedup
        self._brake = brake
        self._retry = retry
        self._watch = watch
        self._clock = clock
        self._pause = pause
        self._stopping = stopping
        self._sure_for_s = sure_for_s
        self._log = structlog.get_logger()

    def __call__(self, cut: Cut) -> Finished:
        try:
            return self._move(cut)
        except Exception as error:  # noqa: BLE001 - the main thread raises it
            return Finished(cut, error=error)

    def _move(self, cut: Cut) -> Finished:
        if cut.redo is not None and cut.batch.records < cut.redo.records:
            raise Fatal(
                f"of range {cut.range} the log holds {cut.batch.records} records; {cut.redo.records} were "
                "read before: it lost some. Look at the broker's log and disks; to go on without them, "
                "reset the group's offsets of this partition to the range's end"
            )
        fresh, dead, mended = self._load(cut)
        rows = fresh.rows
        self._dedup.stored(cut.assignment, rows)
        # Of every range: the good ones are what the dead are measured against.
        self._brake.check(cut.batch, dead, token=cut.range.token)
        if dead:
            self._insist("dead_letters", cut, lambda: self._letters.write(cut.assignment, dead))
        moved = self._entry(cut, rows, fresh, dead)
        self._insist("ledger", cut, lambda: self._store.remember(moved))
        self._tell_conflicts(fresh)
        return Finished(
            cut,
            rows=len(rows.ids),
            duplicates=fresh.duplicates,
            conflicts=len(fresh.conflicts),
            dead=Counter(letter.reason for letter in dead),
            mended=mended,
        )

    def _load(self, cut: Cut) -> tuple[Fresh, list[DeadLetter], int]:
        """What is stored, what became a letter, and how many rows had to be mended."""
        batch, dead = cut.batch, list(cut.batch.dead)
        while True:
            fresh = self._new_of(cut, batch)
            rows = fresh.rows
            try:
                mended = self._store_rows(cut, rows)
            except Refused:
                if not cut.careful or not (bad := self._refused(cut, rows)):
                    raise
            else:
                return fresh, sorted(dead, key=lambda letter: letter.record.offset), mended
            dead += bad
            # Again from the start: a good copy of a bad one was left out as a duplicate of it.
            lost = {letter.record.offset for letter in bad}
            batch = batch.without([at for at, offset in enumerate(batch.offsets) if offset in lost])

    def _new_of(self, cut: Cut, batch: Batch) -> Fresh:
        redo = cut.redo is not None
        return self._insist(
            "dedup", cut, lambda: self._dedup.keep_new(cut.assignment, cut.range, batch, redo=redo)
        )[0]

    def _refused(self, cut: Cut, rows: Batch) -> list[DeadLetter]:
        bad, _ = self._insist("load", cut, lambda: refused(rows.lines, self._store.probe))
        return [DeadLetter(rows.whole[index], "refused_by_warehouse", said) for index, said in bad.items()]

    def _store_rows(self, cut: Cut, rows: Batch) -> int:
        """Insert them; how many a check by offsets had to put in besides.

        Of a redo the check puts in all that is missing, and nothing is inserted before: what is there may be
        there under another token (stored by another cut, before the group was moved back; a token that the
        warehouse forgot), and would be there twice.
        """
        if not rows.ids:
            return 0
        if cut.redo is None:
            if self._answered(cut, rows.block()):
                return 0
        elif not cut.reads_as_intended:
            self._log.warning("range_reads_differently", range=str(cut.range))
        return self._mend(cut, rows)

    def _answered(self, cut: Cut, block: Block) -> bool:
        """Insert them, once; whether we know that they are stored.

        Without an answer it is not sent again: after a loss of power rows may be there whose token is not.
        """
        attempts = iter([True])

        def insert() -> bool:
            if next(attempts, False):
                self._store.insert(block, token=cut.range.token)
                return True
            return False

        return self._insist("load", cut, insert)[0]

    def _mend(self, cut: Cut, rows: Batch) -> int:
        token = cut.range.token

        def mend() -> Mended:
            return self._store.mend(cut.range, rows, token=token, check=lambda: self._check(cut))

        mended, _ = self._insist("mend", cut, mend)
        for where in mended.drift:
            self._watch.drifted()
            self._log.error("drift_found", where=where, range=str(cut.range))
        put = mended.raw + sum(mended.targets.values())
        if put:
            self._log.info("range_mended", range=str(cut.range), raw=mended.raw, targets=dict(mended.targets))
        return put

    def _insist(self, step: str, cut: Cut, action: Callable[[], T]) -> tuple[T, int]:
        """Do `action` until it succeeds, as long as the partition is ours; and how often it had failed."""

        def attempt() -> T:
            self._check(cut)
            with self._watch.step(step):
                return action()

        def wait(seconds: float) -> None:
            self._pause(seconds)
            if self._stopping():
                raise StopAsked

        return self._retry.call(step, attempt, wait=wait, of=str(cut.range))

    def _check(self, cut: Cut) -> None:
        cut.assignment.check_confirmed(since=self._clock.monotonic() - self._sure_for_s)

    def _entry(self, cut: Cut, rows: Batch, fresh: Fresh, dead: Sequence[DeadLetter]) -> MovedRange:
        sent_at_ms = cut.batch.canary_sent_at_ms
        return MovedRange(
            range=cut.range,
            records=cut.batch.records,
            rows=len(rows.ids),
            duplicates=fresh.duplicates,
            conflicts=len(fresh.conflicts),
            dead=len(dead),
            canaries=cut.batch.canaries,
            canary_sent_at=None if sent_at_ms is None else datetime.fromtimestamp(sent_at_ms / 1000, UTC),
            moved_at=self._clock.now(),
        )

    def _tell_conflicts(self, fresh: Fresh) -> None:
        """The first in full; of the others each id, so that every one can be traced."""
        for conflict in fresh.conflicts[:CONFLICTS_IN_FULL]:
            self._log.warning(
                "conflict",
                event_id=conflict.event_id,
                copy=str(conflict.copy),
                kept=str(conflict.kept),
                differing=conflict.differing,
            )
        others = [conflict.event_id for conflict in fresh.conflicts[CONFLICTS_IN_FULL:]]
        for start in range(0, len(others), IDS_A_LINE):
            self._log.info("more_conflicts", event_ids=others[start : start + IDS_A_LINE])


class Loaders(Protocol):
    """Where ranges are taken to be loaded beside the main loop."""

    @property
    def idle(self) -> int:
        """How many ranges could be begun at once."""
        ...

    def start(self, cut: Cut) -> None:
        """Have it loaded soon."""
        ...

    def finished(self, timeout_s: float) -> list[Finished]:
        """What has come to an end since, waiting for one at most `timeout_s`."""
        ...

    def close(self) -> None:
        """Let go of the threads; one that sits in a call is left behind."""
        ...


class LoaderThreads:
    """The real ones."""

    def __init__(self, load: Callable[[Cut], Finished], *, threads: int) -> None:
        self._load = load
        self._waiting: SimpleQueue[Cut | None] = SimpleQueue()
        self._ended: SimpleQueue[Finished] = SimpleQueue()
        self._begun = 0
        # Daemons: a call that hangs must not keep the process from ending.
        self._threads = [
            threading.Thread(target=self._work, name=f"loader-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def idle(self) -> int:
        return max(0, len(self._threads) - self._begun)

    def start(self, cut: Cut) -> None:
        self._begun += 1
        self._waiting.put(cut)

    def finished(self, timeout_s: float) -> list[Finished]:
        found: list[Finished] = []
        try:
            found.append(self._ended.get(timeout=timeout_s) if timeout_s > 0 else self._ended.get_nowait())
            while True:
                found.append(self._ended.get_nowait())
        except Empty:
            self._begun -= len(found)
            return found

    def close(self) -> None:
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(JOIN_TIMEOUT_S)

    def _work(self) -> None:
        while (cut := self._waiting.get()) is not None:
            self._ended.put(self._load(cut))
