"""A library measured as a process of its own, so that its CPU time and memory are its own.

The two sides speak JSON, a line each: {"do": method, ...arguments} and {"answer": ...} or {"error": ...}.
The worker ends when its standard input does, so it does not outlive who started it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from benchmarks.frame.errors import BenchFailed
from embedded.supervisor import TETHER

STOP_MAX_S = 30


class Worker:
    """Runs `python -m module arguments` and asks it things. Raises BenchFailed with its last words."""

    def __init__(self, module: str, *arguments: str, log: Path) -> None:
        self._module = module
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        return self._running().pid

    def start(self) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
                    *(sys.executable, "-m", self._module, *self._arguments),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                # A Ctrl-C reaches the bench alone, which then stops this one.
                start_new_session=True,
            )

    def ask(self, do: str, **arguments: Any) -> Any:
        """What the worker's method answers."""
        process = self._running()
        try:
            _pipe(process.stdin).write(json.dumps({"do": do, **arguments}) + "\n")
            _pipe(process.stdin).flush()
            line = _pipe(process.stdout).readline()
        except OSError:
            line = ""
        if not line:
            raise BenchFailed(f"{self._module} ended: {self._last_words()}")
        said = json.loads(line)
        if "error" in said:
            raise BenchFailed(f"{self._module}: {said['error']}")
        return said["answer"]

    def stop(self) -> None:
        """End it and wait for it; twice is once."""
        process, self._process = self._process, None
        if process is None:
            return
        _pipe(process.stdin).close()
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        _pipe(process.stdout).close()

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise BenchFailed(f"{self._module} does not run; start it first")
        return self._process

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it printed nothing"


def serve(methods: Mapping[str, Callable[..., Any]], *, errors: tuple[type[Exception], ...]) -> None:
    """The worker's side: answer until standard input ends. What is not in `errors` ends it with a traceback.

    Answers go where standard output was; whatever a library prints there goes to standard error instead.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            said = {"answer": methods[asked.pop("do")](**asked)}
        except errors as error:
            said = {"error": " ".join(str(error).split())}
        answers.write(json.dumps(said) + "\n")
        answers.flush()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise BenchFailed("a worker has no pipe")
    return pipe
