"""Histories by chance: small, and crowded where answers go wrong.

Times crowd at midnight there and in UTC and at quarter hours, days at changes of the clock; users come back,
events come late, twice, changed, and from bots. To what is drawn event by event, a `story` adds what single
draws seldom meet. A history is a plain value: it prints as what it is, and can be loaded again.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

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
# Years apart, so that many of them find room beside each other.
FIRST_TODAY, LAST_TODAY = date(2024, 2, 1), date(2037, 12, 31)

# Raw events leave after 30 days, whole days of UTC at a time; what is about to leave may be there or not.
RAW_KEPT_DAYS = 30
LEAVING_DAYS = range(28, 33)
# Nothing a history holds is about to leave the aggregates.
OLDEST_DAYS = 150
# The collector takes what is so far ahead.
AHEAD_MAX = timedelta(minutes=5)

AGO = (0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8)
SIZES = (8, 16, 4, 12, 2, 24, 0, 1)
# So many days until a user comes again: what a week is, and next to it.
GAPS = (7, 1, 7, 8, 6, 7, 2, 8)
USERS = ("a", "b", "B", "c", "10", "9", "ü", "日本", "it's", 'x"y\\', "a b", "😀")
TYPES = ("click", "page_view", "a", "a.b", "purchase")
VALUES = (0.0, 1.0, -2.5, 0.25, 1e9)
SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
# Within a second an instant is on either side of what is rounded to seconds.
INSIDE_A_SECOND = (1, 1, 500, 999)
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


def some_today(rng: Random, tz: str) -> date:
    """A day to ask on: days after the clocks were changed there, or any."""
    if changes(tz) and rng.random() < 0.5:
        return rng.choice(changes(tz)) + rng.randint(-1, 16) * DAY
    return FIRST_TODAY + rng.randint(0, (LAST_TODAY - FIRST_TODAY).days) * DAY


@dataclass(frozen=True)
class Setting:
    """When and where a history is told: the time that is now, its day, and the zone of its midnights."""

    now: datetime
    today: date
    tz: str


def moment(rng: Random, day: date, tz: str) -> datetime:
    """A time of about that day: at an edge, less than a second beside one, or anywhere."""
    edge = midnight(day, rng.choice((tz, tz, "UTC")))
    around = rng.choice(("at", "before", "quarter", "before quarter", "anywhere"))
    if around == "at":
        return edge
    if around == "before":
        return edge - rng.choice(INSIDE_A_SECOND) * MILLISECOND
    if around == "anywhere":
        return edge + rng.randint(0, 86_399_999) * MILLISECOND
    quarter = edge + rng.randint(0, 95) * QUARTER
    return quarter - MILLISECOND if around == "before quarter" else quarter


def visit(rng: Random, day: date, tz: str) -> datetime:
    """A time of just that day there: its first instant, its last ones, or in between."""
    at = rng.choice(("first", "last", "first", "last", "after", "anywhere"))
    inside = rng.choice(INSIDE_A_SECOND) * MILLISECOND
    if at == "last":
        return midnight(day + DAY, tz) - inside
    if at == "anywhere":
        return midnight(day, tz) + rng.randint(0, 70_000) * SECOND
    return midnight(day, tz) + (inside if at == "after" else 0 * MILLISECOND)


def deed(rng: Random, user: str, at: datetime) -> Event:
    """That user does something then, whatever it is."""
    return Event(
        at=at,
        user=user,
        type=rng.choice(TYPES),
        properties=rng.choice(USUAL if rng.random() < 0.5 else PROPERTIES),
        value=rng.choice(VALUES),
        bot=rng.random() < 1 / 8,
    )


def single(rng: Random, setting: Setting) -> Event:
    """One event that the collector would have taken some time."""
    ago = rng.choice(AGO) if rng.random() < 0.8 else rng.randint(0, 40)
    if ago in LEAVING_DAYS:
        ago += OLDEST_DAYS // 2
    at = min(moment(rng, setting.today - ago * DAY, setting.tz), setting.now + AHEAD_MAX)
    # Few, so that they come back.
    return deed(rng, rng.choice(USERS[:3] if rng.random() < 2 / 3 else USERS), at)


def story(rng: Random, setting: Setting) -> list[Event]:
    """A user who comes once, or on a day and so many days later again, and seldom at any other time.

    It is the same both times, or first something else: whoever is new to a segment has been there before.
    Sometimes several do the same, so that a list of those who came back has pages.
    """
    ago, gap = rng.choice(AGO), rng.choice(GAPS)
    kind = rng.choice(("once", "again", "again", "other", "crowd", "crowd"))
    found: list[Event] = []
    # Of somebody who is nothing but a bot, too.
    same = replace(deed(rng, "", setting.now), bot=rng.random() < 1 / 4)
    for user in rng.sample(USERS[3:], rng.randint(2, 5) if kind == "crowd" else 1):
        last = replace(same, user=user, at=visit(rng, setting.today - ago * DAY, setting.tz))
        found.append(last)
        if kind != "once":
            before = visit(rng, setting.today - (ago + gap) * DAY, setting.tz)
            found.append(deed(rng, user, before) if kind == "other" else replace(last, at=before))
    return [event for event in found if event.at <= setting.now + AHEAD_MAX]


def once_more(rng: Random, setting: Setting, event: Event) -> Event:
    """The same on the same day, which comes last: a user of a day who is stored in two pieces."""
    day = event.at.astimezone(ZoneInfo(setting.tz)).date()
    return replace(event, at=min(visit(rng, day, setting.tz), setting.now + AHEAD_MAX))


def some_history(rng: Random, tz: str) -> History:
    """Some tens of events at most, and when somebody in `tz` asks about them."""
    today = some_today(rng, tz)
    setting = Setting(now=moment(rng, today, tz), today=today, tz=tz)
    made = [single(rng, setting) for _ in range(rng.choice(SIZES))]
    for _ in range(rng.choice((1, 2, 3, 4))):
        made += story(rng, setting)
    if made and rng.random() < 1 / 2:
        made.append(once_more(rng, setting, rng.choice(made)))
    sent = [Sent(number, event) for number, event in enumerate(made)]
    for again in rng.choices(sent, k=rng.choice((0, 0, 1, 2, 4))) if sent else []:
        other = single(rng, setting) if rng.random() < 0.5 else again.event
        sent.append(Sent(again.number, other))
    deliveries = _cut(sent, [rng.randint(0, len(sent)) for _ in range(rng.randint(0, 2))])
    redone = frozenset(n for n in range(len(deliveries)) if rng.random() < 0.5)
    return History(setting.now, deliveries, redone if rng.random() < 1 / 8 else frozenset())


def with_keys(history: History, names: Mapping[str, str]) -> History:
    """The same with other names for some keys of properties, wherever they stand, however spelled."""

    def renamed(sent: Sent) -> Sent:
        text = sent.event.properties
        for old, new in names.items():
            text = text.replace(f'"{old}"', f'"{new}"').replace(f'\\"{old}\\"', f'\\"{new}\\"')
            text = text.replace(f'"\\u{ord(old):04x}"', f'"\\u{ord(new[0]):04x}{new[1:]}"')
        return replace(sent, event=replace(sent.event, properties=text))

    return replace(history, deliveries=tuple(tuple(map(renamed, each)) for each in history.deliveries))


def _cut(sent: list[Sent], places: list[int]) -> tuple[tuple[Sent, ...], ...]:
    bounds = [0, *sorted(places), len(sent)]
    return tuple(tuple(sent[first:end]) for first, end in itertools.pairwise(bounds))
