"""`ugc settings`: every setting, its value here, and what it is for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import click
from pydantic import SecretStr
from rich.markup import escape
from rich.table import Table

from ops.config.known import models, unknown
from ops.terminal import console
from telemetry.settings import PREFIX, SettingsError, survey

MASK = "••••••"


@dataclass(frozen=True, slots=True)
class _Setting:
    """One of them; a value of None is one that could not be read."""

    process: str
    name: str
    value: Any
    meaning: str


@click.command()
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of masking them.")
@console.json_option
def settings(show_secrets: bool, as_json: bool) -> int:
    """Print every setting with its value; secrets are masked unless asked for.

    A bad value or an unknown name is said first, hides nothing else, and makes the exit code 1.
    """
    bad = list(unknown())
    found = list(_all(bad))
    if as_json:
        values = {each.name: _shown(each.value, show_secrets) for each in found}
        problem = console.error_document(SettingsError("; ".join(bad))) if bad else {}
        console.print_json({**problem, **values})
    else:
        for line in bad:
            console.complain(line)
        console.out().print(_table(found, show_secrets))
    return 1 if bad else 0


def _all(bad: list[str]) -> Iterator[_Setting]:
    """A shared setting once, under the first model that has it; adds to `bad` what is wrong."""
    seen: set[str] = set()
    for process, model in models().items():
        values, wrong = survey(model)
        bad += [line for line in wrong if line not in bad]
        for field, info in model.model_fields.items():
            if field not in seen:
                seen.add(field)
                yield _Setting(process, PREFIX + field.upper(), values.get(field), info.description or "")


def _table(found: list[_Setting], show_secrets: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("read by", overflow="fold")
    # Whole on any terminal: a name cut in two cannot be copied.
    table.add_column("setting", no_wrap=True, min_width=max(len(each.name) for each in found))
    table.add_column("value", overflow="fold")
    table.add_column("meaning", overflow="fold")
    last = ""
    for each in found:
        process = each.process if each.process != last else ""
        value = _text(_shown(each.value, show_secrets))
        table.add_row(f"[dim]{escape(process)}[/]", escape(each.name), value, escape(each.meaning))
        last = each.process
    return table


def _shown(value: Any, show_secrets: bool) -> Any:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return secret if show_secrets or not secret else MASK
    if isinstance(value, str):
        return value if show_secrets else _masked(value)
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _masked(value: str) -> str:
    """An address keeps everything but its password."""
    userinfo, at, place = value.rpartition("@")
    if not at or "://" not in userinfo:
        return value
    parts = urlsplit(value)
    if parts.password is None:
        return value
    return urlunsplit(parts._replace(netloc=f"{parts.username}:{MASK}@{place.partition('/')[0]}"))


def _text(value: Any) -> str:
    if value is None:
        return "[red](bad)[/]"
    return "[dim](empty)[/]" if value == "" else escape(str(value))
