"""One bench after the other: what each ended in, and what the whole run exits with.

A bench that fails, is void or is refused writes nothing and does not keep the others from running.
"""

import tempfile
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.frame import results
from benchmarks.frame.baseline import DRIFT_MAX, Meter, Work
from benchmarks.frame.errors import BenchFailed, Noisy, Void
from benchmarks.frame.figures import Result
from benchmarks.frame.machine import this_machine
from benchmarks.frame.session import Bench, Scale, Session, refuse_full_disk
from benchmarks.frame.versions import versions
from telemetry.clock import Clock
from telemetry.errors import OperatorError

Ended = Literal["measured", "missed", "failed", "void", "noisy"]
# The gravest decides: figures that would be wrong, then figures that could not be had, then the rest.
EXIT_CODES: dict[Ended, int] = {"void": 2, "noisy": 3, "missed": 1, "failed": 1, "measured": 0}


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for."""

    scale: Scale
    seed: int
    out: Path
    drift_max: float = DRIFT_MAX


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one bench ended: with a result, or with the line that says why not."""

    bench: str
    ended: Ended
    message: str = ""
    result: Result | None = None
    file: Path | None = None


class Runner:
    """Runs benches. `prepare` makes the baseline's work ready, `load` finds a bench by its name."""

    def __init__(
        self,
        plan: Plan,
        *,
        load: Callable[[str], Bench],
        clock: Clock,
        prepare: Callable[[], Work],
        say: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._load = load
        self._clock = clock
        self._prepare = prepare
        self._say = say

    def run(self, names: Iterable[str]) -> list[Outcome]:
        """Every one of them, in this order."""
        return [self._run(name) for name in names]

    def _run(self, name: str) -> Outcome:
        try:
            result = self._measure(self._load(name))
        except Void as void:
            return Outcome(name, "void", str(void))
        except Noisy as noisy:
            return Outcome(name, "noisy", str(noisy))
        except OperatorError as failed:
            return Outcome(name, "failed", str(failed))
        except Exception as fault:  # noqa: BLE001 - a fault of one bench is not the end of the others
            return Outcome(name, "failed", _one_line(fault))
        file = results.write(result, self._plan.out)
        missed = missed_gates(result)
        message = f"missed: {', '.join(missed)}" if missed else ""
        return Outcome(name, "missed" if missed else "measured", message, result, file)

    def _measure(self, bench: Bench) -> Result:
        with tempfile.TemporaryDirectory(prefix="ugc-bench-") as scratch:
            refuse_full_disk(Path(scratch), bench.disk_bytes.get(self._plan.scale, 0), bench.name)
            machine, started_at, began = this_machine(), self._clock.now(), self._clock.monotonic()
            self._say(f"{bench.name}: {bench.asks}")
            meter = Meter(self._prepare, clock=self._clock, say=self._say, drift_max=self._plan.drift_max)
            meter.calibrate()
            session = Session(
                bench=bench.name,
                scale=self._plan.scale,
                seed=self._plan.seed,
                scratch=Path(scratch),
                clock=self._clock,
                meter=meter,
                say=self._say,
            )
            try:
                bench.run(session)
            finally:
                session.close()
            if not session.checks:
                raise BenchFailed(f"{bench.name} checked nothing, so its figures could be of anything")
            return Result(
                bench=bench.name,
                asks=bench.asks,
                scale=self._plan.scale,
                seed=self._plan.seed,
                command=f"python -m benchmarks run {bench.name} "
                f"--scale {self._plan.scale} --seed {self._plan.seed}",
                started_at=started_at.isoformat(timespec="seconds"),
                elapsed_s=round(self._clock.monotonic() - began, 1),
                machine=machine,
                versions={**versions(), **session.versions},
                settings=session.settings,
                baseline=meter.close(),
                figures=session.figures,
                comparisons=session.comparisons,
                checks=session.checks,
                skipped=session.skipped,
                profiles=session.profiles,
            )


def exit_code(outcomes: Iterable[Outcome]) -> int:
    """Of the whole run: the gravest of its benches, in the order of EXIT_CODES."""
    ended = {outcome.ended for outcome in outcomes}
    return next((code for how, code in EXIT_CODES.items() if how in ended), 0)


def missed_gates(result: Result) -> list[str]:
    """The keys of the ratios that had to reach their target and did not."""
    judged = [(each.key, each.target, each.reached) for each in result.figures]
    judged += [(each.key, each.target, each.reached) for each in result.comparisons]
    return [key for key, target, reached in judged if target and target.gates and not reached]


def _one_line(fault: Exception) -> str:
    """What broke and where: enough to find it, and no more than a line."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    said = str(fault).strip().splitlines()
    words = f": {said[0]}" if said else ""
    return f"{type(fault).__name__}{words} ({Path(last.filename).name}:{last.lineno})"
