"""How the command line speaks: rich for a person, JSON for a script, errors in one line on standard error."""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from rich.console import Console

from telemetry.errors import OperatorError

F = TypeVar("F", bound=Callable[..., Any])


def out() -> Console:
    """Where results go."""
    return Console(highlight=False)


def err() -> Console:
    """Where progress, warnings and errors go, so that piping results stays clean."""
    return Console(stderr=True, highlight=False)


def json_option(function: F) -> F:
    """`--json`: the result as one JSON document on standard output, nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for scripts.")(
        function
    )


def print_json(document: Mapping[str, Any] | list[Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, default=str, ensure_ascii=False))


def fail(error: OperatorError, *, as_json: bool) -> None:
    """Say what went wrong, for a person or for a script."""
    if as_json:
        print_json({"error": {"type": type(error).__name__, "message": str(error)}})
        return
    err().print(f"[bold red]error[/] {_escaped(str(error))}", soft_wrap=True)


def wants_json(arguments: list[str]) -> bool:
    """Whether the command line asks for JSON; known before click has parsed it."""
    return "--json" in arguments


def _escaped(text: str) -> str:
    return text.replace("[", "\\[")


def is_terminal() -> bool:
    """Whether a person watches standard error."""
    return sys.stderr.isatty()
