"""What every stats call can be asked: the scope (zone, segments, bots, exact) and a range of days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from clickhouse.scope import Scope
from clickhouse.segments import SEGMENT_CHARS_MAX, SEGMENTS_MAX, Segment, SegmentError, parse
from clickhouse.warehouse import DAILY_ROWS_MAX
from ugc_api import parameters
from ugc_api.parameters import Bounds
from ugc_api.problems import Problem, ProblemCode
from ugc_api.stats import zones

RANGE_DAYS_MAX: Final = 366
TOP_EVENTS: Final = Bounds(1, 1_000, 10, "the rarest types are reached by a segment, event_type:NAME")
PAGE: Final = Bounds(1, 1_000, 100, "ask for the rest page by page, with the answer's next_cursor as cursor")
WINDOWS: Final = Bounds(1, 30, 3, "period=week reaches further, and a later start_date further still")
DAYS_BACK: Final = Bounds(1, 30, 7, "/stats/retention reaches further")

LIMITS: Final = {
    "days from `from` to `to`": f"{RANGE_DAYS_MAX}",
    "`limit` of top-events": f"{TOP_EVENTS.least} to {TOP_EVENTS.most:,}, {TOP_EVENTS.default} when not sent",
    "`limit` of returning": f"{PAGE.least} to {PAGE.most:,}, {PAGE.default} when not sent",
    "`windows` of retention": f"{WINDOWS.least} to {WINDOWS.most}, {WINDOWS.default} when not sent",
    "`days` of returning": f"{DAYS_BACK.least} to {DAYS_BACK.most}, {DAYS_BACK.default} when not sent",
    "rows of daily": f"{DAILY_ROWS_MAX:,}",
    "`segment`": f"{SEGMENTS_MAX} of {SEGMENT_CHARS_MAX} characters",
}

SCOPE_PARAMETERS: Final = ("tz", "exact", "bots")
SEGMENT: Final = "segment"
EXACT: Final = {"true": True, "false": False}
BOTS: Final = {"exclude": False, "include": True}
RANGE_LIKE: Final = "?from=2026-01-01&to=2026-01-31 (both days included)"
DAY_LIKE: Final = "?date=2026-01-31"
START_LIKE: Final = "?start_date=2026-01-01"


def scope_of(sent: Mapping[str, str], segments: Sequence[str]) -> Scope:
    """From `tz`, `exact`, `bots` and every `segment`. Raises Problem on the first that is not right."""
    return Scope(
        tz=zones.zone(sent.get("tz", "UTC")),
        segments=_segments(segments),
        bots=BOTS[parameters.choice(sent, "bots", BOTS, default="exclude")],
        exact=EXACT[parameters.choice(sent, "exact", EXACT, default="false")],
    )


def scope_as_understood(scope: Scope) -> dict[str, Any]:
    """The scope as the answer says it back."""
    return {
        "tz": scope.tz,
        "segment": [str(segment) for segment in scope.segments],
        "bots": "include" if scope.bots else "exclude",
        "exact": scope.exact,
    }


@dataclass(frozen=True, slots=True)
class Range:
    """Whole days, both ends included."""

    first: date
    last: date

    @classmethod
    def of(cls, sent: Mapping[str, str]) -> "Range":
        """From `from` and `to`. Raises Problem when they are missing, turned round or too far apart."""
        asked = cls(
            parameters.day(sent, "from", like=RANGE_LIKE), parameters.day(sent, "to", like=RANGE_LIKE)
        )
        if asked.first > asked.last:
            raise parameters.invalid(
                "from", f"({asked.first}) is after 'to' ({asked.last}); put the earlier day first"
            )
        days = (asked.last - asked.first).days + 1
        if days > RANGE_DAYS_MAX:
            raise Problem(
                ProblemCode.RANGE_TOO_LONG,
                f"'from' to 'to' has {days:,} days; {RANGE_DAYS_MAX} is the most: ask in several parts.",
                parameter="to",
                limit_days=RANGE_DAYS_MAX,
            )
        return asked

    def as_understood(self) -> dict[str, str]:
        return {"from": self.first.isoformat(), "to": self.last.isoformat()}


def _segments(texts: Sequence[str]) -> tuple[Segment, ...]:
    if len(texts) > SEGMENTS_MAX:
        raise Problem(
            ProblemCode.TOO_MANY_SEGMENTS,
            f"'segment' is given {len(texts)} times; {SEGMENTS_MAX} is the most: leave some out, or put "
            "values of one key into one segment, properties.KEY in A,B,C.",
            parameter=SEGMENT,
            limit_segments=SEGMENTS_MAX,
        )
    return tuple(_segment(number, text) for number, text in enumerate(texts, start=1))


def _segment(number: int, text: str) -> Segment:
    try:
        return parse(text)
    except SegmentError as error:
        at = error.place - 1
        seen = f"before {parameters.shown(text[at : at + 20])}" if text[at:] else "at its end"
        raise Problem(
            ProblemCode.INVALID_SEGMENT,
            f"'segment' {number}, character {error.place}, {seen}: {error.message}.",
            parameter=SEGMENT,
            segment=number,
            place=error.place,
        ) from None
