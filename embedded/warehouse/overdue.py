"""Questions that the engine cannot end: what they hold comes back only when the process ends, so it does.

A limit is looked at between blocks, and so is whether a question was killed. Some functions take the square
of what they get for one value: on a server such a question runs until somebody starts it anew. Here a
supervisor does so within seconds, what was not acknowledged is written again, and nothing is lost; while the
question ran, it held a core and a place.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from embedded.warehouse.running import Query, Running
from telemetry.clock import Clock

Block = TypeVar("Block")

LOOK_EVERY_S = 1.0


class OverdueWatch:
    """Calls `give_up` once, with the first question that outlives its limit by `overrun_s`."""

    def __init__(
        self, running: Running, clock: Clock, *, overrun_s: float, give_up: Callable[[Query], None]
    ) -> None:
        self._running = running
        self._clock = clock
        self._overrun_s = overrun_s
        self._give_up = give_up
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="overdue-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            for query in self._running.all():
                if self._is_overdue(query):
                    self._give_up(query)
                    return

    def _is_overdue(self, query: Query) -> bool:
        # Taken once: the engine may answer at any moment.
        asked_s = query.asked_s
        if asked_s is None or not query.limit_s:
            return False
        return self._clock.monotonic() - asked_s > query.limit_s + self._overrun_s


@contextmanager
def asked(query: Query, clock: Clock) -> Iterator[None]:
    """While the engine is asked. What a client takes to read his answer is none of its time."""
    query.asked_s = clock.monotonic()
    try:
        yield
    finally:
        query.asked_s = None


def each_asked(blocks: Iterator[Block], query: Query, clock: Clock) -> Iterator[Block]:
    """The same blocks, each asked for."""
    while True:
        with asked(query, clock):
            block = next(blocks, None)
        if block is None:
            return
        yield block
