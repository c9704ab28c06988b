"""DuckDB in a process of its own: `python -m benchmarks.engines.duckdb_process FILE`. See worker.py."""

import sys
from pathlib import Path
from typing import Any

import duckdb

from benchmarks import dataset
from benchmarks.engines.engine import statement
from benchmarks.engines.worker import serve


class Database:
    """One file, one connection."""

    def __init__(self, file: str) -> None:
        self._connection = duckdb.connect(file)

    def create(self) -> None:
        self._connection.execute("DROP TABLE IF EXISTS events")
        self._connection.execute(statement("duckdb", "create"))
        # What the dropped table held is given back, and not during the load that follows.
        self._connection.execute("CHECKPOINT")

    def insert(self, files: list[str], threads: int) -> None:
        """Every chunk as Arrow, read where it lies; each is a transaction."""
        self._threads(threads)
        for file in files:
            chunk = dataset.read_arrow(Path(file))
            self._connection.register("chunk", chunk)
            self._connection.execute("INSERT INTO events SELECT * FROM chunk")
            self._connection.unregister("chunk")

    def checkpoint(self) -> None:
        self._connection.execute("CHECKPOINT")

    def query(self, sql: str, threads: int) -> list[tuple[Any, ...]]:
        self._threads(threads)
        return self._connection.execute(sql).fetchall()

    def sizes(self) -> list[tuple[Any, ...]]:
        """Size of a block, and blocks that hold something."""
        return self._connection.execute(
            "SELECT block_size, used_blocks FROM pragma_database_size()"
        ).fetchall()

    def _threads(self, threads: int) -> None:
        self._connection.execute(f"SET threads = {int(threads)}")


def main() -> None:
    """Ends when standard input does."""
    database = Database(sys.argv[1])
    serve(
        {
            "create": database.create,
            "insert": database.insert,
            "checkpoint": database.checkpoint,
            "query": database.query,
            "sizes": database.sizes,
        },
        errors=(duckdb.Error,),
    )


if __name__ == "__main__":
    main()
