"""A kill, a return and a catch-up: what is read off the offsets, on a clock that is told; no service."""

import threading
from collections.abc import Callable

import pytest

from benchmarks import recovery
from benchmarks.draining.topic import Writer
from benchmarks.frame.errors import BenchFailed, Void
from benchmarks.frame.load.report import GeneratorLate
from benchmarks.frame.session import Session
from benchmarks.recovering import outage as outages
from benchmarks.recovering.feeding import LATE_MAX_S, Fed, Feeder, Task, feed
from benchmarks.recovering.outage import Outage, outage
from contract.wire import Record
from embedded.supervisor import BACKOFF_FIRST_S
from telemetry.clock import Clock

RATE = 1_000


class World:
    """An ETL, its load and the log between them, as functions of time.

    A live ETL with its partitions commits `speed` events a second, `JOINS_S` after it began and `dead_s`
    after another was killed.
    """

    JOINS_S = 2.0

    def __init__(
        self, clock: Clock, *, speed: int = 5_000, dead_s: float = 10.0, lasts_s: float = 1e9
    ) -> None:
        self.clock = clock
        self.speed, self.dead_s, self.lasts_s = speed, dead_s, lasts_s
        self.begun_at = self.fed_at = self.killed_at = float("-inf")
        self.looked_at = clock.monotonic()
        self.alive = self.stopped = False
        self.done = 0.0

    def begin(self) -> None:
        self.alive, self.begun_at = True, self.clock.monotonic()

    def kill(self) -> None:
        self.committed()
        self.alive, self.killed_at = False, self.clock.monotonic()

    def joined_at(self) -> float:
        return max(self.begun_at + self.JOINS_S, self.killed_at + self.dead_s)

    def partitions(self) -> int:
        return 4 if self.alive and self.clock.monotonic() >= self.joined_at() else 0

    def require_alive(self) -> None:
        pass

    def last_words(self) -> str:
        return "so tired"

    def go(self) -> None:
        self.fed_at = self.clock.monotonic()

    def stop(self) -> Fed:
        self.stopped = True
        ran_out = self.clock.monotonic() - self.fed_at > self.lasts_s
        return Fed(self.written(), ran_out, 0.0)

    def written(self) -> int:
        return int(min(self.lasts_s, self.clock.monotonic() - self.fed_at) * RATE) if self.fed_at > 0 else 0

    def committed(self) -> int:
        now = self.clock.monotonic()
        if self.alive:
            could_s = max(0.0, now - max(self.looked_at, self.joined_at()))
            self.done = min(float(self.written()), self.done + could_s * self.speed)
        self.looked_at = now
        return int(self.done)


def measured(session: Session, world: World) -> Outage:
    session.clock.sleep(1)
    return outage(session, world, world, world, rate=RATE)


def test_a_kill_is_measured_until_the_lag_is_the_usual_one(session: Session) -> None:
    world = World(session.clock)
    found = measured(session, world)
    # Ten seconds at a thousand a second are behind; of five thousand a second four go into catching up.
    assert found.assigned_s == pytest.approx(10.0, abs=0.2)
    assert found.first_commit_s == pytest.approx(10.1, abs=0.2)
    assert found.first_commit_s > found.assigned_s
    assert found.backlog == pytest.approx(10_000, rel=0.05)
    assert found.catching_up_s == pytest.approx(2.5, abs=0.3)
    assert found.ratio == pytest.approx(5.0, rel=0.1)
    assert found.usual_lag < RATE
    assert world.stopped
    assert found.fed.records >= found.backlog


def test_what_starts_it_again_waits_as_the_supervisor_does(session: Session) -> None:
    world = World(session.clock, dead_s=0)
    found = measured(session, world)
    assert found.assigned_s == pytest.approx(BACKOFF_FIRST_S + World.JOINS_S, abs=0.2)


def test_an_etl_that_hardly_gains_on_the_load_has_a_ratio_that_says_so(session: Session) -> None:
    assert measured(session, World(session.clock, speed=1_300)).ratio == pytest.approx(1.3, rel=0.1)


def test_an_etl_that_never_catches_up_fails(session: Session) -> None:
    with pytest.raises(BenchFailed, match=r"90 s after its start the ETL lags by .* usual are .*: so tired"):
        measured(session, World(session.clock, speed=RATE + 5))


def test_an_etl_that_does_not_keep_up_before_the_kill_is_not_killed(session: Session) -> None:
    world = World(session.clock, speed=RATE // 3)
    with pytest.raises(BenchFailed, match="before anything is killed: it does not keep up"):
        measured(session, world)
    assert world.alive


def test_an_etl_that_does_not_come_back_fails(session: Session) -> None:
    with pytest.raises(BenchFailed, match="the ETL has no partitions within 90 s: so tired"):
        measured(session, World(session.clock, dead_s=1_000))


def test_a_load_that_ends_first_measures_nothing(session: Session) -> None:
    with pytest.raises(BenchFailed, match="the load ended before"):
        measured(session, World(session.clock, lasts_s=18.0))
    with pytest.raises(BenchFailed, match="nothing arrived while"):
        measured(session, World(session.clock, lasts_s=9.0))


class Paper(Writer):
    """Writes nowhere; `slow` is called before each record."""

    def __init__(self, slow: Callable[[], None] = lambda: None) -> None:
        self.records: list[Record] = []
        self.slow = slow

    def write(self, record: Record) -> None:
        self.slow()
        self.records.append(record)

    def poll(self) -> None:
        pass

    def flush(self) -> int:
        return len(self.records)


def task(**changes: object) -> Task:
    whole: dict[str, object] = {"bootstrap": "", "seed": 1, "users": 10, "begins_at_ms": 10**12, "rate": RATE}
    return Task(**{**whole, "seconds": 3, **changes})  # type: ignore[arg-type]


def test_records_are_written_when_they_are_due(session: Session) -> None:
    began, paper = session.clock.monotonic(), Paper()
    fed = feed(task(), clock=session.clock, writer=paper, stopped=threading.Event())
    assert fed == Fed(3_000, True, fed.late_p99_s)
    assert fed.late_p99_s < 0.02
    assert session.clock.monotonic() - began == pytest.approx(3.0, abs=0.05)
    assert len({record.key for record in paper.records}) == 3_000
    times = [record.timestamp_ms for record in paper.records]
    assert times == sorted(times)
    assert (times[0], times[-1]) == (10**12, 10**12 + 2_999)


def test_a_feeder_that_is_told_stops(session: Session) -> None:
    stopped = threading.Event()
    paper = Paper(lambda: stopped.set() if len(paper.records) == 499 else None)
    fed = feed(task(), clock=session.clock, writer=paper, stopped=stopped)
    assert fed.records == pytest.approx(500, abs=20)
    assert not fed.ran_out


def test_a_stall_is_owed_and_told(session: Session) -> None:
    stalled = iter([5.0])
    paper = Paper(lambda: session.clock.sleep(next(stalled, 0.0)) if len(paper.records) == 10 else None)
    fed = feed(task(), clock=session.clock, writer=paper, stopped=threading.Event())
    assert fed.records == 3_000
    assert fed.late_p99_s > LATE_MAX_S


def test_a_feeder_that_was_late_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    feeder = Feeder(task())
    monkeypatch.setattr(feeder, "_tell", lambda _: None)
    monkeypatch.setattr(feeder, "_line", lambda: b'{"records":1,"ran_out":false,"late_p99_s":0.7}\n')
    with pytest.raises(GeneratorLate, match=r"0\.70 s late"):
        feeder.stop()
    monkeypatch.setattr(feeder, "_line", lambda: b"")
    with pytest.raises(BenchFailed, match="the feeder of the log failed"):
        feeder.stop()


class Counts:
    """A table that says what it is told."""

    def __init__(self, **other: int) -> None:
        self.other = other

    def __getattr__(self, name: str) -> Callable[[], int]:
        return lambda: self.other.get(name, 100)


@pytest.mark.parametrize(
    ("name", "found", "said"),
    [
        ("rows", 99, "rows in events_raw, of events written should be 100 and is 99"),
        ("distinct", 99, "different ids in events_raw"),
        ("remembered", 99, "ids remembered"),
        ("counted", 101, "events in the aggregate, of events written should be 100 and is 101"),
    ],
)
def test_one_count_that_differs_voids_the_run(session: Session, name: str, found: int, said: str) -> None:
    recovery._check(session, Counts(), 100, "events written")  # type: ignore[arg-type]
    assert len(session.checks) == 4
    with pytest.raises(Void, match=said):
        recovery._check(session, Counts(**{name: found}), 100, "events written")  # type: ignore[arg-type]


def test_the_limits_are_those_of_the_promise() -> None:
    assert (recovery.CATCH_UP_TARGET, recovery.FIRST_COMMIT_TARGET_S, recovery.MEMORY_TARGET_MB) == (
        3,
        30,
        400,
    )
    assert outages.WITHIN_S > recovery.FIRST_COMMIT_TARGET_S
    assert recovery.SIZES["full"].backlog == 5_000_000
