"""ClickHouse: the server that CLICKHOUSE_DSN names, else the embedded warehouse as a process of its own."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast
from urllib.parse import urlsplit, urlunsplit

from clickhouse_connect.driver.client import Client

from benchmarks.dataset import Dataset, Totals
from benchmarks.engines import clickhouse_settings, engine, page_cache
from benchmarks.engines.engine import Answer, Reads, Unavailable, statement
from benchmarks.engines.warehouse import Warehouse
from clickhouse.client import WarehouseError, classified, connect
from telemetry.clock import Clock

DSN_VARIABLE: Final = "CLICKHOUSE_DSN"
READ_TIMEOUT_S = 600
PIECE_BYTES = 512 * 1024
CACHES = ("MARK CACHE", "UNCOMPRESSED CACHE", "PRIMARY INDEX CACHE")


class _Pieces:
    """A file, sent piece by piece as the ETL sends a range; every iteration begins anew."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        with self._file.open("rb") as opened:
            while piece := opened.read(PIECE_BYTES):
                yield piece


class ClickHouse:
    """One database of its own on that server, reached over HTTP by `connections` clients."""

    name = "clickhouse"
    title = "ClickHouse"
    reads: Reads = "arrow"
    shares_memory = False
    inserts = "Arrow streams over HTTP as the ETL inserts, a chunk an insert, each part fsynced"
    settles = "OPTIMIZE TABLE … FINAL: one part"
    size_of = "bytes_on_disk of the active part after the merge"

    def __init__(
        self, directory: Path, *, dsn: str, connections: int, clock: Clock, with_rollup: bool = False
    ) -> None:
        self._warehouse = None if dsn else Warehouse(directory, clock=clock)
        self._dsn = dsn
        self._connections = connections
        self._with_rollup = with_rollup
        self._database = f"ugc_bench_{secrets.token_hex(4)}"
        self._clients: list[Client] = []
        self.cold = (
            "mark, index and uncompressed caches dropped; the server's page cache is out of reach"
            if dsn
            else "warehouse started anew and its files dropped from the page cache; the start is not counted"
        )

    def available(self) -> str | None:
        return None

    def __enter__(self) -> Self:
        if self._warehouse is not None:
            self._warehouse.start()
        try:
            with connect(self._own_dsn("default")) as client:
                self._command(client, f"CREATE DATABASE {self._database}")
            self._connect()
        except WarehouseError as error:
            self._leave()
            raise Unavailable(f"{DSN_VARIABLE}: {error}" if self._dsn else str(error)) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(WarehouseError):
            self.execute(f"DROP DATABASE {self._database}")
        self._leave()

    def version(self) -> str:
        return str(self.query("SELECT version()")[0][0])

    def settings(self) -> Mapping[str, str]:
        embedded = self._warehouse
        what = f"embedded, at most {embedded.memory_mb} MiB" if embedded else "a server of its own"
        return {
            "is": what,
            "connections that insert": str(self._connections),
            "query settings": clickhouse_settings.said(clickhouse_settings.ASK),
            "insert settings": clickhouse_settings.said(clickhouse_settings.INSERT),
        }

    def pids(self) -> Mapping[str, int]:
        return {"warehouse": self._warehouse.pid} if self._warehouse else {}

    def create(self) -> None:
        for table in ("events_by_quarter_hour_mv", "events_by_quarter_hour", "events"):
            self.execute(f"DROP TABLE IF EXISTS {table} SYNC")
        self.execute(statement(self.name, "create"))
        if self._with_rollup:
            self.execute(statement(self.name, "create_rollup"))
            self.execute(statement(self.name, "create_rollup_mv"))

    def insert(self, dataset: Dataset) -> None:
        def load(place: int) -> None:
            for file in dataset.arrow[place :: self._connections]:
                self.insert_block(_Pieces(file), "ArrowStream", place=place)

        with ThreadPoolExecutor(self._connections) as pool:
            list(pool.map(load, range(self._connections)))

    def insert_block(self, block: bytes | Iterable[bytes], input_format: str, *, place: int = 0) -> None:
        """One insert of bytes in any format, by one of the connections."""
        with classified():
            self._clients[place].raw_insert(
                "events",
                # What the driver calls a generator may be anything to iterate over.
                insert_block=cast(Any, block),
                settings=dict(clickhouse_settings.INSERT),
                fmt=input_format,
            )

    def settle(self) -> None:
        self.execute("OPTIMIZE TABLE events FINAL")
        if self._with_rollup:
            self.execute("OPTIMIZE TABLE events_by_quarter_hour FINAL")

    def disk_bytes(self) -> int:
        return int(self.query(statement(self.name, "disk"))[0][0])

    def aggregate(self, *, threads: int) -> Answer:
        return engine.answer(self._ask("aggregate", threads))

    def aggregate_rollup(self, *, threads: int) -> Answer:
        """The same question, answered from the states that the view keeps."""
        return engine.answer(self._ask("aggregate_rollup", threads))

    def totals(self) -> dict[str, Totals]:
        return engine.totals(self.query(statement(self.name, "totals")))

    def chill(self) -> None:
        if self._warehouse is None:
            for cache in CACHES:
                self.execute(f"SYSTEM DROP {cache}")
            return
        self._disconnect()
        self._warehouse.stop()
        page_cache.forget(self._warehouse.data_dir)
        self._warehouse.start()
        self._connect()

    def query(self, sql: str, **settings: Any) -> list[Any]:
        """The rows of an answer."""
        with classified():
            return list(self._clients[0].query(sql, settings=settings).result_rows)

    def execute(self, sql: str) -> None:
        """Any statement that answers nothing."""
        self._command(self._clients[0], sql)

    @property
    def client(self) -> Client:
        """The driver's own, for what it can do beside this."""
        return self._clients[0]

    def _ask(self, question: str, threads: int) -> list[Any]:
        return self.query(statement(self.name, question), max_threads=threads, **clickhouse_settings.ASK)

    def _command(self, client: Client, sql: str) -> None:
        with classified():
            client.command(sql)

    def _connect(self) -> None:
        dsn = self._own_dsn(self._database)
        self._clients = [connect(dsn, read_timeout_s=READ_TIMEOUT_S) for _ in range(self._connections)]

    def _disconnect(self) -> None:
        while self._clients:
            self._clients.pop().close()

    def _leave(self) -> None:
        self._disconnect()
        if self._warehouse is not None:
            self._warehouse.stop()

    def _own_dsn(self, database: str) -> str:
        dsn = self._warehouse.dsn("admin") if self._warehouse else self._dsn
        return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))
