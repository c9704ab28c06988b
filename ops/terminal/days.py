"""A day on the command line."""

from datetime import date

import click

DAY = "YYYY-MM-DD"


def parsed_day(text: str) -> date:
    """Raises click.BadParameter for what is none."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # Python takes 20261120 and 2026-W47-5 too: one day, one name.
    if day is None or day.isoformat() != text:
        raise click.BadParameter(f"{text!r} is no day; write {DAY}", param_hint="'--day'")
    return day
