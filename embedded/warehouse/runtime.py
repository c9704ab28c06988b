"""What every part of one warehouse process works with."""

from dataclasses import dataclass
from pathlib import Path

from embedded.warehouse.engine import Engine
from embedded.warehouse.limits import Limits
from telemetry.clock import Clock


@dataclass(frozen=True, slots=True)
class Runtime:
    """The engine and its memory, the bounds, the clock, and a directory for answers too large for memory."""

    engine: Engine
    memory_bytes: int
    limits: Limits
    spool_dir: Path
    clock: Clock
