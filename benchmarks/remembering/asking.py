"""The product's own way to find out which events are new, and the bare question, each with what it cost."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Session
from benchmarks.remembering.ranges import Cut
from clickhouse.client import connect
from etl.dedup import Dedup
from etl.load import ClickHouseStore
from etl.ranges import Range

# As long as the ETL waits for an answer.
ANSWER_WITHIN_S = 60
CLIENT, WAREHOUSE = "bench", "warehouse"


class CountingStore(ClickHouseStore):
    """The real store, that counts the ids it is asked about."""

    asked = 0

    @classmethod
    def at(cls, dsn: str) -> "CountingStore":
        """Of that warehouse, as patient as the ETL."""
        return cls(connect(dsn, read_timeout_s=ANSWER_WITHIN_S), answer_within_s=ANSWER_WITHIN_S)

    def stored(self, ids: Sequence[bytes], *, leaving_out: Range | None = None) -> set[bytes]:
        """As the real one."""
        self.asked += len(ids)
        return super().stored(ids, leaving_out=leaving_out)


@dataclass(frozen=True, slots=True)
class Answered:
    """Ranges that were judged: wall time of the judging, CPU of everything meanwhile, ids asked about, and
    the wall time of remembering those that were then stored."""

    wall_s: float
    cpu_s: dict[str, float]
    events: int
    asked: int
    remembering_s: float

    @property
    def wall_us(self) -> float:
        """By event."""
        return self.wall_s / self.events * 1e6

    def cpu_us(self, role: str) -> float:
        """CPU of one process by event."""
        return self.cpu_s[role] / self.events * 1e6

    @property
    def asked_percent(self) -> float:
        """Of the events, how many the warehouse was asked about."""
        return self.asked / self.events * 100


class Asker:
    """One process's memory of ids, `Dedup`, on the real warehouse. Readings run in threads, as in the ETL."""

    def __init__(self, session: Session, store: CountingStore, *, pid: int, seen_bytes_max: int) -> None:
        self._session = session
        self._pid = pid
        self._readings: list[threading.Thread] = []
        self.reading_s: list[float] = []
        self.store = store
        self.dedup = Dedup(store, seen_bytes_max=seen_bytes_max, in_background=self._read)

    def answer(self, cuts: Sequence[Cut], *, copies: int = 0) -> Answered:
        """Judge each range, then remember its new rows as stored; of each range `copies` are none.

        A reading of the memory that begins meanwhile is waited for: its CPU counts, its wall time does not.
        Raises Void when one new event is called a copy, or a copy new.
        """
        session, clock = self._session, self._session.clock
        asked, wall_s, remembering_s, costs = self.store.asked, 0.0, 0.0, []
        for cut in cuts:
            with session.watch({WAREHOUSE: self._pid}) as watch:
                began = clock.monotonic()
                fresh = self.dedup.keep_new(cut.assignment, cut.range, cut.batch, redo=False)
                wall_s += clock.monotonic() - began
                self.finish()
            costs.append(watch.cost())
            session.check("events called copies", copies, fresh.duplicates)
            session.check("events called new", len(cut.batch) - copies, len(fresh.rows))
            session.check("copies that say something else", 0, len(fresh.conflicts))
            began = clock.monotonic()
            self.dedup.stored(cut.assignment, fresh.rows)
            remembering_s += clock.monotonic() - began
        return Answered(
            wall_s,
            _together(costs),
            sum(len(cut.batch) for cut in cuts),
            self.store.asked - asked,
            remembering_s,
        )

    def ask(self, cut: Cut) -> Answered:
        """The bare question about all ids of a range, none of which is stored. Raises Void when one is."""
        ids, clock = list(cut.batch.ids), self._session.clock
        with self._session.watch({WAREHOUSE: self._pid}) as watch:
            began = clock.monotonic()
            there = self.store.stored(ids)
            wall_s = clock.monotonic() - began
        self._session.check("ids of new events that the warehouse has", 0, len(there))
        return Answered(wall_s, watch.cost().cpu_s, len(ids), len(ids), 0.0)

    def store_all(self, cut: Cut) -> None:
        """Put a range's rows into the warehouse as the ETL does, and remember them."""
        self.store.insert(cut.batch.block(), token=cut.range.token)
        self.dedup.stored(cut.assignment, cut.batch)

    def finish(self) -> None:
        """Wait for readings that are under way."""
        while self._readings:
            self._readings.pop().join()

    def _read(self, work: Callable[[], None]) -> None:
        def timed() -> None:
            began = self._session.clock.monotonic()
            work()
            self.reading_s.append(self._session.clock.monotonic() - began)

        thread = threading.Thread(target=timed, daemon=True)
        self._readings.append(thread)
        thread.start()


def _together(costs: Sequence[Cost]) -> dict[str, float]:
    return {role: sum(each.cpu_s[role] for each in costs) for role in (CLIENT, WAREHOUSE)}
