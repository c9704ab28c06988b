"""chDB as this server uses it: one engine, and handles for its requests.

A handle costs 0.3 ms and 100 KiB; what a request sets on one stays there, and reaches no other. SQL is bytes
all the way: names and literals need not be UTF-8.
"""

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded.warehouse.errors import WarehouseError, bad_request, from_engine
from embedded.warehouse.lost_text import keep_lost_text

_SETTING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Counted:
    """What a statement read and wrote, as the summary header reports it."""

    read_rows: int = 0
    read_bytes: int = 0
    written_rows: int = 0
    written_bytes: int = 0
    result_rows: int = 0
    result_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """A whole answer."""

    data: bytes
    counted: Counted


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a streamed answer, encoded by itself."""

    data: bytes
    rows: int


class Handle:
    """One connection to the engine, for one statement at a time. Every method raises Refused."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def prepare(
        self,
        *,
        database: str,
        settings: Mapping[str, str],
        parameters: Mapping[str, str] | None = None,
        last: Mapping[str, str] | None = None,
    ) -> None:
        """Choose the database and set what this handle runs under; `last` may forbid any further change."""
        statements = [f"USE {quote_name(database)}"]
        statements += [_set(each) for each in (settings, last or {}) if each]
        if parameters:
            values = {f"param_{name}": value for name, value in parameters.items()}
            statements.insert(1, _set(values))
        self.query(";".join(statements).encode(), "Null")

    def change(self, settings: Mapping[str, str]) -> None:
        """Set settings on this handle."""
        if settings:
            self.query(_set(settings).encode(), "Null")

    def reset(self, names: Iterable[str]) -> None:
        """Set settings back to the engine's defaults."""
        for name in names:
            self.query(f"SET {name} = DEFAULT".encode(), "Null")

    def query(self, sql: bytes, output_format: str, parameters: Mapping[str, str] | None = None) -> Result:
        """Run a statement to its end and hold its whole answer."""
        try:
            done = self._connection.query(sql, output_format, params=dict(parameters or {}))
            data = done.bytes() or b""
        except (RuntimeError, TypeError, UnicodeDecodeError) as error:
            raise from_engine(error) from None
        return Result(data, _counted(done, len(data)))

    def stream(
        self, sql: bytes, output_format: str, parameters: Mapping[str, str] | None = None
    ) -> Iterator[Block]:
        """Run a query and yield its answer block by block; closing the iterator cancels the query."""
        try:
            running = self._connection.send_query(sql, output_format, params=dict(parameters or {}))
            try:
                for chunk in running:
                    yield Block(chunk.bytes() or b"", chunk.rows_read())
            finally:
                running.cancel()
        except RuntimeError as error:
            raise from_engine(error) from None

    def insert(self, header: bytes, input_format: str) -> "Insert":
        """Begin an insert that brings data."""
        try:
            return Insert(self._connection.send_insert(header, input_format))
        except RuntimeError as error:
            raise from_engine(error) from None

    def close(self) -> None:
        """Let go; what still runs on it is cancelled."""
        self._connection.close()

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Insert:
    """An insert under way. Nothing promises that a cancelled one left no whole block behind."""

    def __init__(self, inserter: Any) -> None:
        self._inserter = inserter

    def append(self, data: bytes) -> None:
        try:
            self._inserter.append(data)
        except RuntimeError as error:
            raise from_engine(error) from None

    def finish(self) -> Counted:
        try:
            done = self._inserter.finish()
        except RuntimeError as error:
            raise from_engine(error) from None
        rows, size = done.rows_written, done.bytes_written
        return Counted(
            read_rows=rows, read_bytes=size, written_rows=rows, written_bytes=size, result_rows=rows
        )

    def cancel(self) -> None:
        """Never raises: it is what is done after something else failed."""
        try:
            self._inserter.cancel()
        except RuntimeError:
            return


class Engine:
    """The engine of this process. Open once, close once."""

    def __init__(self, path: Path, config_file: Path) -> None:
        # Imported here because importing chdb starts an engine, which reads config.xml of the directory
        # this process stands in.
        from chdb.state.sqlitelike import Connection  # noqa: PLC0415

        keep_lost_text()
        self._connect = Connection
        self._url = f"{path}?config-file={config_file}"
        try:
            self._anchor = Handle(Connection(self._url))
        except RuntimeError as error:
            raise WarehouseError(
                f"cannot open the warehouse in {path} ({error}); the lines above say why. "
                "Free disk space, restore a backup, or set UGC_DATA_DIR to another directory"
            ) from None
        # It reads statements as string literals, which escaping makes longer than any statement may be.
        self._anchor.query(b"SET max_query_size = 67108864", "Null")
        self._anchor_lock = threading.Lock()
        about = self.ask("SELECT version(), timezone()").rstrip("\n").split("\t")
        self.version, self.timezone = about[0], about[1]

    def handle(self) -> Handle:
        """A new one, with the engine's defaults."""
        try:
            return Handle(self._connect(self._url))
        except RuntimeError as error:
            raise from_engine(error) from None

    def ask(self, sql: str | bytes) -> str:
        """A short question of this server's own, answered as TSV."""
        text = sql.encode() if isinstance(sql, str) else sql
        with self._anchor_lock:
            return self._anchor.query(text, "TSVRaw").data.decode("utf-8", "replace")

    def own_handle(self) -> AbstractContextManager[Handle]:
        """A handle for this server's own work beside a running query."""
        return closing(self.handle())

    def close(self) -> None:
        """Flush and shut the engine down; the last handle to close does it."""
        self._anchor.close()


def quote(value: str | bytes) -> str:
    """A string literal."""
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def quote_name(name: str) -> str:
    """An identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _set(settings: Mapping[str, str]) -> str:
    for name in settings:
        if not _SETTING_NAME.fullmatch(name):
            raise bad_request(f"Not a name of a setting: {name[:80]!r}.")
    return "SET " + ", ".join(f"{name} = {quote(value)}" for name, value in settings.items())


def _counted(done: Any, size: int) -> Counted:
    rows = int(done.rows_read())
    return Counted(
        read_rows=int(done.storage_rows_read()),
        read_bytes=int(done.storage_bytes_read()),
        written_rows=int(done.rows_written()),
        written_bytes=int(done.bytes_written()),
        result_rows=rows,
        result_bytes=size,
    )
