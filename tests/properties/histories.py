"""Histories that hypothesis thinks up: small, and crowded where answers go wrong.

Times crowd at midnight there and in UTC and at quarter hours, days at changes of the clock; users come back,
events come late, twice, changed, and from bots. A history is a plain value: it prints as what it is, and the
same value can be loaded again.
"""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from properties.oracle import DAY, Event, days

# Of half and quarter hours, of changes by half an hour and by two, at midnight, at the day line, and of the
# extreme offsets; Almaty had its clocks changed at the end of a 29th of February.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "Pacific/Chatham",
    "Australia/Eucla",
    "Asia/Kolkata",
    "Africa/Cairo",
    "America/Santiago",
    "America/Havana",
    "Atlantic/Azores",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Asia/Almaty",
    "Asia/Beirut",
    "America/Nuuk",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
)
FIRST_TODAY, LAST_TODAY = date(2024, 2, 1), date(2027, 12, 31)

# Raw events leave after 30 days, whole days of UTC at a time; what is about to leave may be there or not.
RAW_KEPT_DAYS = 30
LEAVING_DAYS = range(28, 33)
# Nothing a history holds is about to leave the aggregates.
OLDEST_DAYS = 150
# The collector takes what is so far ahead.
AHEAD_MAX = timedelta(minutes=5)

AGO = (0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8)
SIZES = (8, 16, 24, 32, 12, 20, 4, 2, 1, 0)
USERS = ("a", "b", "B", "c", "10", "9", "ü", "日本", "it's", 'x"y\\', "a b", "😀")
TYPES = ("click", "page_view", "a", "a.b", "purchase")
VALUES = (0.0, 1.0, -2.5, 0.25, 1e9)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
QUARTER = timedelta(minutes=15)

# As clients send them: numbers written in many ways, text that reads as a number, spaces, escapes, keys with
# dots, and what looks like a member only inside of text or deeper down.
USUAL = ('{"n":5}', '{"n":5,"c":"DE"}', '{"c":"DE","n":12}', '{"n":-1}')
PROPERTIES = (
    "{}",
    '{"n":5}',
    '{"n":5.0}',
    '{"n" : 5e0 }',
    '{"n":"5"}',
    '{"n":"5.0"}',
    '{"n":-1}',
    '{"n":0.1}',
    '{"n":"abc"}',
    '{"n":{"n":5}}',
    '{"n":[5]}',
    '{"m":5}',
    '{"x":{"n":5},"c":"n"}',
    '{"text":"{\\"n\\":5}"}',
    '{"n":5,"c":"DE"}',
    '{"c":"DE"}',
    '{"c":"de"}',
    '{"c":"\\u00e9"}',
    '{"c":"é"}',
    '{"c":""}',
    '{"c":"D E"}',
    '{"c":"a=b"}',
    '{"c.d":"DE"}',
    '{"c":{"d":"DE"}}',
    '{"c-d":"DE","n":12}',
    '{"n":true,"c":"true"}',
    '{"n":false}',
    '{"n":null,"c":null}',
    '{"n":-0.0}',
    '{"n":9007199254740993}',
    '{"n":9007199254740992.0}',
    '{"n":18446744073709551615}',
    '{"n":5,"n":6}',
    '{"\\u006e":5}',
    '{"c":"\\ud83d\\ude00"}',
    '{"c":"it\'s","n":-1e-3}',
)


@dataclass(frozen=True)
class Sent:
    """One event on its way; `number` is its identity, and of equal ones the first that comes counts."""

    number: int
    event: Event


@dataclass(frozen=True)
class History:
    """What came, as the log holds it, delivery by delivery; then `now`, when somebody asks.

    A delivery at a place named in `redone` is stored, and redone as after a crash.
    """

    now: datetime
    deliveries: tuple[tuple[Sent, ...], ...]
    redone: frozenset[int] = frozenset()

    def events(self) -> list[Event]:
        """What counts: each event once, as it came first."""
        first: dict[int, Event] = {}
        for delivery in self.deliveries:
            for sent in delivery:
                first.setdefault(sent.number, sent.event)
        return list(first.values())

    def forgotten(self, day: date) -> bool:
        """Whether the raw events of this day of UTC have left by now."""
        return self.now.astimezone(UTC).date() - day > (RAW_KEPT_DAYS + 1) * DAY

    def in_raw(self) -> list[Event]:
        """What counts and has not left the raw events."""
        return [event for event in self.events() if not self.forgotten(event.at.date())]


@cache
def changes(tz: str) -> list[date]:
    """The days around which the clocks there are changed."""
    zone = ZoneInfo(tz)

    def offset(day: date) -> timedelta | None:
        return datetime(day.year, day.month, day.day, 12, tzinfo=zone).utcoffset()

    return [day for day in days(FIRST_TODAY, LAST_TODAY) if offset(day) != offset(day - DAY)]


def midnight(day: date, tz: str) -> datetime:
    """A time near which that day begins there; where exactly is for others to know."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(tz)).astimezone(UTC)


@st.composite
def todays(draw: st.DrawFn, tz: str) -> date:
    """A day to ask on: days after the clocks were changed there, or any."""
    if changes(tz) and draw(st.booleans()):
        return draw(st.sampled_from(changes(tz))) + draw(st.integers(-1, 16)) * DAY
    return FIRST_TODAY + draw(st.integers(0, (LAST_TODAY - FIRST_TODAY).days)) * DAY


@st.composite
def moments(draw: st.DrawFn, day: date, tz: str) -> datetime:
    """A time of about that day: at an edge, a thousandth before, or anywhere."""
    edge = midnight(day, draw(st.sampled_from((tz, tz, "UTC"))))
    around = draw(st.sampled_from(("at", "before", "quarter", "before quarter", "anywhere")))
    if around == "at":
        return edge
    if around == "before":
        return edge - MILLISECOND
    if around == "anywhere":
        return edge + draw(st.integers(0, 86_399_999)) * MILLISECOND
    quarter = edge + draw(st.integers(0, 95)) * QUARTER
    return quarter - MILLISECOND if around == "before quarter" else quarter


@st.composite
def events(draw: st.DrawFn, *, now: datetime, today: date, tz: str) -> Event:
    """One event that the collector would have taken some time."""
    ago = draw(st.sampled_from(AGO)) if draw(st.integers(0, 4)) else draw(st.integers(0, 40))
    if ago in LEAVING_DAYS:
        ago += OLDEST_DAYS // 2
    at = min(draw(moments(today - ago * DAY, tz)), now + AHEAD_MAX)
    return Event(
        at=at,
        # Few, so that they come back.
        user=draw(st.sampled_from(USERS[:3] if draw(st.integers(0, 2)) else USERS)),
        type=draw(st.sampled_from(TYPES)),
        properties=draw(st.sampled_from(USUAL if draw(st.booleans()) else PROPERTIES)),
        value=draw(st.sampled_from(VALUES)),
        bot=draw(st.integers(0, 7)) == 7,
    )


@st.composite
def histories(draw: st.DrawFn, tz: str) -> History:
    """Some tens of events at most, and when somebody in `tz` asks about them."""
    today = draw(todays(tz))
    now = draw(moments(today, tz))
    count = draw(st.sampled_from(SIZES))
    made = [draw(events(now=now, today=today, tz=tz)) for _ in range(count)]
    sent = [Sent(number, event) for number, event in enumerate(made)]
    for again in draw(st.lists(st.sampled_from(sent), max_size=4)) if sent else []:
        changed = draw(st.booleans())
        other = draw(events(now=now, today=today, tz=tz)) if changed else again.event
        sent.append(Sent(again.number, other))
    deliveries = _cut(sent, draw(st.lists(st.integers(0, len(sent)), max_size=2)))
    redone = draw(st.sets(st.integers(0, len(deliveries) - 1))) if draw(st.integers(0, 7)) == 7 else set()
    return History(now, deliveries, frozenset(redone))


def _cut(sent: list[Sent], places: list[int]) -> tuple[tuple[Sent, ...], ...]:
    bounds = [0, *sorted(places), len(sent)]
    return tuple(tuple(sent[first:end]) for first, end in itertools.pairwise(bounds))
