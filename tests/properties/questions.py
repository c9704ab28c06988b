"""The questions asked of a history, one of each kind; how each is put to the warehouse, and to the API."""

from dataclasses import dataclass
from datetime import date

from hypothesis import strategies as st
from properties.conditions import Condition
from properties.histories import TYPES, ZONES, History, histories
from properties.oracle import DAY, Oracle

RETURNING_DAYS_MAX = 30
WINDOWS_MAX = 30
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
KEYS = ("n", "c", "c.d", "c-d", "text", "nothing")


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    """A segment that now and then is true of something."""
    operator = draw(st.sampled_from(("!=", "=", "type", "<", ">", "in")))
    key = draw(st.sampled_from(KEYS[:2] if draw(st.booleans()) else KEYS))
    values = st.sampled_from(USUAL if draw(st.booleans()) else VALUES)
    if operator == "type":
        return Condition(operator, "", (draw(st.sampled_from(TYPES)),))
    if operator == "in":
        return Condition(operator, key, tuple(draw(st.lists(values, min_size=1, max_size=3))))
    return Condition(operator, key, (draw(st.sampled_from(NUMBERS) if operator in "<>" else values),))


@st.composite
def askers(draw: st.DrawFn, tz: str) -> Asked:
    """Half of them look at a segment."""
    return Asked(
        tz=tz,
        segments=tuple(draw(conditions()) for _ in range(draw(st.sampled_from((0, 1, 0, 1, 0, 2))))),
        bots=draw(st.integers(0, 3)) == 3,
        exact=draw(st.booleans()),
    )


@st.composite
def questions(draw: st.DrawFn, today: date) -> Questions:
    """About the days that histories are about, a bit into the future too; now and then about far more."""
    ago = draw(st.sampled_from(AGO)) if draw(st.integers(0, 9)) else draw(st.integers(13, 190))
    first = today - ago * DAY
    return Questions(
        first=first,
        last=first + draw(st.sampled_from((9, 8, 7, 10, 6, 5, 4, 3, 2, 1, 0, max(ago, 0)))) * DAY,
        limit=draw(st.integers(1, len(TYPES))),
        start=today - draw(st.sampled_from((*AGO, 14, 15, 21))) * DAY,
        windows=draw(st.integers(1, 6)) if draw(st.integers(0, 9)) < 9 else WINDOWS_MAX,
        period=draw(st.sampled_from(("day", "week"))),
        day=today - draw(st.sampled_from((0, 0, 1, 1, 2, 3, 5, -1))) * DAY,
        days=draw(st.one_of(st.integers(1, 9), st.just(RETURNING_DAYS_MAX))),
        page=draw(st.sampled_from((1, 1, 2, 2, 3, 100))),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Now and then somebody asks in another zone than the one whose midnights the history crowds at."""
    tz = draw(st.sampled_from(ZONES))
    history = draw(histories(tz))
    asked = draw(askers(draw(st.sampled_from(ZONES)) if draw(st.integers(0, 3)) == 3 else tz))
    today = Oracle([], now=history.now, tz=asked.tz).today
    return Case(history, asked, draw(questions(today)))
