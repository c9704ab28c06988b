"""The console of `ugc sql`: a line at a time, an answer after each semicolon, and a history that stays."""

import importlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from rich.markup import escape

from ops.asking.analyst import BINARY, FORMATS, Analyst
from ops.asking.sql import show
from ops.asking.statements import is_finished, split
from ops.terminal import console
from telemetry.errors import OperatorError

HISTORY_LINES_MAX: Final = 1_000
HELP: Final = """\
  SQL;            runs when the line ends with a semicolon; Ctrl-C stops it, or drops what was typed
  \\d              the tables and views of the warehouse, and what they are for
  \\d NAME         the columns of one
  \\f FORMAT       table, vertical, markdown, csv, tsv, json, ndjson
  \\?              this
  \\q, Ctrl-D      leaves"""
_TABLES: Final = (
    "SELECT name, total_rows AS rows, comment FROM system.tables "
    "WHERE database = currentDatabase() ORDER BY name"
)
_COLUMNS: Final = (
    "SELECT name, type, comment FROM system.columns "
    "WHERE database = currentDatabase() AND table = {name:String} ORDER BY position"
)


class Console:
    """One sitting. `read` gives a line for a prompt and raises EOFError at the end, as input() does."""

    def __init__(
        self, analyst: Analyst, *, history: Path, output_format: str, read: Callable[[str], str] = input
    ) -> None:
        self._analyst = analyst
        self._history = history
        self._format = output_format
        self._read = read
        self._typed = ""

    def run(self) -> int:
        """Read and answer until the person leaves; 0."""
        readline = _line_editing(self._history)
        console.err().print("[dim]reading as analyst; \\? helps, \\q leaves[/]")
        try:
            while self._one_line():
                pass
        finally:
            _keep_history(readline, self._history)
        return 0

    def _one_line(self) -> bool:
        """Whether to go on."""
        try:
            line = self._read("ugc> " if not self._typed else "...> ")
        except KeyboardInterrupt:
            self._typed = ""
            console.err().print()
            return True
        except EOFError:
            console.err().print()
            return False
        if not self._typed and line.lstrip().startswith("\\"):
            return self._command(line.strip())
        if not self._typed and line.strip().rstrip(";").lower() in {"quit", "exit"}:
            return False
        self._typed = f"{self._typed}{line}\n" if self._typed or line.strip() else ""
        if is_finished(self._typed):
            typed, self._typed = self._typed, ""
            for statement in split(typed):
                if not self._ask(statement):
                    break
        return True

    def _command(self, line: str) -> bool:
        name, _, rest = line.partition(" ")
        rest = rest.strip().rstrip(";")
        if name == "\\q":
            return False
        if name == "\\d":
            self._ask(_COLUMNS if rest else _TABLES, {"name": rest} if rest else {}, output_format="table")
        elif name == "\\f" and rest in FORMATS and rest not in BINARY:
            self._format = rest
        else:
            if name != "\\?":
                console.complain(f"there is no {line}")
            console.err().print(escape(HELP))
        return True

    def _ask(
        self, sql: str, parameters: dict[str, str] | None = None, *, output_format: str | None = None
    ) -> bool:
        """Whether it was answered; why not was said."""
        try:
            pieces = self._analyst.ask(
                sql, output_format=output_format or self._format, parameters=parameters
            )
            show(pieces)
        except OperatorError as error:
            console.complain(str(error))
        except KeyboardInterrupt:
            # The server ends what nobody waits for any more.
            self._analyst.client.close_connections()
            console.err().print("[yellow]stopped[/]")
        else:
            return True
        return False


def _line_editing(history: Path) -> Any:
    """Python's readline with what was typed before; None where there is none."""
    try:
        readline = importlib.import_module("readline")
    except ImportError:
        return None
    readline.set_history_length(HISTORY_LINES_MAX)
    with suppress(OSError):
        readline.read_history_file(history)
    return readline


def _keep_history(readline: Any, history: Path) -> None:
    """For the owner alone: a question may name people. Where nothing can be written there is none."""
    if readline is None:
        return
    with suppress(OSError):
        history.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(history, os.O_CREAT | os.O_WRONLY, 0o600))
        readline.write_history_file(history)
        history.chmod(0o600)
