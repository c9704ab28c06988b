"""The frame without a machine: a clock that moves when told, and a baseline that takes what is scripted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.engines.warehouse import Warehouse
from benchmarks.frame.baseline import Meter, Work
from benchmarks.frame.figures import (
    Baseline,
    Check,
    Comparison,
    Cost,
    Figure,
    Machine,
    Pair,
    Result,
)
from benchmarks.frame.session import Session
from telemetry.clock import Clock, SystemClock


class FakeClock:
    """Time passes by sleeping and by `pass_time` alone."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 11, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return self.elapsed_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed_s += seconds

    def pass_time(self, seconds: float) -> None:
        self.elapsed_s += seconds


class FakeMachine:
    """Its baseline work takes one second, and where the script says so, longer or shorter."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.said: list[str] = []
        self.script: Iterator[float] = iter(())
        self.taken = 0

    def work(self) -> None:
        self.taken += 1
        self.clock.pass_time(next(self.script, 1.0))

    def prepare(self) -> Work:
        return self.work

    def meter(self) -> Meter:
        meter = Meter(self.prepare, clock=self.clock, say=self.said.append)
        meter.calibrate()
        self.taken = 0
        return meter


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def machine(clock: FakeClock) -> FakeMachine:
    return FakeMachine(clock)


@pytest.fixture
def session(machine: FakeMachine, tmp_path: Path) -> Session:
    return Session(
        bench="trial",
        scale="quick",
        seed=1,
        scratch=tmp_path,
        clock=machine.clock,
        meter=machine.meter(),
        say=machine.said.append,
    )


@pytest.fixture
def make_result() -> Callable[..., Result]:
    """A whole result; what differs is said."""

    def make(
        *,
        samples: list[float] | None = None,
        ratio_samples: list[float] | None = None,
        cpu: str = "Fast 9000",
        seed: int = 1,
        **changes: object,
    ) -> Result:
        figures = [
            Figure(key="load", name="Load", unit="s", samples=samples or [1.0, 1.1, 0.9]),
            Figure(key="size", name="Size", unit="x", samples=ratio_samples or [3.0, 3.1, 2.9]),
        ]
        pair = Pair(
            a=Cost(wall_s=2, cpu_s={"a": 1.0}), b=Cost(wall_s=1, cpu_s={"b": 2.0}), baseline_s=[1.0, 1.0]
        )
        against = Comparison(key="ab", name="A or B", a="A", b="B", unit="row", pairs=[pair] * 7)
        whole: dict[str, object] = {
            "bench": "storage",
            "asks": "What?",
            "scale": "quick",
            "seed": seed,
            "command": "python -m benchmarks run storage",
            "started_at": "2026-11-01T00:00:00+00:00",
            "elapsed_s": 12.0,
            "machine": Machine(cpu=cpu, cores=2, memory_gib=24.0, system="Linux 6", load_before=0.1),
            "versions": {"python": "3.11"},
            "settings": {"rows": "10"},
            "baseline": Baseline(samples_s=[1.0, 1.1], drift_max=0.25),
            "figures": figures,
            "comparisons": [against],
            "checks": [Check(what="rows", expected="10", found="10")],
            "skipped": [],
            **changes,
        }
        return Result(**whole)

    return make


class Lasting(Warehouse):
    """A bench's own warehouse that outlives the bench: it is started once and lent to the next."""

    left_running = False

    def start(self) -> None:
        if self._process is None:
            super().start()
        self.left_running = True

    def stop(self) -> None:
        self.left_running = False

    def end(self) -> None:
        super().stop()


class Lender:
    """Hands out warehouses that run, as many as are held at once; each bench makes its tables anew."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made: list[Lasting] = []
        self._lent = 0

    def __call__(self, _: Path, *, clock: Clock) -> Lasting:
        if self._lent == len(self._made):
            self._made.append(Lasting(self._directory / str(self._lent), clock=clock))
        self._lent += 1
        return self._made[self._lent - 1]

    def take_back(self) -> None:
        """Whoever borrowed one has stopped it, as it would have stopped its own."""
        self._lent = 0
        assert not any(each.left_running for each in self._made)

    def end(self) -> None:
        for each in self._made:
            each.end()


@pytest.fixture(scope="session")
def _lender(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lender]:
    made = Lender(tmp_path_factory.mktemp("lent"))
    try:
        yield made
    finally:
        made.end()


@pytest.fixture
def lent(_lender: Lender) -> Iterator[Lender]:
    """In place of a bench's `Warehouse`: the same, but already running after the first time."""
    yield _lender
    _lender.take_back()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def real(tmp_path: Path, said: list[str]) -> Iterator[Session]:
    """A session with real time and a baseline that never moves: other tests run beside this one."""
    clock = SystemClock()
    meter = Meter(lambda: lambda: clock.sleep(0.01), clock=clock, say=said.append, drift_max=100)
    meter.calibrate()
    session = Session(
        bench="trial", scale="quick", seed=3, scratch=tmp_path, clock=clock, meter=meter, say=said.append
    )
    with ExitStack() as left:
        left.callback(session.close)
        yield session
