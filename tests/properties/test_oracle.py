"""The oracle's own answers, against what was counted by hand."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from properties.conditions import Condition
from properties.histories import ZONES, History, Sent, changes
from properties.oracle import Event, Oracle, is_percent


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def event(time: str, user: str, type_: str = "click", **more: Any) -> Event:
    return Event(at(time), user, type_, **more)


NOON = at("2026-03-10T12:00:00+00:00")
NOVEMBER = [
    event("2026-11-01T00:00:00+00:00", "ann"),
    event("2026-11-01T23:59:59.999+00:00", "bob", "buy", value=2.0),
    event("2026-11-02T00:00:00+00:00", "ann", "buy", value=0.5),
    event("2026-11-02T00:00:00+00:00", "ann", "buy", value=1.5),
    event("2026-11-04T12:00:00+00:00", "bob"),
    event("2026-11-04T12:00:00+00:00", "cat", bot=True),
]
FIRST, SECOND, THIRD, FOURTH = (date(2026, 11, day) for day in (1, 2, 3, 4))


def of_november(**more: Any) -> Oracle:
    return Oracle(NOVEMBER, **{"now": at("2026-11-04T20:00:00+00:00"), **more})


def test_users_by_day() -> None:
    assert of_november().dau(FIRST, FOURTH) == [(FIRST, 2), (SECOND, 1), (THIRD, 0), (FOURTH, 1)]
    assert of_november(bots=True).dau(FOURTH, FOURTH) == [(FOURTH, 2)]


def test_users_by_day_an_hour_east() -> None:
    berlin = of_november(tz="Europe/Berlin")
    assert berlin.dau(FIRST, FOURTH) == [(FIRST, 1), (SECOND, 2), (THIRD, 0), (FOURTH, 1)]


def test_types_by_count_then_name() -> None:
    assert of_november().top_events(FIRST, FOURTH, 10) == [("buy", 3), ("click", 2)]
    assert of_november().top_events(FIRST, FIRST, 10) == [("buy", 1), ("click", 1)]
    assert of_november().top_events(FIRST, FOURTH, 1) == [("buy", 3)]


def test_what_happened_by_day() -> None:
    assert of_november().daily(FIRST, FOURTH) == [
        (FIRST, "buy", 1, 2.0, 1),
        (FIRST, "click", 1, 0.0, 1),
        (SECOND, "buy", 1, 2.0, 2),
        (FOURTH, "click", 1, 0.0, 1),
    ]


def test_a_triangle_by_day() -> None:
    assert of_november().retention(FIRST, 3, "day") == [
        (FIRST, 2, [2, 1, 0, 1], 3),
        (SECOND, 0, [0, 0, 0, None], 2),
        (THIRD, 0, [0, 0, None, None], 1),
        (FOURTH, 0, [0, None, None, None], 0),
    ]


def test_weeks_are_seven_days_from_the_start() -> None:
    assert of_november(now=at("2026-11-10T00:00:00+00:00")).retention(SECOND, 2, "week") == [
        (SECOND, 0, [0, 0, None], 1),
        (date(2026, 11, 9), 0, [0, None, None], 0),
    ]  # that of the 16th has not begun
    earlier = date(2026, 10, 28)
    assert of_november().retention(earlier, 1, "week") == [
        (earlier, 2, [2, 1], 1),
        (date(2026, 11, 4), 0, [0, None], 0),
    ]


def test_no_cohort_is_of_the_future() -> None:
    assert of_november().retention(date(2026, 11, 5), 3, "day") == []
    assert [row[0] for row in of_november().retention(THIRD, 3, "day")] == [THIRD, FOURTH]


def test_a_segment_decides_what_is_first() -> None:
    buyers = of_november(segments=[Condition("type", "", ("buy",))])
    assert buyers.retention(FIRST, 1, "day") == [(FIRST, 1, [1, 0], None), (SECOND, 1, [1, 0], None)]


def test_who_came_back_within_a_week() -> None:
    assert of_november().retention_7d(FIRST, SECOND) == [(FIRST, 2, 2), (SECOND, 1, 0)]


def test_who_was_there_before() -> None:
    assert of_november().returning(FOURTH, 3) == ["bob"]
    assert of_november().returning(FOURTH, 2) == []
    assert of_november().returning(SECOND, 1) == ["ann"]


# 2026-03-29 in Berlin has 23 hours, 2026-10-25 has 25; the day in between begins and ends an hour apart.
@pytest.mark.parametrize(
    ("tz", "time", "day"),
    [
        ("Europe/Berlin", "2026-03-28T23:00:00+00:00", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T21:59:59.999+00:00", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29T22:00:00+00:00", "2026-03-30"),
        ("Europe/Berlin", "2026-10-24T22:00:00+00:00", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T22:59:59.999+00:00", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25T23:00:00+00:00", "2026-10-26"),
        ("Asia/Kathmandu", "2026-01-01T18:14:59.999+00:00", "2026-01-01"),
        ("Asia/Kathmandu", "2026-01-01T18:15:00+00:00", "2026-01-02"),
        # By half an hour: Lord Howe goes from +11:00 to +10:30 on 2026-04-05.
        ("Australia/Lord_Howe", "2026-04-04T13:00:00+00:00", "2026-04-05"),
        ("Australia/Lord_Howe", "2026-04-05T13:29:59.999+00:00", "2026-04-05"),
        # At midnight: 2026-09-06 in Santiago begins at one o'clock.
        ("America/Santiago", "2026-09-06T03:59:59.999+00:00", "2026-09-05"),
        ("America/Santiago", "2026-09-06T04:00:00+00:00", "2026-09-06"),
        # 2026-11-01 in Havana has midnight twice.
        ("America/Havana", "2026-11-01T04:00:00+00:00", "2026-11-01"),
        ("America/Havana", "2026-11-01T05:00:00+00:00", "2026-11-01"),
        # At the end of 2024-02-29 Almaty put its clocks back an hour.
        ("Asia/Almaty", "2024-02-29T18:30:00+00:00", "2024-02-29"),
        ("Asia/Almaty", "2024-02-29T19:00:00+00:00", "2024-03-01"),
    ],
)
def test_days_there(tz: str, time: str, day: str) -> None:
    assert Oracle([], now=NOON, tz=tz).day_of(at(time)) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("condition", "properties", "holds"),
    [
        (Condition("=", "n", ("5",)), '{"n":5}', True),
        (Condition("=", "n", ("5",)), '{"n": 5.0}', True),
        (Condition("=", "n", ("5.0",)), '{"n":5}', True),
        (Condition("=", "n", ("5",)), '{"n":"5"}', True),
        (Condition("=", "n", ("5.0",)), '{"n":"5"}', False),
        (Condition("=", "c", ("DE",)), '{"c":"de"}', False),
        (Condition("=", "c", ("é",)), '{"c":"\\u00e9"}', True),
        (Condition("=", "c.d", ("DE",)), '{"c":{"d":"DE"}}', False),
        (Condition("=", "c.d", ("DE",)), '{"c.d":"DE"}', True),
        (Condition("=", "n", ("5",)), '{"x":{"n":5}}', False),
        (Condition("!=", "n", ("5",)), '{"n":5}', False),
        (Condition("!=", "n", ("5",)), '{"n":6}', True),
        (Condition("!=", "n", ("5",)), "{}", True),
        (Condition(">", "n", ("4.99",)), '{"n":5}', True),
        (Condition(">", "n", ("5",)), '{"n":5}', False),
        (Condition("<", "n", ("6",)), '{"n":"5"}', False),
        (Condition("<", "n", ("6",)), "{}", False),
        (Condition("=", "n", ("6",)), '{"n":5,"n":6}', False),
        (Condition("=", "n", ("5",)), '{"n":5,"n":6}', True),
        (Condition("=", "n", ("true",)), '{"n":true}', True),
        (Condition("=", "n", ("1",)), '{"n":true}', False),
        (Condition(">", "n", ("0",)), '{"n":true}', False),
        (Condition("=", "n", ("null",)), '{"n":null}', False),
        (Condition("!=", "n", ("5",)), '{"n":null}', True),
        (Condition("=", "n", ("9007199254740992",)), '{"n":9007199254740993}', False),
        (Condition(">", "n", ("9007199254740992",)), '{"n":9007199254740993}', True),
        (Condition("in", "n", ("4", "5")), '{"n":5}', True),
        (Condition("in", "n", ("4", "6")), '{"n":5}', False),
        (Condition("type", "", ("click",)), "{}", True),
        (Condition("type", "", ("buy",)), "{}", False),
    ],
    ids=str,
)
def test_what_a_segment_means(condition: Condition, properties: str, holds: bool) -> None:
    assert condition.holds("click", properties) is holds


def test_segments_as_they_are_asked_for() -> None:
    written = [
        str(Condition("type", "", ("click",))),
        str(Condition("!=", "a.b", ("x y",))),
        str(Condition("in", "n", ("4", "x"))),
    ]
    assert written == ["event_type:click", "properties.a.b!=x y", "properties.n in 4,x"]


def test_percents() -> None:
    assert is_percent(33.33, 1, 3)
    assert is_percent(66.67, 2, 3)
    assert not is_percent(66.66, 2, 3)
    assert not is_percent(33.333, 1, 3)
    assert is_percent(3.12, 1, 32)
    assert is_percent(3.13, 1, 32)
    assert is_percent(100.0, 7, 7)
    assert is_percent(None, 0, 0)
    assert not is_percent(0.0, 0, 0)
    assert not is_percent(None, 0, 1)


def test_of_equal_ids_the_first_counts() -> None:
    one, other = NOVEMBER[:2]
    history = History(NOON, ((Sent(0, one), Sent(1, other), Sent(0, other)), (Sent(1, one),)))
    assert history.events() == [one, other]


def test_zones_have_their_changes() -> None:
    assert date(2026, 3, 29) in changes("Europe/Berlin")
    assert date(2026, 10, 25) in changes("Europe/Berlin")
    assert changes("UTC") == []
    assert all(changes(tz) for tz in ("Australia/Lord_Howe", "Africa/Cairo", "Antarctica/Troll"))
    assert len(set(ZONES)) == len(ZONES)
