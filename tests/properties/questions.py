"""The questions asked of a history, one of each kind, mostly about the very days and things it tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date
from random import Random

from properties.conditions import Condition, own_conditions
from properties.histories import TYPES, ZONES, History, some_history, with_keys
from properties.oracle import DAY, PERIOD_DAYS, Event, Oracle

# So many are compared whenever the tests run: those of the numbers below.
HISTORIES = 500
RETURNING_DAYS_MAX = 30
WINDOWS_MAX = 30
# Raw events are gone after so many days, and with them all that a segment could be asked about.
RECENT_DAYS = 27
AGO = (8, 7, 6, 5, 4, 3, 9, 10, 2, 1, 0, -1)


@dataclass(frozen=True)
class Asked:
    """Who asks: where, of what, how."""

    tz: str
    segments: tuple[Condition, ...] = ()
    bots: bool = False
    exact: bool = False


@dataclass(frozen=True)
class Questions:
    """One of each kind."""

    first: date
    last: date
    limit: int
    start: date
    windows: int
    period: str
    day: date
    days: int
    page: int


@dataclass(frozen=True)
class Case:
    """A history and what is asked of it."""

    history: History
    asked: Asked
    questions: Questions

    def oracle(self, *, raw: bool = False) -> Oracle:
        """Who knows the answers. A segment looks at properties, which only the raw events have.

        `raw`: of a question that looks at raw events in any case.
        """
        events = self.history.in_raw() if raw or self.asked.segments else self.history.events()
        return Oracle(
            events,
            now=self.history.now,
            tz=self.asked.tz,
            bots=self.asked.bots,
            segments=self.asked.segments,
        )

    def span(self) -> tuple[date, date]:
        """The days of UTC outside of which nothing that happens can change an answer."""
        asked = self.questions
        today = self.history.now.astimezone(UTC).date()
        happened = [sent.event.at.date() for delivery in self.history.deliveries for sent in delivery]
        ends = asked.start + (2 * asked.windows + 1) * PERIOD_DAYS[asked.period] * DAY
        first = min(asked.first, asked.start, asked.day - asked.days * DAY, today, *happened)
        last = max(asked.last + 7 * DAY, min(ends, today + 7 * DAY), asked.day, today, *happened)
        # Days there begin and end on the days of UTC beside them.
        return first - 2 * DAY, last + 2 * DAY


USUAL = ("5", "DE", "12", "-1")
VALUES = (
    "5",
    "5.0",
    "5e0",
    "-1",
    "0.1",
    "abc",
    "DE",
    "é",
    "D E",
    "a=b",
    "12",
    "6",
    "true",
    "null",
    "0",
    "9007199254740993",
    "9007199254740992",
    "18446744073709551615",
    "😀",
    "it's",
    "-0.001",
)
NUMBERS = ("-0", "9007199254740992.5", "18446744073709551614", "5", "4.99", "-1", "0", "1e1", "0.1")
# Of half of the histories, the keys that have columns of their own, in place of those that are drawn.
IN_COLUMNS: tuple[Mapping[str, str], ...] = (
    {},
    {"n": "dwell_ms", "c": "country"},
    {},
    {"n": "film_id", "c": "dwell_ms"},
)
KEYS = ("n", "c", "c.d", "c-d", "text", "nothing")


def condition(rng: Random, events: Sequence[Event]) -> Condition:
    """A segment that is true of some event, or may be true of nothing."""
    if events and rng.random() < 0.9:
        event = rng.choice(events)
        return rng.choice(own_conditions(event.type, event.properties))
    operator = rng.choice(("!=", "=", "type", "<", ">", "in"))
    key = rng.choice(KEYS[:2] if rng.random() < 0.5 else KEYS)
    values = NUMBERS if operator in "<>" else USUAL if rng.random() < 0.5 else VALUES
    if operator == "type":
        return Condition(operator, "", (rng.choice(TYPES),))
    count = rng.randint(1, 3) if operator == "in" else 1
    return Condition(operator, key, tuple(rng.choices(values, k=count)))


def asker(rng: Random, tz: str, events: Sequence[Event]) -> Asked:
    """Half of them look at a segment, most of those at one that some of the events fit."""
    count = rng.choice((0, 1, 0, 1, 1, 0, 0, 2))
    of_bots = bool(events) and all(event.bot for event in events)
    return Asked(
        tz=tz,
        segments=tuple(condition(rng, events) for _ in range(count)),
        bots=rng.random() < (3 / 4 if of_bots else 1 / 3),
        exact=rng.random() < 1 / 2,
    )


def day_near(rng: Random, today: date, there: Sequence[date], shifts: Sequence[int]) -> date:
    """Mostly a day on which something happened, or one beside it."""
    if there and rng.random() < 7 / 8:
        return rng.choice(there) + rng.choice(shifts) * DAY
    return today - rng.choice(AGO) * DAY


def questions_about(rng: Random, today: date, there: Sequence[date]) -> Questions:
    """`there`: the days on which something happened. Now and then far more days are asked about."""
    first = day_near(rng, today, there, (0, 0, -1, 1, -2, -7))
    last = max(first, day_near(rng, today, there, (0, 0, -1, 1, -7)))
    if there and rng.random() < 1 / 4:
        # What came after the first of them decides about it, and is not asked for.
        last = min(there)
        first = last - rng.choice((0, 1, 7)) * DAY
    elif rng.random() < 1 / 8:
        ago = rng.randint(13, 190)
        first = today - ago * DAY
        last = first + rng.choice((9, 3, 0, ago)) * DAY
    before, day = sorted(day_near(rng, today, there, (0, 0, 0, 1)) for _ in range(2))
    days = (day - before).days + rng.choice((0, 0, -1))
    start, windows = triangle(rng, today, there)
    return Questions(
        first=first,
        last=last,
        limit=rng.randint(1, len(TYPES)),
        start=start,
        windows=windows,
        period=rng.choice(("day", "day", "week")),
        day=day,
        days=days if 1 <= days <= RETURNING_DAYS_MAX else rng.choice((7, 1, 2, 6, 8, RETURNING_DAYS_MAX)),
        page=rng.choice((1, 1, 2, 2, 3, 100)),
    )


def triangle(rng: Random, today: date, there: Sequence[date]) -> tuple[date, int]:
    """Where cohorts begin, and how many windows there are.

    Sometimes the last cohort comes on one of the days, and its last window is another.
    """
    if there and rng.random() < 1 / 3:
        first, last = sorted((rng.choice(there), rng.choice(there)))
        if 1 <= (last - first).days <= WINDOWS_MAX:
            return first - (last - first), (last - first).days
    windows = rng.randint(1, 8) if rng.random() < 0.9 else WINDOWS_MAX
    return day_near(rng, today, there, (0, 0, 1, -1, -7)), windows


def case(number: int) -> Case:
    """The case of that number; the same whenever it is asked for.

    Now and then somebody asks in another zone than the one whose midnights the history crowds at.
    """
    rng = Random(number)
    # Who says nothing is answered in UTC.
    tz = "UTC" if rng.random() < 1 / 6 else rng.choice(ZONES)
    names = IN_COLUMNS[number % len(IN_COLUMNS)]
    history = with_keys(some_history(rng, tz), names)
    events = history.events()
    recent = [event for event in events if history.now - event.at <= RECENT_DAYS * DAY]
    if recent and rng.random() < 7 / 8:
        events = recent
    if events and rng.random() < 2 / 3:
        # About what one of them did.
        user = rng.choice(sorted({event.user for event in events}))
        events = [event for event in events if event.user == user]
    asked = asker(rng, tz if rng.random() < 7 / 8 else rng.choice(ZONES), events)
    segments = tuple(replace(each, key=names.get(each.key, each.key)) for each in asked.segments)
    clock = Oracle([], now=history.now, tz=asked.tz)
    there = sorted({clock.day_of(event.at) for event in events})
    return Case(history, replace(asked, segments=segments), questions_about(rng, clock.today, there))
