"""What a running stack says of itself in its data directory: for `ugc doctor`, and for the next start."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
import structlog

from telemetry.clock import Clock

STATE_NAME = "stack.json"
NAMELESS_LOOKS = 20
NAMELESS_LOOK_S = 0.05

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class StackState:
    """Who runs, since when it serves, and how long it took to get there."""

    pids: dict[str, int]
    ready_s: float


def write(data_dir: Path, state: StackState) -> None:
    """Replace what was said before. A full disk leaves that standing: nothing ends for it."""
    aside = data_dir / f"{STATE_NAME}.partial"
    try:
        aside.write_text(json.dumps(asdict(state)), encoding="utf-8")
        aside.replace(data_dir / STATE_NAME)
    except OSError as error:
        log.warning("stack_state_not_written", reason=error.strerror)


def read(data_dir: Path) -> StackState | None:
    """What the running stack said; None when none runs here, or its file is not readable."""
    try:
        document = json.loads((data_dir / STATE_NAME).read_text(encoding="utf-8"))
        return StackState(**document)
    except (OSError, ValueError, TypeError):
        return None


def clear(data_dir: Path) -> None:
    """The stack has stopped."""
    (data_dir / STATE_NAME).unlink(missing_ok=True)


def survivors(data_dir: Path, clock: Clock) -> dict[str, int]:
    """Processes of a stack whose supervisor was killed, still on their way out."""
    state = read(data_dir)
    if state is None:
        return {}
    return {name: pid for name, pid in state.pids.items() if _is_ours(pid, data_dir, clock)}


def _is_ours(pid: int, data_dir: Path, clock: Clock) -> bool:
    """Process ids are used again: ours have this data directory in their environment."""
    try:
        process = psutil.Process(pid)
        environment = process.environ()
        # It comes after the program, and goes before the ports: there is none for a moment, or never was.
        for _ in range(NAMELESS_LOOKS):
            if environment:
                break
            clock.sleep(NAMELESS_LOOK_S)
            environment = process.environ()
        return environment.get("UGC_DATA_DIR") == str(data_dir.absolute()) and process.is_running()
    except psutil.Error:
        return False
