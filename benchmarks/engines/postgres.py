"""PostgreSQL: the server that POSTGRES_DSN names, else a cluster of its own from what is installed here."""

import secrets
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from benchmarks.dataset import Dataset, Totals
from benchmarks.engines import engine, page_cache, postgres_cluster
from benchmarks.engines.engine import Answer, Reads, Unavailable, statement
from benchmarks.frame.errors import BenchFailed
from telemetry.clock import Clock

if TYPE_CHECKING:
    import psycopg

DSN_VARIABLE: Final = "POSTGRES_DSN"
CONNECT_TIMEOUT_S = 5
COPY_PIECE_BYTES = 2**18


class Postgres:
    """One schema of its own on that server, loaded by `connections` connections at once."""

    name = "postgres"
    title = "PostgreSQL"
    reads: Reads = "csv"
    shares_memory = True
    inserts = "COPY … FROM STDIN, CSV, a transaction a chunk, no index"
    settles = "VACUUM (ANALYZE), CHECKPOINT"
    size_of = "pg_total_relation_size: not compressed"

    def __init__(self, directory: Path, *, dsn: str, connections: int, clock: Clock) -> None:
        self._directory = directory
        self._dsn = dsn
        self._connections = connections
        self._clock = clock
        self._schema = f"ugc_bench_{secrets.token_hex(4)}"
        self._cluster: postgres_cluster.Cluster | None = None
        self._pool: list[psycopg.Connection[Any]] = []
        self.cold = (
            "nothing: a server elsewhere keeps its buffers; a new connection only"
            if dsn
            else "server started anew and its files dropped from the page cache; the start is not counted"
        )

    def available(self) -> str | None:
        if find_spec("psycopg") is None:
            return "the package psycopg is not here; pip install 'ugc[bench]'"
        if not self._dsn and postgres_cluster.binaries() is None:
            return f"no PostgreSQL is installed here (initdb, postgres); install one or set {DSN_VARIABLE}"
        return None

    def __enter__(self) -> Self:
        bin_dir = postgres_cluster.binaries()
        try:
            if not self._dsn and bin_dir is not None:
                self._cluster = postgres_cluster.Cluster(self._directory, bin_dir, clock=self._clock)
                self._cluster.make()
                self._cluster.start()
            self._connect()
            self.execute(f"CREATE SCHEMA {self._schema}")
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._cluster is None:
                self.execute(f"DROP SCHEMA {self._schema} CASCADE")
        finally:
            self._leave()

    def version(self) -> str:
        return str(self._query("SHOW server_version")[0][0])

    def settings(self) -> Mapping[str, str]:
        own = "a cluster of its own" if self._cluster else "a server of its own"
        shown = {name: str(self._query(f"SHOW {name}")[0][0]) for name in postgres_cluster.SETTINGS}
        return {"is": own, "connections that insert": str(self._connections), **shown}

    def pids(self) -> Mapping[str, int]:
        return {"postgres": self._cluster.pid} if self._cluster else {}

    def create(self) -> None:
        self.execute("DROP TABLE IF EXISTS events")
        self.execute(statement(self.name, "create"))
        # What the last load still has to write is not this one's work.
        self._checkpoint()

    def insert(self, dataset: Dataset) -> None:
        def load(place: int) -> None:
            for file in dataset.csv[place :: self._connections]:
                with (
                    self._pool[place].cursor() as cursor,
                    cursor.copy("COPY events FROM STDIN (FORMAT csv)") as copy,
                    file.open("rb") as source,
                ):
                    while piece := source.read(COPY_PIECE_BYTES):
                        copy.write(piece)

        with _in_words(), ThreadPoolExecutor(self._connections) as pool:
            list(pool.map(load, range(self._connections)))

    def settle(self) -> None:
        self.execute("VACUUM (ANALYZE) events")
        self._checkpoint()

    def disk_bytes(self) -> int:
        return int(self._query(statement(self.name, "disk"))[0][0])

    def aggregate(self, *, threads: int) -> Answer:
        self.execute(f"SET max_parallel_workers_per_gather = {int(threads) - 1}")
        return engine.answer(self._query(statement(self.name, "aggregate")))

    def totals(self) -> dict[str, Totals]:
        self.execute(f"SET max_parallel_workers_per_gather = {self._connections}")
        return engine.totals(self._query(statement(self.name, "totals")))

    def chill(self) -> None:
        self._disconnect()
        if self._cluster is not None:
            self._cluster.stop()
            page_cache.forget(self._cluster.data_dir)
            self._cluster.start()
        self._connect()

    def execute(self, sql: str) -> None:
        """Any statement."""
        with _in_words():
            self._pool[0].execute(sql.encode())

    def _query(self, sql: str) -> list[Any]:
        with _in_words():
            return list(self._pool[0].execute(sql.encode()).fetchall())

    def _checkpoint(self) -> None:
        # A server of somebody's own need not let us.
        if self._cluster is not None:
            self.execute("CHECKPOINT")

    def _connect(self) -> None:
        import psycopg  # noqa: PLC0415 - it need not be here

        dsn = self._cluster.dsn if self._cluster else self._dsn
        with _in_words():
            for _ in range(self._connections):
                self._pool.append(
                    psycopg.connect(
                        dsn,
                        autocommit=True,
                        # A prepared plan would keep the number of workers it was first made for.
                        prepare_threshold=None,
                        connect_timeout=CONNECT_TIMEOUT_S,
                        options=f"-c search_path={self._schema} -c TimeZone=UTC",
                    )
                )

    def _disconnect(self) -> None:
        while self._pool:
            self._pool.pop().close()

    def _leave(self) -> None:
        self._disconnect()
        if self._cluster is not None:
            self._cluster.stop()
            self._cluster.remove()


@contextmanager
def _in_words() -> Iterator[None]:
    """What the driver raises, as one line."""
    import psycopg  # noqa: PLC0415

    try:
        yield
    except psycopg.OperationalError as error:
        raise Unavailable(f"PostgreSQL: {' '.join(str(error).split())}") from None
    except psycopg.Error as error:
        raise BenchFailed(f"PostgreSQL: {' '.join(str(error).split())}") from None
