"""How letters are named on the command line: by id, or by what they have in common."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import click

from etl.dead_reasons import REASONS
from etl.letters import LetterId, id_of
from ops.dlq.index import Wanted
from telemetry.clock import Clock

F = TypeVar("F", bound=Callable[..., Any])

_AGO: Final = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True, slots=True)
class Filters:
    """The options that every verb but `show` takes."""

    reasons: tuple[str, ...]
    partition: int | None
    since: str | None

    def any(self) -> bool:
        """Whether one was given."""
        return bool(self.reasons) or self.partition is not None or self.since is not None

    def wanted(self, ids: Sequence[str] = (), *, settled: bool = False, clock: Clock) -> Wanted:
        """What they ask for. Raises click.BadParameter for an id or a time that is none."""
        return Wanted(
            origins={parsed_id(each) for each in ids} if ids else None,
            reasons=self.reasons or None,
            partition=self.partition,
            since=None if self.since is None else parsed_time(self.since, now=clock.now()),
            settled=settled,
        )


def filters(function: F) -> F:
    """`--reason`, `--partition` and `--since`."""
    for option in (
        click.option("--since", metavar="TIME", help="First seen since then: 2h, 7d, 2026-11-21, or a time."),
        click.option("--partition", type=click.IntRange(0), help="Of records of this partition of events."),
        click.option(
            "--reason",
            "reasons",
            multiple=True,
            metavar="REASON",
            help=f"That died of this; may be repeated. One of: {', '.join(REASONS)}.",
        ),
    ):
        function = option(function)
    return function


def parsed_id(text: str) -> LetterId:
    """The letter's id. Raises click.BadParameter for what is none."""
    origin = id_of(text.encode("utf-8", "replace"))
    if origin is None:
        raise click.BadParameter(
            f"{text!r} is no letter's id, which is TOPIC_ID:PARTITION:OFFSET; `ugc dlq list` shows them",
            param_hint="'ID'",
        )
    return origin


def parsed_time(text: str, *, now: datetime) -> datetime:
    """A time, or how long ago. Raises click.BadParameter for what is neither."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago["unit"]]: int(ago["count"])})
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time: 90s, 15m, 2h, 7d, 2026-11-21 or 2026-11-21T12:00:00Z",
            param_hint="'--since'",
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
