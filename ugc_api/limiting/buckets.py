"""The buckets of all senders in a fixed piece of memory, which every worker process shares.

The memory is a table of sets of 8 slots; a sender's set follows from a keyed hash of its name, so nobody can
choose whom he collides with, and no name is stored. A slot whose bucket has filled up again is free. When all
8 are in use, a newcomer takes over the one with the least missing, together with what is missing in it: a
flood of new senders makes the limit stricter for those who meet in a set, and sets nobody free.

One look changes one set, under a lock that the kernel takes back from a process that dies. A process that
holds it and does not run (stopped, suspended) is waited for `LOCK_WAIT_S_MAX`, then passed over: the worst
that can happen is one charge forgotten. A process that has the memory to itself does without the kernel,
whose lock is two fifths of what a look costs, until another one writes that it has come.
"""

import fcntl
import mmap
import struct
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

from telemetry.clock import Clock
from ugc_api.limiting.quota import Quota, Taken, take

WAYS = 8
SET = struct.Struct(f"={2 * WAYS}Q")
SLOT_VALUE = struct.Struct("=Q")
LOCK_WAIT_S_MAX = 0.5
LOCK_PAUSE_S_MIN = 0.000_05
LOCK_PAUSE_S_MAX = 0.002
# The byte of a shared file's head that is 1 when more processes than one have it.
COMPANY = 1_024


@dataclass(frozen=True, slots=True)
class Memory:
    """Where the sets are. `fd` is what other processes lock on; None when the memory is ours alone."""

    view: mmap.mmap
    offset: int
    sets: int
    seed: bytes
    fd: int | None

    def lock_on(self) -> int | None:
        """What to lock a set on. None while no other process is here: an end that may come at any time."""
        return self.fd if self.fd is not None and self.view[COMPANY] else None


class Buckets:
    """Safe for threads and for processes; make it after the fork, one in each process."""

    def __init__(self, memory: Memory, *, clock: Clock) -> None:
        self._memory = memory
        self._clock = clock
        # The kernel's locks belong to the process: between its threads this one decides. It also keeps a
        # process from waiting for one set while it holds another, so there is no way into a deadlock.
        self._threads = Lock()
        # Of the set that is being changed: company may come between locking and unlocking.
        self._locked_on: int | None = None

    def take(self, limit: Quota, name: bytes, events: int) -> Taken:
        """Take `events` out of the bucket of `name`; a refusal changes nothing."""
        at, tag = self._place(name)
        self._lock(at)
        try:
            now_ns = int(self._clock.monotonic() * 1e9)
            words = SET.unpack_from(self._memory.view, at)
            slot = _slot_of(tag, words)
            taken = take(limit, words[WAYS + slot], now_ns=now_ns, events=events)
            if taken.allowed:
                self._write(at, slot, tag)
                self._write(at, WAYS + slot, taken.full_at_ns)
            elif taken.full_at_ns < words[WAYS + slot]:
                # From another clock: let it begin to fill.
                self._write(at, WAYS + slot, taken.full_at_ns)
            return taken
        finally:
            self._unlock(at)

    def give_back(self, limit: Quota, name: bytes, events: int) -> None:
        """Undo a `take` that was allowed, of a request that was refused after all."""
        at, tag = self._place(name)
        self._lock(at)
        try:
            words = SET.unpack_from(self._memory.view, at)
            if tag in words[:WAYS]:
                slot = words.index(tag)
                back_ns = events * limit.interval_ns
                self._write(at, WAYS + slot, max(0, words[WAYS + slot] - back_ns))
        finally:
            self._unlock(at)

    def _place(self, name: bytes) -> tuple[int, int]:
        """Where the set of `name` begins, and what its slot is marked with."""
        digest = blake2b(name, digest_size=16, key=self._memory.seed).digest()
        tag, number = struct.unpack("=QQ", digest)
        return self._memory.offset + number % self._memory.sets * SET.size, tag

    def _write(self, at: int, word: int, value: int) -> None:
        SLOT_VALUE.pack_into(self._memory.view, at + word * SLOT_VALUE.size, value)

    def _lock(self, at: int) -> None:
        pause_s, give_up_at = LOCK_PAUSE_S_MIN, 0.0
        while True:
            self._threads.acquire()
            if self._is_ours(at):
                return
            # By the clock: on a busy machine a pause takes longer than was asked for.
            now = self._clock.monotonic()
            give_up_at = give_up_at or now + LOCK_WAIT_S_MAX
            if now >= give_up_at:
                return
            self._threads.release()
            self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, LOCK_PAUSE_S_MAX)

    def _is_ours(self, at: int) -> bool:
        """Whether we may change the set now."""
        fd = self._memory.lock_on()
        if fd is None:
            return True
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, SET.size, at)
        except OSError:
            return False
        self._locked_on = fd
        return True

    def _unlock(self, at: int) -> None:
        fd, self._locked_on = self._locked_on, None
        if fd is not None:
            fcntl.lockf(fd, fcntl.LOCK_UN, SET.size, at)
        self._threads.release()


def _slot_of(tag: int, words: tuple[int, ...]) -> int:
    """The sender's own slot, else the one that is full again first: a free one as long as there is one."""
    tags = words[:WAYS]
    if tag in tags:
        return tags.index(tag)
    moments = words[WAYS:]
    return moments.index(min(moments))
