"""Statements that bring no data: run them, and send what they answer as it comes."""

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from embedded.warehouse import formats
from embedded.warehouse.engine import Block, Counted, Handle
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import Limits
from embedded.warehouse.overdue import asked, each_asked
from embedded.warehouse.reply import Reply
from embedded.warehouse.running import Query
from telemetry.clock import Clock

STREAM_FROM_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """One statement, ready to run on its handle."""

    sql: bytes
    output_format: str
    parameters: dict[str, str]
    streams: bool
    wait_end: bool


class Reader:
    """Runs statements and answers them."""

    def __init__(self, limits: Limits, spool_dir: Path, clock: Clock) -> None:
        self._limits = limits
        self._spool_dir = spool_dir
        self._clock = clock

    def run(self, reading: Reading, handle: Handle, query: Query, reply: Reply) -> None:
        """Raises Refused; the caller tells the client, before or within the answer."""
        if not reading.streams or not self._stream(reading, handle, query, reply):
            self._whole(reading, handle, query, reply)

    def _whole(self, reading: Reading, handle: Handle, query: Query, reply: Reply) -> None:
        with asked(query, self._clock):
            done = handle.query(query.marked(reading.sql), reading.output_format, reading.parameters)
        query.client = None
        query.read_rows = done.counted.read_rows
        reply.whole(done.data, done.counted, self.elapsed_ns(query))

    def _stream(self, reading: Reading, handle: Handle, query: Query, reply: Reply) -> bool:
        """False when there was nothing to stream and the format has bytes even for nothing."""
        blocks = handle.stream(query.marked(reading.sql), reading.output_format, reading.parameters)
        with closing(blocks):  # type: ignore[type-var]  # a generator has close()
            watched = each_asked(blocks, query, self._clock)
            pieces = formats.without_repeated_heads(watched, reading.output_format)
            first = next(pieces, None)
            if first is None and formats.has_head(reading.output_format):
                return False
            self._send(first, pieces, reading, query, reply)
            return True

    def _send(
        self, first: Block | None, pieces: Iterator[Block], reading: Reading, query: Query, reply: Reply
    ) -> None:
        threshold = self._limits.spool_bytes_max if reading.wait_end else STREAM_FROM_BYTES
        with tempfile.SpooledTemporaryFile(
            max_size=self._limits.spool_memory_bytes_max, dir=str(self._spool_dir)
        ) as spool:
            rows = size = 0
            block = first
            while block is not None and size + len(block.data) <= threshold:
                spool.write(block.data)
                rows, size = rows + block.rows, size + len(block.data)
                block = next(pieces, None)
            if block is not None and reading.wait_end:
                raise Refused(
                    396,
                    "TOO_MANY_ROWS_OR_BYTES",
                    f"The answer is larger than {threshold} bytes; ask without wait_end_of_query.",
                )
            counted = Counted(read_rows=rows, read_bytes=size, result_rows=rows, result_bytes=size)
            query.read_rows = rows
            spool.seek(0)
            if block is None and size <= STREAM_FROM_BYTES:
                reply.whole(spool.read(), counted, self.elapsed_ns(query))
                return
            reply.begin(counted, self.elapsed_ns(query))
            while piece := spool.read(self._limits.read_piece_bytes):
                reply.write(piece)
            while block is not None:
                query.refuse_if_killed()
                query.read_rows += block.rows
                reply.write(block.data)
                block = next(pieces, None)
            reply.end()

    def elapsed_ns(self, query: Query) -> int:
        """How long this query has been under way."""
        return int((self._clock.monotonic() - query.started_s) * 1e9)
