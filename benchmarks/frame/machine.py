"""Where a run was taken: enough to judge its figures, nothing to find the machine by."""

import math
import os
import platform
import re
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.frame.figures import Machine

CPUINFO = Path("/proc/cpuinfo")
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")


def this_machine() -> Machine:
    """The machine as it is now; ask before the run, for its load is part of it."""
    return Machine(
        cpu=cpu_model(_text(CPUINFO)) or platform.processor() or platform.machine(),
        cores=usable_cores(_text(CPU_QUOTA)),
        memory_gib=round(memory_bytes(_text(MEMORY_LIMIT)) / 2**30, 1),
        system=f"{platform.system()} {plain_release(platform.release())} {platform.machine()}",
        load_before=round(os.getloadavg()[0], 2),
    )


def same_machine(one: Machine, other: Machine) -> bool:
    """Whether absolute figures of both may stand side by side. A new kernel does not make a new machine."""
    return (
        one.cpu == other.cpu
        and one.cores == other.cores
        and math.isclose(one.memory_gib, other.memory_gib, rel_tol=0.02)
    )


def cpu_model(cpuinfo: str) -> str:
    """What the kernel calls the processor; nothing where it does not say."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return " ".join(value.split())
    return ""


def plain_release(release: str) -> str:
    """The kernel's own number, without what its builder put behind it."""
    return re.split(r"[-+]", release, maxsplit=1)[0]


def usable_cores(cpu_max: str) -> int:
    """Cores this process may use: of the machine, or of the share a container was given of it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = cpu_max.partition(" ")
    with suppress(ValueError, ZeroDivisionError):
        cores = min(cores, max(1, math.ceil(int(quota) / int(period))))
    return cores


def memory_bytes(memory_max: str) -> int:
    """Memory this process may use: of the machine, or of the share a container was given of it."""
    total = int(psutil.virtual_memory().total)
    with suppress(ValueError):
        total = min(total, int(memory_max))
    return total


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
