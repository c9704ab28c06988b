"""Events written to the log at a steady rate, by a process of its own, whatever becomes of the ETL.

    with Feeder(bootstrap, plan, seconds=60) as feeder:
        feeder.go()
        ...
        fed = feeder.stop()

An open loop: each record is due at its own time, and what a late feeder owes it writes at once.
"""

import subprocess
import sys
import threading
from types import TracebackType

import msgspec

from benchmarks.draining.topic import Writer
from benchmarks.events import Plan, restamped
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import quantile
from benchmarks.frame.load.report import GeneratorLate
from benchmarks.frame.stack import ROOT
from telemetry.clock import Clock, SystemClock

READY, GO = "ready\n", "go\n"
TICK_S = 0.005
# Later than this for more than one tick in a hundred, and it was no steady load.
LATE_MAX_S = 0.5
END_WITHIN_S = 60


class Task(msgspec.Struct, frozen=True):
    """What to write: `rate` events a second for so long, or until told to stop."""

    bootstrap: str
    seed: int
    users: int
    begins_at_ms: int
    rate: int
    seconds: int


class Fed(msgspec.Struct, frozen=True):
    """What was written and acknowledged, whether that was all there was, and how late it was."""

    records: int
    ran_out: bool
    late_p99_s: float


class Feeder:
    """The process, made on entering and gone on leaving."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Feeder":
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, msgspec.json.encode(self._task).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        if self._line() != READY.encode():
            raise BenchFailed("the feeder of the log did not start; its words are above")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
        process.terminate()
        try:
            process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def go(self) -> None:
        """Let it begin."""
        self._tell(GO)

    def stop(self) -> Fed:
        """Let it end: what it wrote. Raises BenchFailed when not all was acknowledged, or it was late."""
        self._tell("stop\n")
        line = self._line()
        try:
            fed = msgspec.json.decode(line, type=Fed)
        except msgspec.DecodeError:
            raise BenchFailed("the feeder of the log failed; its words are above") from None
        if fed.late_p99_s > LATE_MAX_S:
            raise GeneratorLate(
                f"the feeder was {fed.late_p99_s:.2f} s late, {LATE_MAX_S} s are the most: the load was not "
                "steady; run it again on a quieter machine"
            )
        return fed

    def _tell(self, word: str) -> None:
        if self._process is None or self._process.stdin is None:
            raise BenchFailed("the feeder does not run; enter it first")
        try:
            self._process.stdin.write(word.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise BenchFailed("the feeder of the log ended early; its words are above") from None

    def _line(self) -> bytes:
        if self._process is None or self._process.stdout is None:
            raise BenchFailed("the feeder does not run; enter it first")
        return self._process.stdout.readline()


def feed(task: Task, *, clock: Clock, writer: Writer, stopped: threading.Event) -> Fed:
    """Write what is due, until all is written or `stopped`."""
    count = task.rate * task.seconds
    plan = Plan(
        seed=task.seed,
        users=task.users,
        ends_at_ms=task.begins_at_ms + task.seconds * 1000,
        spread_ms=task.seconds * 1000,
    )
    records, written, late_s = restamped(plan, count), 0, [0.0]
    began = clock.monotonic()
    while written < count and not stopped.is_set():
        since_s = clock.monotonic() - began
        due = min(count, int(since_s * task.rate))
        if due > written:
            late_s.append(since_s - (written + 1) / task.rate)
        for _ in range(due - written):
            writer.write(next(records))
        written = due
        writer.poll()
        clock.sleep(TICK_S)
    return Fed(writer.flush(), written == count, quantile(late_s, 0.99))


def main() -> int:
    """The feeder's process: ready, go, write, and one line of what was written."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    stopped = threading.Event()
    writer = Writer(task.bootstrap)
    _say(READY)
    if sys.stdin.readline() != GO:
        return 0

    def listen() -> None:
        sys.stdin.readline()
        stopped.set()

    threading.Thread(target=listen, daemon=True).start()
    fed = feed(task, clock=SystemClock(), writer=writer, stopped=stopped)
    # All written before it was told: it still waits for the word, so that its answer is read in order.
    stopped.wait()
    _say(msgspec.json.encode(fed).decode() + "\n")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
