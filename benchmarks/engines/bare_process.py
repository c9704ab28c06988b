"""chDB in process, and nothing around it: `python -m benchmarks.engines.bare_process DIR`. See worker.py.

The engine, its configuration and the insert's settings are the embedded warehouse's own. What is missing is
the way there: no HTTP, no socket, no copy of the data. The engine reads the Arrow files where they lie.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from benchmarks.engines import clickhouse_settings
from benchmarks.engines.engine import statement
from benchmarks.engines.worker import serve
from embedded.stack_settings import StackSettings
from embedded.warehouse.directory import Directory
from embedded.warehouse.engine import Engine, quote
from embedded.warehouse.errors import Refused
from telemetry.settings import DATABASE


class Bare:
    """One engine in this process."""

    def __init__(self, path: Path) -> None:
        directory = Directory(path)
        directory.configure(memory_mb=StackSettings.model_fields["warehouse_memory_mb"].default)
        # chDB reads config.xml of the directory it is imported in.
        os.chdir(directory.path)
        self._engine = Engine(directory.data, directory.config_file)
        self._engine.ask(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")

    def create(self) -> None:
        self._run("DROP TABLE IF EXISTS events SYNC")
        self._run(statement("clickhouse", "create"))

    def insert(self, files: list[str], connections: int) -> None:
        """Every chunk is an insert, by so many threads, as over HTTP."""

        def load(place: int) -> None:
            for file in files[place::connections]:
                self._run(f"INSERT INTO events SELECT * FROM file({quote(file)}, ArrowStream)")  # noqa: S608

        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(load, range(connections)))

    def totals(self) -> list[list[str]]:
        return [line.split("\t") for line in self._run(statement("clickhouse", "totals")).splitlines()]

    def _run(self, sql: str) -> str:
        with closing(self._engine.handle()) as handle:
            settings = {name: str(value) for name, value in clickhouse_settings.INSERT.items()}
            handle.prepare(database=DATABASE, settings=settings)
            return handle.query(sql.encode(), "TSVRaw").data.decode()


def main() -> None:
    """Ends when standard input does."""
    bare = Bare(Path(sys.argv[1]))
    serve({"create": bare.create, "insert": bare.insert, "totals": bare.totals}, errors=(Refused,))
    sys.stderr.flush()
    # An engine that does not end must not keep the process; its tables are thrown away anyway.
    os._exit(0)


if __name__ == "__main__":
    main()
