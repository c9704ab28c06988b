"""What the histories hold: an answer that is never at an edge is right by chance."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from properties.beside import apart, side_by_side
from properties.histories import midnight
from properties.oracle import DAY
from properties.questions import HISTORIES, Case, case
from properties.smaller import smallest

SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return [case(number) for number in range(HISTORIES)]


def test_each_is_another(cases: list[Case]) -> None:
    assert len({each.history for each in cases}) == HISTORIES


def test_the_same_number_is_the_same_case() -> None:
    assert case(17) == case(17)


def test_the_collector_would_have_taken_every_event(cases: list[Case]) -> None:
    ahead = [event.at - each.history.now for each in cases for event in each.history.events()]
    assert max(ahead) <= timedelta(minutes=5)


def test_segments_are_true_of_something_and_not_of_all(cases: list[Case]) -> None:
    asked = [each for each in cases if each.asked.segments]
    assert len(asked) > HISTORIES / 3
    some = [each for each in asked if 0 < fitting(each) < len(each.history.in_raw())]
    assert len(some) > len(asked) * 0.5


def fitting(each: Case) -> int:
    """How many of its raw events fit its segments."""
    return sum(
        all(segment.holds(event.type, event.properties) for segment in each.asked.segments)
        for event in each.history.in_raw()
    )


def held(cases: Iterable[Case]) -> Counter[str]:
    """In how many cases an answer turns on the last day, the last instant or the last user."""
    found: Counter[str] = Counter()
    for each in cases:
        kind = "of a segment" if each.asked.segments else "of all"
        found.update(f"{what}, {kind}" for what, is_so in (*_at_edges(each), *_coming_back(each)) if is_so)
    return found


def _at_edges(each: Case) -> Iterator[tuple[str, bool]]:
    oracle, asked, tz = each.oracle(), each.questions, each.asked.tz
    begins, ends = midnight(asked.first, tz), midnight(asked.last + DAY, tz)
    counted = oracle.within(asked.first, asked.last)
    last = [event.at for event in counted if ends - SECOND < event.at < ends]
    first_of_day: dict[date, datetime] = {}
    for event in each.history.in_raw():
        day = event.at.date()
        first_of_day[day] = min(event.at, first_of_day.get(day, event.at))
    yield "at the first instant", begins in [event.at for event in counted]
    yield "in the last second", bool(last)
    yield "the first of its day of UTC, in the last second", not {*last}.isdisjoint(first_of_day.values())
    after = oracle.within(asked.last + DAY, asked.last + DAY)
    yield "at the instant after the last", ends in [event.at for event in after]
    there = oracle.within(asked.day, asked.day)
    alone = {event.user for event in there} - {
        event.user for event in there if event.at != midnight(asked.day, tz)
    }
    yield "at midnight alone", bool(alone)


def _coming_back(each: Case) -> Iterator[tuple[str, bool]]:
    oracle, asked = each.oracle(), each.questions
    for name, day in (("first", asked.first), ("last", asked.last)):
        again = oracle.users(day, day) & oracle.users(day + 7 * DAY, day + 7 * DAY)
        yield (
            f"back on the seventh day and not before, of the {name} day",
            bool(again - oracle.users(day + DAY, day + 6 * DAY)),
        )
    returning = oracle.returning(asked.day, asked.days)
    yield "a second page", len(returning) > asked.page
    yield "back after just as many days", returning != oracle.returning(asked.day, asked.days - 1)
    before = {event.user for event in each.history.in_raw() if oracle.day_of(event.at) < asked.start}
    yield (
        "new, and there before as something else",
        bool(oracle.newcomers(asked.start, oracle.today) & before),
    )


def test_answers_turn_on_the_last_instant_and_the_last_day(cases: list[Case]) -> None:
    found = held(cases)
    assert len(found) == 20
    assert min(found.values()) >= 4, found


def test_cases_lie_beside_each_other_without_meeting(cases: list[Case]) -> None:
    loads = side_by_side(cases)
    assert sum(map(len, loads)) == HISTORIES
    # Otherwise it is not worth it.
    assert len(loads) < HISTORIES / 10
    for load in loads:
        spans = sorted(each.span() for each in load)
        assert all(one[1] < following[0] for one, following in pairwise(spans))
        users = [{event.user for event in each.history.events()} for each in load]
        assert sum(map(len, users)) == len(set().union(*users))


def test_with_other_names_the_answers_are_the_same(cases: list[Case]) -> None:
    for each in cases[:50]:
        other, asked = apart(each, 7), each.questions
        assert len(other.history.events()) == len(each.history.events())
        assert other.oracle().retention_7d(asked.first, asked.last) == each.oracle().retention_7d(
            asked.first, asked.last
        )
        renamed = [f"07{user}" for user in each.oracle().returning(asked.day, asked.days)]
        assert other.oracle().returning(asked.day, asked.days) == renamed


def test_the_smallest_case_has_nothing_but_what_fails(cases: list[Case]) -> None:
    def fails(less: Case) -> bool:
        return sum(event.type == "click" for event in less.history.events()) >= 2

    least = smallest(next(filter(fails, cases)), fails)
    assert [event.type for event in least.history.events()] == ["click", "click"]
    assert (len(least.history.deliveries), least.asked.segments, least.asked.tz) == (1, (), "UTC")
