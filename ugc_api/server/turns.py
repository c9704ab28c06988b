"""Who comes when: what is whole waits here while those before it are too much to work on at once."""

from collections import deque
from collections.abc import Callable
from typing import Any

# What is made of a body while it is worked on takes several times as much memory as it.
WORKED_ON_BYTES_MAX = 8 * 1024 * 1024

Connection = Any


class Turns:
    """In the order in which they came. One at least is worked on, however heavy; only the poller calls it."""

    def __init__(self, give_out: Callable[[Connection], None]) -> None:
        self._give_out = give_out
        self._ready: deque[Connection] = deque()
        self._worked_on = 0

    def wait(self, conn: Connection) -> None:
        """It is whole; `conn.weight` says how many bytes it is."""
        self._ready.append(conn)
        self._next()

    def done(self, conn: Connection) -> None:
        """Nothing works on it any more."""
        self._worked_on -= conn.weight
        self._next()

    def _next(self) -> None:
        ready = self._ready
        while ready and (not self._worked_on or self._worked_on + ready[0].weight <= WORKED_ON_BYTES_MAX):
            conn = ready.popleft()
            self._worked_on += conn.weight
            self._give_out(conn)
