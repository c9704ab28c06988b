"""A day on the command line."""

from datetime import date

import click

DAY = "YYYY-MM-DD"


def parsed_day(text: str) -> date:
    """Raises click.BadParameter for what is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day; write {DAY}", param_hint="'--day'") from None
