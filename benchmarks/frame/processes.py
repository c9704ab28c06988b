"""What work cost: CPU time and memory of every process that took part, by role.

    with Watch({"etl": etl_pid, "warehouse": warehouse_pid}, clock=clock) as watch:
        ...
    cost = watch.cost(units=rows)

A role is a process with everything below it, less what is a role of its own; this process is always the
role `bench`. CPU time counts all threads, ended ones too, and children that ended once their parent has
waited for them. A role's first process lives until the watch is left, or nobody can say what it took. The
watch's own work is taken out of `bench`.
"""

import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psutil

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Cost
from telemetry.clock import Clock

BENCH_ROLE = "bench"
SAMPLE_INTERVAL_S = 0.05
# Finding new children reads all of /proc, so it is done less often than memory is looked at.
FAMILY_EVERY_SAMPLES = 10


class Watch:
    """Measures from entering to leaving. Raises BenchFailed when a role's process is not there, or ends."""

    def __init__(
        self, roles: Mapping[str, int], *, clock: Clock, sample_interval_s: float = SAMPLE_INTERVAL_S
    ) -> None:
        self._clock = clock
        self._interval_s = sample_interval_s
        self._roots = {role: _process(role, pid) for role, pid in {**roles, BENCH_ROLE: os.getpid()}.items()}
        self._peaks = dict.fromkeys(self._roots, 0)
        self._stop = threading.Event()
        self._own_cpu_s = 0.0
        self._sampler = threading.Thread(target=self._sample_until_stopped, daemon=True)
        self._cpu_before: dict[str, float] = {}
        self._wall_s: float | None = None
        self._cpu_s: dict[str, float] = {}

    def __enter__(self) -> "Watch":
        self._families = families(self._roots)
        self._high_before = {p.pid: _reset_high_water(p) for f in self._families.values() for p in f}
        self._look_at_memory()
        self._cpu_before = {role: _cpu_s(family) for role, family in self._families.items()}
        self._sampler.start()
        self._began = self._clock.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall_s = self._clock.monotonic() - self._began
        self._stop.set()
        self._sampler.join()
        if kind is not None:
            return
        for role, root in self._roots.items():
            if not root.is_running() or root.status() == psutil.STATUS_ZOMBIE:
                raise BenchFailed(f"the {role} process ended while it was measured; its log says why")
        searched_at_s = time.thread_time()
        self._families = families(self._roots)
        self._own_cpu_s += time.thread_time() - searched_at_s
        after = {role: _cpu_s(family) for role, family in self._families.items()}
        after[BENCH_ROLE] -= self._own_cpu_s
        self._cpu_s = {role: max(0.0, after[role] - before) for role, before in self._cpu_before.items()}
        self._look_at_memory()
        self._look_at_high_water()
        self._wall_s = wall_s

    def cost(self, *, units: int = 1) -> Cost:
        """What it took, for `units` pieces of work. Only after leaving."""
        if self._wall_s is None:
            raise BenchFailed("a measurement was read before it was over")
        return Cost(wall_s=self._wall_s, cpu_s=self._cpu_s, rss_peak_bytes=dict(self._peaks), units=units)

    def _sample_until_stopped(self) -> None:
        taken = 0
        while not self._stop.wait(self._interval_s):
            taken += 1
            if taken % FAMILY_EVERY_SAMPLES == 0:
                with suppress(psutil.Error):
                    self._families = families(self._roots)
            self._look_at_memory()
        self._own_cpu_s = time.thread_time()

    def _look_at_memory(self) -> None:
        for role, family in self._families.items():
            self._peaks[role] = max(self._peaks[role], sum(_resident_bytes(each) for each in family))

    def _look_at_high_water(self) -> None:
        """The kernel's own peak of a process catches what falls between two samples, if it rose here."""
        for role, family in self._families.items():
            for each in family:
                high = _high_water_bytes(each)
                if high > self._high_before.get(each.pid, 0):
                    self._peaks[role] = max(self._peaks[role], high)


def families(roots: Mapping[str, psutil.Process]) -> dict[str, list[psutil.Process]]:
    """Each role's processes: the root and all below it, less the other roots and what is below those."""
    children: dict[int, list[psutil.Process]] = {}
    for each in psutil.process_iter():
        with suppress(psutil.Error):
            children.setdefault(each.ppid(), []).append(each)
    other = {root.pid for root in roots.values()}
    found = {}
    for role, root in roots.items():
        family, waiting = [root], [root.pid]
        while waiting:
            below = [each for each in children.get(waiting.pop(), []) if each.pid not in other]
            family += below
            waiting += [each.pid for each in below]
        found[role] = family
    return found


def resident_bytes(roles: Mapping[str, int]) -> dict[str, int]:
    """Memory of each role's processes now. Pages two processes share are counted in both."""
    roots = {role: _process(role, pid) for role, pid in roles.items()}
    return {role: sum(_resident_bytes(p) for p in family) for role, family in families(roots).items()}


def spent_cpu_s(roles: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds of each role's processes since they began."""
    roots = {role: _process(role, pid) for role, pid in roles.items()}
    return {role: _cpu_s(family) for role, family in families(roots).items()}


def _process(role: str, pid: int) -> psutil.Process:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        raise BenchFailed(f"the {role} process ({pid}) does not run; its log says why") from None


def _cpu_s(family: list[psutil.Process]) -> float:
    """CPU seconds of these processes since they began, with those of children they have waited for."""
    total = 0.0
    for each in family:
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            own = _precise_cpu_s(each.pid)
            total += times.user + times.system if own is None else own
            total += times.children_user + times.children_system
    return total


def _precise_cpu_s(pid: int) -> float | None:
    """A process's own CPU time to the nanosecond; None where the system has only its ticks of 10 ms.

    Linux numbers the CPU clock of a process by its id, as clock_getcpuclockid(3) does.
    """
    with suppress(OSError):
        if os.uname().sysname == "Linux":
            return time.clock_gettime((~pid << 3) | 2)
    return None


def _resident_bytes(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _reset_high_water(process: psutil.Process) -> int:
    """Let the kernel forget the process's memory peak, where it does; return the peak as it stands then."""
    with suppress(OSError):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5", encoding="ascii")
    return _high_water_bytes(process)


def _high_water_bytes(process: psutil.Process) -> int:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
