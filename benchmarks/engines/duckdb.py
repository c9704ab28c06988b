"""DuckDB: a library, so it is run as a process of its own and measured there."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.dataset import Dataset, Totals
from benchmarks.engines import engine, page_cache
from benchmarks.engines.engine import Answer, Reads, statement
from benchmarks.engines.worker import Worker


class DuckDB:
    """One database file in `directory`."""

    name = "duckdb"
    title = "DuckDB"
    reads: Reads = "arrow"
    shares_memory = False
    inserts = "INSERT … SELECT from Arrow, memory-mapped, a transaction a chunk, in its own process"
    cold = "process started anew and its file dropped from the page cache; opening it is not counted"
    settles = "CHECKPOINT"
    size_of = "blocks of the database file that are in use, after the checkpoint"

    def __init__(self, directory: Path, *, threads: int) -> None:
        self._directory = directory
        self._threads = threads
        self._worker = Worker(
            "benchmarks.engines.duckdb_process",
            str(directory / "events.duckdb"),
            log=directory / "duckdb.log",
        )

    def available(self) -> str | None:
        if find_spec("duckdb") is None:
            return "the package duckdb is not here; pip install 'ugc[bench]'"
        return None

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.stop()
        for file in self._directory.glob("events.duckdb*"):
            file.unlink()

    def version(self) -> str:
        return str(self._query("SELECT version()", self._threads)[0][0])

    def settings(self) -> Mapping[str, str]:
        rows = self._query("SELECT name, value FROM duckdb_settings() WHERE name = 'memory_limit'", 1)
        return {"threads that insert": str(self._threads), **dict(rows)}

    def pids(self) -> Mapping[str, int]:
        return {"duckdb": self._worker.pid}

    def create(self) -> None:
        self._worker.ask("create")

    def insert(self, dataset: Dataset) -> None:
        self._worker.ask("insert", files=[str(file) for file in dataset.arrow], threads=self._threads)

    def settle(self) -> None:
        self._worker.ask("checkpoint")

    def disk_bytes(self) -> int:
        (block_size, used_blocks), *_ = self._worker.ask("sizes")
        return int(block_size) * int(used_blocks)

    def aggregate(self, *, threads: int) -> Answer:
        return engine.answer(self._query(statement(self.name, "aggregate"), threads))

    def totals(self) -> dict[str, Totals]:
        return engine.totals(self._query(statement(self.name, "totals"), self._threads))

    def chill(self) -> None:
        self._worker.stop()
        page_cache.forget(self._directory)
        self._worker.start()
        # Answers when the file is open.
        self._query("SELECT 1", 1)

    def execute(self, sql: str) -> None:
        """Any statement."""
        self._query(sql, self._threads)

    def _query(self, sql: str, threads: int) -> list[Any]:
        rows: list[Any] = self._worker.ask("query", sql=sql, threads=threads)
        return rows
