"""A bare Arrow insert into the same table: what the product's way into it is held against."""

from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.dataset import Dataset, Totals
from benchmarks.engines import engine
from benchmarks.engines.worker import Worker


class Bare:
    """chDB in a process of its own; see bare_process.py. Raises BenchFailed."""

    title = "chDB in process"

    def __init__(self, directory: Path, *, connections: int) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._connections = connections
        self._worker = Worker(
            "benchmarks.engines.bare_process", str(directory / "bare"), log=directory / "bare.log"
        )

    def __enter__(self) -> Self:
        self._worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._worker.stop()

    def pids(self) -> dict[str, int]:
        return {"chdb": self._worker.pid}

    def create(self) -> None:
        self._worker.ask("create")

    def insert(self, dataset: Dataset) -> None:
        self._worker.ask("insert", files=[str(file) for file in dataset.arrow], connections=self._connections)

    def totals(self) -> dict[str, Totals]:
        return engine.totals(self._worker.ask("totals"))
