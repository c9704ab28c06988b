"""How the command line speaks: rich for a person, JSON for a script, errors in one line on standard error.

Whatever comes from outside (a value, a file, a server) goes through `rich.markup.escape` on its way here.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from telemetry.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Any])


def out() -> "Console":
    """Where results go."""
    from rich.console import Console  # noqa: PLC0415 - help is instant

    # A name between colons is a name, and no picture.
    return Console(highlight=False, emoji=False)


def err() -> "Console":
    """Where progress, warnings and errors go, so that piping results stays clean."""
    from rich.console import Console  # noqa: PLC0415 - as above

    return Console(stderr=True, highlight=False, emoji=False)


def json_option(function: F) -> F:
    """`--json`: the result as one JSON document on standard output, nothing else there."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, for scripts.")(
        function
    )


def print_json(document: Mapping[str, Any] | list[Any]) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(document, default=str, ensure_ascii=False))


def fail(error: OperatorError | click.ClickException, *, as_json: bool) -> None:
    """Say what went wrong, for a person or for a script."""
    if as_json:
        print_json(error_document(error))
    elif isinstance(error, click.ClickException):
        error.show()
    else:
        complain(str(error))


def error_document(error: OperatorError | click.ClickException) -> dict[str, Any]:
    """What a script gets to read instead of a result."""
    message = error.format_message() if isinstance(error, click.ClickException) else str(error)
    return {"error": {"type": type(error).__name__, "message": message}}


def complain(message: str) -> None:
    """One line on standard error."""
    from rich.markup import escape  # noqa: PLC0415 - as above

    err().print(f"[bold red]error[/] {escape(message)}", soft_wrap=True)


def plain(text: str, *, keep: str = "") -> str:
    """`text` with everything that a terminal would obey written as an escape, but for what is in `keep`."""
    return "".join(
        each
        if each.isprintable() or each in keep
        else each.encode("unicode_escape", "surrogatepass").decode()
        for each in text
    )


def wants_json(arguments: list[str]) -> bool:
    """Whether the command line asks for JSON; known before click has parsed it."""
    return "--json" in arguments


def is_terminal() -> bool:
    """Whether a person watches standard error."""
    return sys.stderr.isatty()
