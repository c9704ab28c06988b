"""Where the time went: which process set the pace, and which functions it spent its time in.

The bottleneck is worked out from what was measured, never named by hand. Python processes are sampled by
py-spy while they work; of native ones (broker, warehouse) there is their CPU time.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from benchmarks.frame.figures import Cost, Hot

# Processes that one interpreter lock keeps to one core, whatever their threads.
ONE_CORE = frozenset({"api", "etl", "generator", "bench"})
# Of what a process could use at most: beyond it there is nothing left to give.
SATURATED = 0.85
MACHINE_SATURATED = 0.9

SAMPLES_A_SECOND = 200
HOT_MAX = 12
STOP_WITHIN_S = 20.0
# The raw format: frames from the outside in, then how many samples: "a (b.py);c (d.py) 17".
_LINE = re.compile(r"(?:.*;)?(?P<function>[^;]+) (?P<samples>\d+)")
_FRAME = re.compile(r"(?P<name>.*) \((?P<file>[^()]*)\)")

Limit = Literal["its one core", "all cores of the machine", "none: it waits"]


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """What kept the work from going faster, for `share` of the time: `role`, `busy` cores of `of`."""

    role: str
    limit: Limit
    busy: float
    of: float
    share: float

    def __str__(self) -> str:
        return (
            f"{self.role}, {self.busy:.2f} of {self.of:g} cores, for {self.share:.0%} of the time; "
            f"its limit: {self.limit}"
        )


def bottleneck(phases: Sequence[Cost], *, cores: int) -> Bottleneck:
    """Of work done in `phases` one after the other: what limited it for the longest time."""
    found = [limiting(phase, cores=cores) for phase in phases]
    lasted: Counter[tuple[str, Limit]] = Counter()
    for phase, limit in zip(phases, found, strict=True):
        lasted[limit.role, limit.limit] += phase.wall_s  # type: ignore[assignment]  # seconds are counted too
    (role, kind), seconds = max(lasted.items(), key=lambda each: each[1])
    mine = [p for p, limit in zip(phases, found, strict=True) if (limit.role, limit.limit) == (role, kind)]
    busy = sum(p.cpu_s.get(role, 0.0) for p in mine) / sum(p.wall_s for p in mine)
    whole_s = sum(phase.wall_s for phase in phases)
    return Bottleneck(role, kind, busy, 1 if role in ONE_CORE else cores, seconds / whole_s)


def limiting(cost: Cost, *, cores: int) -> Bottleneck:
    """What limited one piece of work.

    A process that used up all it can use; else, when the cores are full, the one that took most of them;
    else nothing was full, and it is the one nearest to its limit while it and the others waited.
    """

    def of(role: str) -> float:
        return 1 if role in ONE_CORE else cores

    def made(role: str, limit: Limit) -> Bottleneck:
        return Bottleneck(role, limit, busy[role], of(role), 1.0)

    busy = {role: cpu_s / cost.wall_s for role, cpu_s in cost.cpu_s.items()}
    nearest = max(busy, key=lambda role: busy[role] / of(role))
    if nearest in ONE_CORE and busy[nearest] >= SATURATED:
        return made(nearest, "its one core")
    if sum(busy.values()) >= MACHINE_SATURATED * cores or busy[nearest] >= SATURATED * of(nearest):
        return made(max(busy, key=lambda role: busy[role]), "all cores of the machine")
    return made(nearest, "none: it waits")


def together(costs: Sequence[Cost]) -> Cost:
    """Phases that came one after the other, as one piece of work."""
    roles = sorted({role for cost in costs for role in cost.cpu_s})
    return Cost(
        wall_s=sum(cost.wall_s for cost in costs),
        cpu_s={role: sum(cost.cpu_s.get(role, 0.0) for cost in costs) for role in roles},
        rss_peak_bytes={role: max(cost.rss_peak_bytes.get(role, 0) for cost in costs) for role in roles},
        units=max(cost.units for cost in costs),
    )


class NoSampler(Exception):  # noqa: N818 - a state of the machine
    """Functions cannot be sampled here; the message says why."""


@dataclass(slots=True)
class Sampled:
    """What was seen of each process, once it is over."""

    hot: dict[str, list[Hot]] = field(default_factory=dict)


@contextmanager
def sampling(pids: Mapping[str, int], *, directory: Path) -> Iterator[Sampled]:
    """Sample these Python processes while the work inside goes on. Raises NoSampler."""
    sampled = Sampled()
    files = {role: directory / f"{role}.samples" for role in pids}
    running = {role: _start(pid, files[role]) for role, pid in pids.items()}
    try:
        for process in running.values():
            _await_first(process)
        yield sampled
    finally:
        for process in running.values():
            _stop(process)
    sampled.hot = {role: hottest(file.read_text(encoding="utf-8")) for role, file in files.items()}


def hottest(raw: str, most: int = HOT_MAX) -> list[Hot]:
    """The functions in which most samples ended, of py-spy's raw lines; a share is of all samples."""
    ended: Counter[str] = Counter()
    for line in raw.splitlines():
        found = _LINE.fullmatch(line)
        if found:
            ended[_shown(found["function"])] += int(found["samples"])
    total = ended.total()
    return [Hot(function=name, share=seen / total) for name, seen in ended.most_common(most)]


def busiest_child(pid: int) -> int:
    """The process itself, or the one below it that has used more CPU: a server's worker."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    return max(family, key=lambda each: sum(each.cpu_times()[:2])).pid


def _shown(frame: str) -> str:
    """The function, and the end of its file's path: enough to find it, nothing of where it lies."""
    found = _FRAME.fullmatch(frame)
    if found is None:
        return frame
    return f"{found['name']} ({'/'.join(Path(found['file']).parts[-2:])})"


def _start(pid: int, file: Path) -> subprocess.Popen[str]:
    sampler = shutil.which(
        "py-spy", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    )
    if sampler is None:
        raise NoSampler("py-spy is not here; `pip install py-spy`")
    return subprocess.Popen(
        [
            *(sampler, "record", "--pid", str(pid), "--gil", "--output", str(file), "--format", "raw"),
            *("--rate", str(SAMPLES_A_SECOND), "--nolineno"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _await_first(process: subprocess.Popen[str]) -> None:
    said = process.stdout.readline() if process.stdout else ""
    if "Sampling process" not in said:
        raise NoSampler("py-spy may not look into another process here (ptrace is forbidden)")


def _stop(process: subprocess.Popen[str]) -> None:
    """py-spy writes what it has when it is interrupted."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
