"""The console of `ugc sql`: a person who types."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from known_day import ENDLESS, environment
from services import ROOT
from warehouse_process import Process

from ops.asking.analyst import Analyst
from ops.asking.prompt import Console

pytestmark = pytest.mark.stack


class Typed:
    """Lines that a person types; an exception is raised where it stands."""

    def __init__(self, *lines: Any) -> None:
        self.lines = list(lines)
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        if not self.lines:
            raise EOFError
        line = self.lines.pop(0)
        if isinstance(line, BaseException):
            raise line
        return str(line)


def sit(analyst: Analyst, tmp_path: Path, *lines: Any) -> Typed:
    typed = Typed(*lines)
    Console(analyst, history=tmp_path / "h" / "sql_history", output_format="tsv", read=typed).run()
    return typed


def test_the_console_answers_after_a_semicolon(
    analyst: Analyst, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = sit(analyst, tmp_path, "SELECT 1 AS a,", "  2 AS b;", "SELECT 3; SELECT 4;", "exit", "SELECT 5;")
    assert capsys.readouterr().out == "a\tb\n1\t2\n3\n3\n4\n4\n"
    assert typed.prompts == ["ugc> ", "...> ", "ugc> ", "ugc> "]


def test_the_console_goes_on_after_a_mistake_and_an_interrupt(
    analyst: Analyst, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sit(
        analyst,
        tmp_path,
        "SELECT 'never run",
        KeyboardInterrupt(),
        "DROP TABLE events_raw;",
        "SELECT 6;",
        "\\q",
    )
    said = capsys.readouterr()
    assert said.out == "6\n6\n"
    assert "this console reads" in said.err


def test_the_console_shows_what_is_there(
    analyst: Analyst, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sit(analyst, tmp_path, "\\d", "\\d events_raw;", "\\f csv", "SELECT 1 AS a;", "\\nonsense", "\\?")
    said = capsys.readouterr()
    assert "events_by_quarter_hour" in said.out
    assert "Identity of the event" in said.out
    assert '"a"\n1\n' in said.out
    assert "there is no \\nonsense" in said.err
    assert "Ctrl-D" in said.err


def test_a_person_at_a_terminal(process: Process, tmp_path: Path) -> None:
    """The real thing: a pseudo-terminal, a question that is stopped, and a history that stays."""
    terminal, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("UGC_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "ops", "sql"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**clean, **environment(process), "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"},
    )
    os.close(theirs)
    seen = ""

    def wait_for(text: str) -> None:
        nonlocal seen
        until = time.monotonic() + 30
        while text not in seen:
            assert time.monotonic() < until, f"{text!r} is not in {seen!r}"
            seen += os.read(terminal, 4096).decode("utf-8", "replace")
        seen = seen.partition(text)[2]

    try:
        wait_for("ugc> ")
        os.write(terminal, b"SELECT 40 + 2 AS answer;\n")
        wait_for("│     42 │")
        wait_for("ugc> ")
        os.write(terminal, f"{ENDLESS};\n".encode())
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)
        wait_for("stopped")
        wait_for("ugc> ")
        os.write(terminal, b"\\q\n")
        assert child.wait(20) == 0
    finally:
        os.close(terminal)
        if child.poll() is None:
            child.kill()
            child.wait(10)
    history = tmp_path / "data" / "sql_history"
    assert "SELECT 40 + 2 AS answer;" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600
