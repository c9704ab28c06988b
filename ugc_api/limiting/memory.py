"""The memory behind the buckets: one file every worker of this host maps, or a private piece.

The file is made whole and then given its name, so nobody sees half of one, and the workers that have an older
one open keep theirs. It outlives a restart of the service, which therefore hands out no new bursts; one of
another layout or from before the machine's last start (whose clock began anew) is replaced.

Beside it lies a file that every process with buckets here keeps locked, shared, for as long as it lives. Who
finds nobody else's lock on it is alone; who comes later writes into the buckets' file that there is company.
"""

import fcntl
import mmap
import os
import struct
from collections.abc import Callable
from pathlib import Path

import structlog

from ugc_api.limiting.buckets import COMPANY, SET, Memory

# 262,144 slots in 4 MiB. A slot is in use while its bucket is not full. Where an event comes back every
# 10 ms, a quarter are in use at 6.5 million events a second, and next to nobody meets a full set.
SETS = 32_768
MAGIC = b"ugc-buckets-2\n"
_HEADER = struct.Struct("=14s36s16sQ")
HEADER_BYTES = 4_096
SEED_BYTES = 16
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

RandomBytes = Callable[[int], bytes]


def shared_or_own(path: Path, *, sets: int = SETS, random_bytes: RandomBytes = os.urandom) -> Memory:
    """The file at `path`; when it cannot be had, a private piece, so that events still get in."""
    try:
        return shared(path, sets=sets, boot_id=this_boot(), random_bytes=random_bytes)
    except OSError as error:
        structlog.get_logger().error(
            "rate_limits_not_shared",
            reason=str(error),
            meaning="each worker process counts for itself, so all of them together let more in",
            what_to_do="make UGC_DATA_DIR a directory this process may write to, with 5 MB of space",
        )
        return own(sets=sets, random_bytes=random_bytes)


def shared(path: Path, *, sets: int, boot_id: bytes, random_bytes: RandomBytes = os.urandom) -> Memory:
    """The file at `path`, made when there is none that fits. Raises OSError when it cannot be had."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        memory = _opened(path, sets, boot_id)
        if memory is None:
            _make(path, sets, boot_id, random_bytes)
            memory = _opened(path, sets, boot_id)
        if memory is None:
            raise OSError(f"{path} was not read back as it was written")
        memory.view[COMPANY] = _somebody_is_here(path.with_suffix(".here"))
    return memory


def own(*, sets: int = SETS, random_bytes: RandomBytes = os.urandom) -> Memory:
    """A piece of memory for this process alone."""
    return Memory(mmap.mmap(-1, sets * SET.size), 0, sets, random_bytes(SEED_BYTES), None)


def this_boot() -> bytes:
    """A name for the time since the machine was started; none where the system gives none."""
    try:
        return _BOOT_ID.read_bytes().strip()[:36]
    except OSError:
        return b""


def _opened(path: Path, sets: int, boot_id: bytes) -> Memory | None:
    """The file, when it is ours, whole, and of this boot."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    size = HEADER_BYTES + sets * SET.size
    if os.fstat(fd).st_size == size:
        view = mmap.mmap(fd, size)
        magic, boot, seed, sets_there = _HEADER.unpack_from(view, 0)
        if (magic, boot.rstrip(b"\0"), sets_there) == (MAGIC, boot_id, sets):
            return Memory(view, HEADER_BYTES, sets, seed, fd)
        view.close()
    os.close(fd)
    return None


def _somebody_is_here(path: Path) -> bool:
    """Whether another process has buckets here; that this one has is said from now on, until it ends."""
    # Never closed: the kernel does it, however the process ends.
    here = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(here, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        alone = False
    else:
        alone = True
    fcntl.flock(here, fcntl.LOCK_SH)
    return not alone


def _make(path: Path, sets: int, boot_id: bytes, random_bytes: RandomBytes) -> None:
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        header = _HEADER.pack(MAGIC, boot_id, random_bytes(SEED_BYTES), sets)
        # Zeros are written, not left out: a page that finds no room later would kill the process.
        file.write(header.ljust(HEADER_BYTES, b"\0") + bytes(sets * SET.size))
    new.replace(path)
