"""REFERENCE.md, rendered from the declarations themselves: `python -m ops.reference --write`.

Settings, codes, limits, metrics and questions are each declared once as data; a test fails when the page says
something else than they do.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr

from clickhouse import catalog
from contract.limits import NAMED
from contract.refusals import MEANINGS
from etl.dead_reasons import REASONS
from ops.cli import COMMANDS, cli
from ops.config.known import models
from telemetry.metrics import METRICS
from telemetry.settings import PREFIX
from ugc_api.problems import KINDS
from ugc_api.stats.asked import LIMITS

PATH = Path(__file__).parents[1] / "REFERENCE.md"
COMMAND = "python -m ops.reference --write"


def rendered() -> str:
    """The whole page."""
    parts = [
        (
            "# Reference\n\nRendered from the code; the tests keep it true. To render it again: "
            f"`.venv/bin/{COMMAND}`."
        ),
        _section(
            "Commands",
            "Each has `--help`; those that answer have `--json`.",
            ("command", "what"),
            _commands(),
        ),
        _section(
            "Settings",
            "From the environment, then `.env`, then `<data_dir>/local.env`, then the default.",
            ("setting", "default", "read by", "meaning"),
            _settings(),
        ),
        _section(
            "Why an event is refused",
            "`code` of a result with status `rejected`.",
            ("code", "meaning"),
            ((f"`{code}`", meaning) for code, meaning in MEANINGS.items()),
        ),
        _section(
            "Why a request is refused",
            "`code` of a problem document (RFC 9457).",
            ("status", "code", "title", "what to do"),
            ((str(kind.status), f"`{code}`", kind.title, kind.what_to_do) for code, kind in KINDS.items()),
        ),
        _section(
            "Why a message is dead",
            "`reason` of a letter in `events.dead`; `ugc dlq` looks after them.",
            ("reason", "meaning", "what to do"),
            ((f"`{name}`", reason.meaning, reason.what_to_do) for name, reason in REASONS.items()),
        ),
        *_limits(),
        _section(
            "Metrics",
            "`GET /metrics` of the API, and of the ETL on `UGC_ETL_METRICS_PORT`.",
            ("metric", "kind", "labels", "meaning"),
            ((f"`{name}`", m.kind, ", ".join(m.labels), m.meaning) for name, m in METRICS.items()),
        ),
        _section(
            "Questions",
            "`clickhouse/queries/`, one file each.",
            ("query", "question", "asked by", "cost"),
            ((f"`{q.name}`", q.question, q.asks, q.cost) for q in map(catalog.query, catalog.names())),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _limits() -> list[str]:
    return [
        _section(
            "Limits of an event",
            "Named in `contract/limits.py`, the unit in the name.",
            ("limit", "value"),
            (
                (f"`{name}`", f"{bound:,}" if isinstance(bound, int) else str(bound))
                for name, bound in NAMED.items()
            ),
        ),
        _section(
            "Limits of a question",
            "Of `GET /stats/…`; beyond them 422, which names the limit.",
            ("what", "limit"),
            LIMITS.items(),
        ),
    ]


def _section(title: str, about: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"## {title}", "", about, "", _row(columns), _row(["---"] * len(columns))]
    return "\n".join([*lines, *(_row(row) for row in rows)])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _commands() -> Iterable[Sequence[str]]:
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        if command is not None:
            yield f"`ugc {name}`", _first_line(command)
        if isinstance(command, click.Group):
            for verb, one in command.commands.items():
                yield f"`ugc {name} {verb}`", _first_line(one)


def _first_line(command: click.Command) -> str:
    return (command.help or "").splitlines()[0]


def _settings() -> Iterable[Sequence[str]]:
    seen: set[str] = set()
    for process, model in models().items():
        for field, info in model.model_fields.items():
            if field not in seen:
                seen.add(field)
                yield f"`{PREFIX}{field.upper()}`", _default(info.default), process, info.description or ""


def _default(value: Any) -> str:
    if isinstance(value, SecretStr) or value == "":
        return ""
    return f"`{value}`"


def main() -> int:
    """Print the page, or write it."""
    if sys.argv[1:] == ["--write"]:
        PATH.write_text(rendered(), encoding="utf-8")
    else:
        sys.stdout.write(rendered())
    return 0


if __name__ == "__main__":
    sys.exit(main())
