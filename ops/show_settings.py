"""`ugc settings`: every setting, its value here, and what it is for."""

from collections.abc import Iterator
from typing import Any

import click
from pydantic import SecretStr
from rich.table import Table

from ops import console
from ops.known_settings import MODELS
from telemetry.settings import PREFIX, Settings, load

MASK = "••••••"


@click.command()
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of masking them.")
@console.json_option
def settings(show_secrets: bool, as_json: bool) -> None:
    """Print every setting with its value; secrets are masked unless asked for."""
    if as_json:
        values = {name: _shown(value, show_secrets) for _, name, value, _ in _all()}
        console.print_json(values)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("read by", "setting", "value", "meaning"):
        table.add_column(title, overflow="fold")
    last = ""
    for process, name, value, meaning in _all():
        table.add_row(
            f"[dim]{process if process != last else ''}[/]", name, _text(_shown(value, show_secrets)), meaning
        )
        last = process
    console.out().print(table)


def _all() -> Iterator[tuple[str, str, Any, str]]:
    """(process, UGC_ name, value, meaning); a shared setting once, under the first model that has it."""
    seen: set[str] = set()
    for process, model in MODELS.items():
        loaded: Settings = load(model)
        for field, info in model.model_fields.items():
            if field not in seen:
                seen.add(field)
                yield process, PREFIX + field.upper(), getattr(loaded, field), info.description or ""


def _shown(value: Any, show_secrets: bool) -> Any:
    if isinstance(value, SecretStr):
        secret = value.get_secret_value()
        return secret if show_secrets or not secret else MASK
    return value if isinstance(value, bool | int | float | str) else str(value)


def _text(value: Any) -> str:
    return "[dim](empty)[/]" if value == "" else str(value).replace("[", "\\[")
