"""Inserts that bring data: from the socket into the engine in constant memory, taken whole or not at all.

The engine reports an insert that was killed, or ran out of time, as a success with the rows it had. So its
own time limit is switched off for inserts, the limit is kept here, and a kill is remembered here. What fails
at the end is a success to it too: outcome.py looks twice. A short insert is spared all that: handed over as
one statement, with its data, it tells its errors as any other does, for half the CPU. Only lines of JSON go
so, without a blank one: to the engine a blank line ends the data, and what follows is another statement.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from embedded.warehouse.body import Source
from embedded.warehouse.engine import Counted, Engine, Handle
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import Limits
from embedded.warehouse.outcome import begun
from embedded.warehouse.running import Query
from telemetry.clock import Clock

_LINES = "JSONEachRow"
_BLANK_LINE = b"\n\n"
_SHORT_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class Load:
    """The SQL of an insert without its FORMAT, that format, and the data."""

    header: bytes
    input_format: str
    data: Source


class Inserter:
    """Feeds inserts."""

    def __init__(self, engine: Engine, limits: Limits, clock: Clock) -> None:
        self._engine = engine
        self._limits = limits
        self._clock = clock

    def run(self, load: Load, handle: Handle, query: Query, *, limit_s: float) -> Counted:
        """Insert it; raises Refused, and then nothing was committed but what whole blocks there were."""
        pieces = self._pieces(load)
        if load.input_format == _LINES:
            start = list(islice(pieces, 2))
            if len(start) == 1 and _stands_behind(start[0]):
                self._check(query, limit_s)
                return self._short(load, start[0], handle, query)
            pieces = chain(start, pieces)
        return self._stream(load, pieces, handle, query, limit_s)

    def _short(self, load: Load, lines: bytes, handle: Handle, query: Query) -> Counted:
        statement = b"%b\n%b" % (insert_text(load.header, _LINES), lines)
        counted = handle.query(query.marked(statement), "Null").counted
        query.refuse_if_killed()
        return counted

    def _pieces(self, load: Load) -> Iterator[bytes]:
        while piece := load.data.read(self._limits.read_piece_bytes):
            yield piece

    def _stream(
        self, load: Load, pieces: Iterable[bytes], handle: Handle, query: Query, limit_s: float
    ) -> Counted:
        insert = handle.insert(query.marked(load.header) + b"\n", load.input_format)
        try:
            outcome = begun(self._engine, query)
            for piece in pieces:
                self._check(query, limit_s)
                insert.append(piece)
            self._check(query, limit_s)
            counted = insert.finish()
        except BaseException:
            insert.cancel()
            raise
        query.refuse_if_killed()
        outcome.check()
        return counted

    def _check(self, query: Query, limit_s: float) -> None:
        query.refuse_if_killed()
        elapsed_s = self._clock.monotonic() - query.started_s
        if limit_s and elapsed_s > limit_s:
            raise Refused(
                159,
                "TIMEOUT_EXCEEDED",
                f"Timeout exceeded: elapsed {elapsed_s * 1000:.0f} ms, maximum: {limit_s * 1000:.0f} ms.",
            )


def insert_text(header: bytes, input_format: str) -> bytes:
    """An insert up to its data, as judged and as run. On a line of its own no comment takes FORMAT in."""
    return b"%b\nFORMAT %b" % (header, input_format.encode("utf-8", "replace"))


def _stands_behind(lines: bytes) -> bool:
    """Whether these lines may stand behind their statement."""
    return len(lines) <= _SHORT_BYTES_MAX and _BLANK_LINE not in b"\n" + lines
