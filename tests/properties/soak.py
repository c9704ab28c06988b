"""The long comparison: `PYTHONPATH=tests .venv/bin/python -m properties.soak`, as `make soak` runs it.

At least 20,000 histories that nobody chose, every answer about each held against that of the oracle, one
history in five by HTTP. What is done lies in benchmarks/results/soak/answers.json after every round, without
a word of the machine. SIGTERM or Ctrl-C ends it after the rounds under way; started again it goes on there,
unless the warehouse's code or that of the histories has changed. Exits with 1 when any answer differs; the
smallest history that shows it is printed and kept in that file.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from random import SystemRandom

from properties.soak_result import RESULT, Result
from properties.soak_worker import ROUND, work

# What has so many wrong answers is broken, and more of them say nothing new.
DIFFERENT_MAX = 20
ENDS_ON = (signal.SIGTERM, signal.SIGINT)


class Soak:
    """Gives rounds to the workers at the other ends of `lines`, until there are enough or it is to stop."""

    def __init__(self, result: Result, lines: list[Connection], path: Path) -> None:
        self._result = result
        self._lines = lines
        self._path = path
        self._under_way: dict[Connection, int] = {}
        self._began, self._had = time.monotonic(), (result.histories, result.seconds)
        self.stopping = threading.Event()

    def run(self) -> None:
        """Return when no round is under way any more."""
        idle = list(self._lines)
        while True:
            while idle and self._wants_more():
                self._give(idle.pop())
            if not self._under_way:
                return
            for line in wait(list(self._under_way), timeout=1.0):
                idle += self._take(line)

    def _wants_more(self) -> bool:
        expected = self._result.histories + ROUND * len(self._under_way)
        enough = expected >= self._result.asked or len(self._result.different) >= DIFFERENT_MAX
        return not enough and not self.stopping.is_set()

    def _give(self, line: Connection) -> None:
        """The next round to that worker. One who is gone does not take it, and is found missing."""
        taken = {*self._result.rounds, *self._under_way.values()}
        number = next(number for number in range(len(taken) + 1) if number not in taken)
        with suppress(OSError):
            line.send(self._result.first_number + number * ROUND)
        self._under_way[line] = number

    def _take(self, line: Connection) -> list[Connection]:
        """What the worker sends, into the result; the line, if there is still a worker."""
        number = self._under_way.pop(line)
        try:
            round_ = line.recv()
        except (EOFError, OSError):
            self._result.different.append(f"the process that compared round {number} is gone")
            return []
        self._result.add(number, round_)
        histories, seconds = self._had
        elapsed_s = time.monotonic() - self._began
        self._result.seconds = round(seconds + elapsed_s)
        self._result.write(self._path)
        rate = (self._result.histories - histories) / elapsed_s
        say(
            f"{self._result.histories} of {self._result.asked} histories, {rate:.1f} a second, "
            f"{len(self._result.different)} with a wrong answer"
        )
        return [line]


@contextmanager
def workers(count: int) -> Iterator[list[Connection]]:
    """The ends of as many lines, with a process at each other end that lives as long as its line."""
    context = get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="ugc-answers-") as folder:
        lines: list[Connection] = []
        running = []
        for place in range(count):
            ours, theirs = context.Pipe()
            running.append(context.Process(target=work, args=(theirs, Path(folder) / str(place))))
            running[-1].start()
            theirs.close()
            lines.append(ours)
        try:
            yield lines
        finally:
            for line in lines:
                line.close()
            for each in running:
                each.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=20_000, help="at least so many")
    parser.add_argument("--processes", type=int, default=2, help="each with a warehouse of its own")
    parser.add_argument("--number", type=int, default=None, help="repeats the histories of an earlier run")
    parser.add_argument("--result", type=Path, default=RESULT, help="where its JSON goes, and goes on from")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("UGC_")]:
        del os.environ[name]
    number = SystemRandom().randrange(1_000_000) * 1_000_000 if asked.number is None else asked.number
    result = Result(first_number=number, asked=asked.histories)
    if asked.number is None and (begun := Result.begun(asked.result)) is not None:
        begun.asked = asked.histories
        result = begun
        say(f"goes on after {result.histories} histories")
    with workers(asked.processes) as lines:
        soak = Soak(result, lines, asked.result)
        for each in ENDS_ON:
            signal.signal(each, lambda *_: soak.stopping.set())
        soak.run()
    result.write(asked.result)
    for different in result.different:
        say(different)
    say(f"{result.histories} histories, {len(result.different)} with a wrong answer: {asked.result}")
    return 1 if result.different else 0


def say(text: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
