"""Vertica: the server that VERTICA_DSN names. Where there is none it is skipped, and nothing plays its part.

VERTICA_DSN=vertica://user:password@host:5433/database
VERTICA_COPY=ZSTD     how the streams of a load are compressed: ZSTD or GZIP
"""

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from types import TracebackType
from typing import Any, Final, Self, get_args

from benchmarks.dataset import Dataset, Totals
from benchmarks.engines import engine
from benchmarks.engines.engine import Answer, Reads, Unavailable, statement
from benchmarks.engines.vertica_stream import CompressedFiles, Compression
from benchmarks.frame.errors import BenchFailed

DSN_VARIABLE: Final = "VERTICA_DSN"
COPY_VARIABLE: Final = "VERTICA_COPY"
PORT: Final = 5433
CONNECT_TIMEOUT_S: Final = 10


class Vertica:
    """One schema of its own on that server, loaded by `connections` connections at once."""

    name = "vertica"
    title = "Vertica"
    reads: Reads = "csv"
    shares_memory = False
    cold = "CLEAR_CACHES(); the server's page cache is out of reach"
    settles = "DO_TM_TASK('mergeout'), ANALYZE_STATISTICS"
    size_of = "used_bytes of every projection's containers"

    def __init__(self, *, dsn: str, compression: str, connections: int) -> None:
        self._dsn = dsn
        self._compression = compression or "ZSTD"
        self._connections = connections
        self._schema = f"ugc_bench_{secrets.token_hex(4)}"
        self._pool: list[Any] = []
        self.inserts = (
            f"COPY … FROM STDIN, CSV compressed as {self._compression} on the way, ORDER BY as MergeTree"
        )

    def available(self) -> str | None:
        if not self._dsn:
            return (
                f"{DSN_VARIABLE} is not set (vertica://user:password@host:{PORT}/database); "
                "its community image is no longer published"
            )
        if find_spec("vertica_python") is None:
            return "the package vertica-python is not here; pip install 'ugc[bench]'"
        if self._compression not in get_args(Compression):
            return f"{COPY_VARIABLE} is {self._compression}; say ZSTD or GZIP"
        try:
            options(self._dsn)
        except ValueError as error:
            return str(error)
        return None

    def __enter__(self) -> Self:
        import vertica_python  # noqa: PLC0415 - it need not be here

        try:
            with _in_words():
                for _ in range(self._connections):
                    self._pool.append(vertica_python.connect(**options(self._dsn)))
            self.execute(f"CREATE SCHEMA {self._schema}")
            for place in range(self._connections):
                self._rows(f"SET SEARCH_PATH TO {self._schema}", place=place)
        except BenchFailed as error:
            self._disconnect()
            raise Unavailable(str(error)) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(BenchFailed):
            self._drop_pool()
            self.execute(f"DROP SCHEMA {self._schema} CASCADE")
        self._disconnect()

    def version(self) -> str:
        return str(self._rows("SELECT VERSION()")[0][0])

    def settings(self) -> Mapping[str, str]:
        nodes = self._rows("SELECT COUNT(*) FROM v_catalog.nodes")[0][0]
        return {
            "is": f"a server of its own, {nodes} nodes",
            "connections that insert": str(self._connections),
            "compression of the streams": self._compression,
        }

    def pids(self) -> Mapping[str, int]:
        return {}

    def create(self) -> None:
        self.execute("DROP TABLE IF EXISTS events CASCADE")
        self.execute(statement(self.name, "create"))

    def insert(self, dataset: Dataset) -> None:
        def load(place: int) -> None:
            files = dataset.csv[place :: self._connections]
            if files:
                self.copy(CompressedFiles(files, self._checked_compression()), place=place)

        with ThreadPoolExecutor(self._connections) as pool:
            list(pool.map(load, range(self._connections)))

    def copy(self, stream: CompressedFiles, *, place: int) -> None:
        """One COPY of one stream by one of the connections; one bad row refuses it whole."""
        with _in_words():
            with self._pool[place].cursor() as cursor:
                cursor.copy(copy_statement(self._checked_compression()), stream)
            self._pool[place].commit()

    def settle(self) -> None:
        self.execute(f"SELECT DO_TM_TASK('mergeout', '{self._schema}.events')")
        self.execute(f"SELECT ANALYZE_STATISTICS('{self._schema}.events')")

    def disk_bytes(self) -> int:
        return int(self._rows(statement(self.name, "disk"))[0][0])

    def aggregate(self, *, threads: int) -> Answer:
        self._use_threads(threads)
        return engine.answer(self._rows(statement(self.name, "aggregate")))

    def totals(self) -> dict[str, Totals]:
        return engine.totals(self._rows(statement(self.name, "totals")))

    def chill(self) -> None:
        self.execute("SELECT CLEAR_CACHES()")

    def execute(self, sql: str) -> None:
        """Any statement, and its commit."""
        self._rows(sql)
        with _in_words():
            self._pool[0].commit()

    def _use_threads(self, threads: int) -> None:
        """A query's threads are its resource pool's."""
        self._drop_pool()
        self.execute(f"CREATE RESOURCE POOL {self._schema}_pool EXECUTIONPARALLELISM {int(threads)}")
        self.execute(f"SET SESSION RESOURCE_POOL = {self._schema}_pool")

    def _drop_pool(self) -> None:
        self.execute("SET SESSION RESOURCE_POOL = general")
        self.execute(f"DROP RESOURCE POOL IF EXISTS {self._schema}_pool")

    def _rows(self, sql: str, *, place: int = 0) -> list[Any]:
        with _in_words(), self._pool[place].cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def _disconnect(self) -> None:
        while self._pool:
            self._pool.pop().close()

    def _checked_compression(self) -> Compression:
        return "GZIP" if self._compression == "GZIP" else "ZSTD"


def copy_statement(compression: Compression) -> str:
    """The load: straight to disk, and refused whole where a row is not understood."""
    columns = "event_time, user_id, event_type, value"
    return f"COPY events ({columns}) FROM STDIN {compression} DELIMITER ',' NULL '' ABORT ON ERROR NO COMMIT"


def options(dsn: str) -> dict[str, Any]:
    """The driver's connection options. Raises ValueError with a line that does not repeat the password."""
    from vertica_python import parse_dsn  # noqa: PLC0415

    try:
        said = dict(parse_dsn(dsn))
    except ValueError:
        said = {}
    if not all(said.get(each) for each in ("host", "user", "database")):
        raise ValueError(f"{DSN_VARIABLE} is not vertica://user:password@host:{PORT}/database")
    return {"port": PORT, "connection_timeout": CONNECT_TIMEOUT_S, **said, "autocommit": False}


@contextmanager
def _in_words() -> Iterator[None]:
    """What the driver raises, as one line."""
    import vertica_python  # noqa: PLC0415

    try:
        yield
    except (vertica_python.errors.Error, OSError) as error:
        raise BenchFailed(f"Vertica: {' '.join(str(error).split())[:300]}") from None
