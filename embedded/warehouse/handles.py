"""Handles that are set up already, for the next question that needs the same.

To make one and tell it database and limits is a fourth of what a small question costs. A SELECT leaves
nothing on its handle: no parameter, no setting of its own, no table. Whatever else was run ends with its
handle, and so does a SELECT that failed or was ended.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from embedded.warehouse.engine import Engine, Handle

Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """What a handle is told before its first statement; `last` may forbid any further change."""

    database: str
    settings: Settings = ()
    last: Settings = ()


class Handles:
    """Those that wait, `kept_max` at most. Safe to share between threads."""

    def __init__(self, engine: Engine, kept_max: int) -> None:
        self._engine = engine
        self._kept_max = kept_max
        self._lock = threading.Lock()
        # What was given back last stands last.
        self._waiting: list[tuple[Setup, Handle]] = []

    @contextmanager
    def lent(self, setup: Setup) -> Iterator[Handle]:
        """One for a single SELECT. Raises Refused when it cannot be set up."""
        handle = self._take(setup) or self._made(setup)
        try:
            yield handle
        except BaseException:
            handle.close()
            raise
        self._keep(setup, handle)

    def _take(self, setup: Setup) -> Handle | None:
        with self._lock:
            for number in reversed(range(len(self._waiting))):
                if self._waiting[number][0] == setup:
                    return self._waiting.pop(number)[1]
        return None

    def _made(self, setup: Setup) -> Handle:
        handle = self._engine.handle()
        try:
            handle.prepare(database=setup.database, settings=dict(setup.settings), last=dict(setup.last))
        except BaseException:
            handle.close()
            raise
        return handle

    def _keep(self, setup: Setup, handle: Handle) -> None:
        with self._lock:
            self._waiting.append((setup, handle))
            too_old = self._waiting.pop(0)[1] if len(self._waiting) > self._kept_max else None
        if too_old is not None:
            too_old.close()

    def close(self) -> None:
        """Let go of them all; at shutdown, when no request runs."""
        with self._lock:
            for _, handle in self._waiting:
                handle.close()
            self._waiting.clear()
