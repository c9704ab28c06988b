"""Load from processes of their own, so that its CPU is counted apart and no other work delays it.

    with Generators([load], directory=scratch) as generators:
        report = generators.run()

Ready, with every connection open, before `run` lets them go; still there, and idle, when it returns, so that
a `Watch` around it sees what they cost. A figure from a generator that could not keep up, or from requests
that failed, is refused there.
"""

import gc
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import msgspec
from msgspec import structs

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.load.driving import Load, drive
from benchmarks.frame.load.report import Report, merged, require_all_answered, require_kept_up

ROOT = Path(__file__).parents[3]
READY, GO, DONE = "ready\n", "go\n", "done\n"
END_WITHIN_S = 30.0


class Generators:
    """One process a load, side by side."""

    def __init__(self, loads: Sequence[Load], *, directory: Path) -> None:
        self._loads = loads
        self._directory = directory
        self._processes: list[subprocess.Popen[str]] = []
        self._reports: list[Path] = []

    def __enter__(self) -> "Generators":
        try:
            for number, load in enumerate(self._loads):
                self._start(number, load)
            for process in self._processes:
                _expect(READY, process)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def pids(self) -> dict[str, int]:
        """Their processes, by role."""
        names = ["generator", *(f"generator-{number}" for number in range(2, len(self._processes) + 1))]
        return {name: process.pid for name, process in zip(names, self._processes, strict=True)}

    def run(self, *, failures: bool = False) -> Report:
        """Let them go and wait for the end of all; their reports as one.

        Raises BenchFailed when one could not keep up, and unless `failures` are expected, when a request
        was not answered 2xx.
        """
        self.go()
        return self.result(failures=failures)

    def go(self) -> None:
        """Let them go, and return at once."""
        for process in self._processes:
            assert process.stdin is not None  # noqa: S101 - Popen was asked for it
            process.stdin.write(GO)
            process.stdin.flush()

    def result(self, *, failures: bool = False, late: bool = False) -> Report:
        """Wait for the end of all; see `run`. With `late`, whether they kept up is left to the caller."""
        for process in self._processes:
            _expect(DONE, process)
        reports = [msgspec.msgpack.decode(file.read_bytes(), type=Report) for file in self._reports]
        for each in reports:
            if not late:
                require_kept_up(each)
            if not failures:
                require_all_answered(each)
        return merged(reports)

    def _start(self, number: int, load: Load) -> None:
        task = self._directory / f"load-{number}"
        task.write_bytes(msgspec.msgpack.encode(load))
        self._reports.append(task.with_suffix(".report"))
        self._processes.append(
            subprocess.Popen(
                [sys.executable, "-m", __name__, str(task), str(self._reports[-1])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
        )

    def _end(self) -> None:
        for process in self._processes:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            process.terminate()
            try:
                process.wait(END_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _expect(word: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None  # noqa: S101 - Popen was asked for it
    said = process.stdout.readline()
    if said != word:
        raise BenchFailed(f"a load generator failed: {said.strip() or 'its words are above'}")


def split(load: Load, processes: int) -> list[Load]:
    """The same load for several processes: each sends its share of the requests at its share of the rate."""
    if processes == 1:
        return [load]
    if load.count is not None:
        raise ValueError("a load that repeats its requests is not split")
    return [
        structs.replace(
            load,
            requests=load.requests[number::processes],
            connections=max(1, load.connections // processes),
            rate=load.rate / processes,
            seed=load.seed + number,
        )
        for number in range(processes)
    ]


def main(task: Path, report: Path) -> int:
    """A generator: read the task, be ready, go when told, leave the report."""
    load = msgspec.msgpack.decode(task.read_bytes(), type=Load)
    task.unlink()
    # No pause of ours may look like one of the server's.
    gc.collect()
    gc.disable()

    def started() -> None:
        _say(READY)
        if sys.stdin.readline() != GO:
            raise SystemExit(0)

    try:
        report.write_bytes(msgspec.msgpack.encode(drive(load, started)))
    except BenchFailed as error:
        _say(f"{error}\n")
        return 1
    _say(DONE)
    sys.stdin.read()
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
