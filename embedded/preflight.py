"""What must be true before anything starts; each fault is one line that says what to do."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from embedded import stack_state
from embedded.ownership import Taken, own
from embedded.ports import port_is_free
from telemetry.clock import Clock
from telemetry.errors import OperatorError

DISK_FREE_BYTES_MIN = 512 * 1024 * 1024
LOCK_NAME = "stack.lock"
# Longer than a supervisor gives the slowest of its children.
SURVIVORS_WAIT_S = 40
SURVIVORS_LOOK_S = 0.2


class PreflightFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The stack cannot start here; the message says why and what to do."""


def check_data_dir(data_dir: Path) -> None:
    """Make the data directory, or say why it cannot hold the stack's data."""
    try:
        # What people did is in it: nobody else on this machine reads along.
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = data_dir / f".write-probe-{os.getpid()}"
        probe.write_bytes(b"probe")
        probe.unlink()
    except OSError as error:
        raise PreflightFailed(
            f"cannot write to the data directory {data_dir} ({error.strerror}); "
            "make it writable or set UGC_DATA_DIR to one that is"
        ) from None
    free = shutil.disk_usage(data_dir).free
    if free < DISK_FREE_BYTES_MIN:
        raise PreflightFailed(
            f"{data_dir} has {free // 2**20} MiB free, and the stack needs {DISK_FREE_BYTES_MIN // 2**20}; "
            "free some space or set UGC_DATA_DIR to a larger disk"
        )


def wait_for_survivors(data_dir: Path, clock: Clock, say: Callable[[str], object]) -> None:
    """A supervisor that was killed leaves children that are still stopping: let them finish their work."""
    left = stack_state.survivors(data_dir, clock)
    if left:
        say("waiting for the previous stack's processes to stop")
    # Looks are counted, not seconds: a machine that was suspended meanwhile has given nobody any time.
    for _ in range(round(SURVIVORS_WAIT_S / SURVIVORS_LOOK_S)):
        if not left:
            return
        clock.sleep(SURVIVORS_LOOK_S)
        left = stack_state.survivors(data_dir, clock)
    if left:
        raise PreflightFailed(
            f"after {SURVIVORS_WAIT_S} s there still runs of the previous stack: "
            f"{', '.join(f'{name} (process {pid})' for name, pid in left.items())}; nothing is lost by "
            f"kill -9 {' '.join(map(str, left.values()))}"
        )


def check_ports(ports: Mapping[str, int]) -> None:
    """Every port is free, or the first that is not is named with its setting."""
    taken: dict[int, str] = {}
    for setting, port in ports.items():
        if port in taken:
            raise PreflightFailed(f"{setting} and {taken[port]} are both {port}; give them different ports")
        taken[port] = setting
        if not port_is_free(port):
            raise PreflightFailed(
                f"port {port} is in use; stop what listens there or set {setting} to a free port"
            )


def hold(data_dir: Path) -> IO[str]:
    """Own the data directory until the returned file is closed or this process ends, however it ends."""
    lock = data_dir / LOCK_NAME
    try:
        return own(lock)
    except Taken as taken:
        raise PreflightFailed(
            f"a stack already runs on {data_dir} (process {taken.owner}); "
            "stop it with Ctrl-C in its terminal, or set UGC_DATA_DIR for a second one"
        ) from None
    except OSError as error:
        raise PreflightFailed(
            f"cannot open {lock} ({error.strerror}); does another user own {data_dir}? "
            "set UGC_DATA_DIR to a directory of yours"
        ) from None
