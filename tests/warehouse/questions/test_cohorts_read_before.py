"""Cohorts are read of the periods that changed alone, and told as to somebody who asks for the first time."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from warehouse.questions.conftest import Listening

from clickhouse import catalog, segments
from clickhouse.scope import Scope
from clickhouse.warehouse import Period, Warehouse

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
START = date(2026, 3, 20)
# Berlin loses an hour on the 29th of March.
SCOPES = [Scope(), Scope(tz="Europe/Berlin"), Scope(tz="Asia/Kathmandu", bots=True)]
PARTS, COHORTS = catalog.query("parts_of_days").sql, catalog.query("retention").sql

Ask = Callable[[Warehouse], Any]


def come(user: str, *at: str, bot: bool = False) -> Iterable[dict[str, Any]]:
    reasons = ["user_agent"] if bot else []
    return [{"user_id": user, "occurred_at": f"2026-03-{each}:00Z", "bot_reasons": reasons} for each in at]


def ask(scope: Scope, period: Period = "day", windows: int = 11) -> Ask:
    return lambda warehouse: warehouse.retention(scope, START, windows, period).rows


@pytest.fixture
def asking(held: Any) -> tuple[Warehouse, Listening]:
    """Of somebody for whom five came, first and again, on ten days."""
    held.hold(
        [
            event
            for user in range(5)
            for event in come(f"u{user}", *(f"{day}T09:{user}0" for day in range(20 + user, 31, 2 + user)))
        ]
    )
    client = Listening(held.client)
    return Warehouse(client, clock=held.at(NOW)._clock), client  # type: ignore[arg-type]


def read_days(client: Listening) -> list[tuple[date, date]]:
    """Which days of UTC were read for cohorts since the last look."""
    of_cohorts = [given for sql, given in zip(client.asked, client.given, strict=True) if sql == COHORTS]
    client.asked.clear()
    client.given.clear()
    return [(given["utc_first"], given["utc_last"]) for given in of_cohorts]


def test_only_what_changed_is_read_again(held: Any, asking: tuple[Warehouse, Listening]) -> None:
    warehouse, client = asking
    call = ask(Scope())
    first = call(warehouse)
    assert first == call(held.at(NOW))
    assert client.asked == [PARTS, COHORTS]
    assert read_days(client) == [(START, NOW.date())]
    # The day that runs is read each time, and who came when with it.
    assert call(warehouse) == first
    assert read_days(client) == [(NOW.date(), NOW.date())]
    # Somebody known comes late: all later days could be of others.
    held.add(come("u0", "25T12:00"))
    assert call(warehouse) == call(held.at(NOW)) != first
    assert read_days(client) == [(date(2026, 3, 25), NOW.date())]


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: scope.tz)
@pytest.mark.parametrize("period", ["day", "week"])
@pytest.mark.parametrize(
    "late",
    [
        come("new", "31T09:00"),
        come("new", "24T23:50"),
        # First of the cohort of the 24th, then of another day's, then of one before all that is asked for.
        come("u4", "22T23:10"),
        come("u4", "20T00:00"),
        come("u4", "10T12:00"),
        come("u1", "31T11:00", "20T23:59"),
        come("u2", "21T12:00", bot=True),
        come("bot", "26T12:00", "30T12:00", bot=True),
    ],
    ids=lambda events: f"{events[0]['user_id']} on the {events[0]['occurred_at'][8:13]}",
)
def test_whoever_comes_late_is_of_the_right_cohort_in_every_period(
    held: Any, asking: tuple[Warehouse, Listening], late: Any, period: Period, scope: Scope
) -> None:
    warehouse, _ = asking
    call = ask(scope, period)
    before = call(warehouse)
    for event in late:
        held.add([event])
        assert call(warehouse) == call(held.at(NOW))
    # What bots do changes nothing for those who do not count them, and days of a week are one.
    if period == "day":
        assert (call(warehouse) != before) == (scope.bots or not late[0]["bot_reasons"])


def test_a_week_is_of_all_its_days(held: Any) -> None:
    held.hold([*come("u", "06T12:00"), *come("v", "06T12:00", "13T12:00", "27T12:00")])
    warehouse = held.at(NOW)

    def first(warehouse: Warehouse) -> Any:
        return warehouse.retention(Scope(), date(2026, 3, 6), 3, "week").rows[0].users

    assert first(warehouse) == (2, 1, 0, 1)
    held.add(come("u", "15T12:00"))
    assert first(warehouse) == (2, 2, 0, 1)
    held.add(come("u", "26T12:00"))
    assert first(warehouse) == (2, 2, 1, 1)


def active(held: Any, user: str, *on: str) -> None:
    """As when an insert has reached this table, and not yet the one that says who came when."""
    of_days = ", ".join(f"('{day}', false, '{user}', 1)" for day in on)
    held.client.command(f"INSERT INTO user_activity (day, is_bot, user_id, quarter_hours) VALUES {of_days}")


def came(held: Any, user: str, on: str) -> None:
    """And then that one too."""
    values = f"('{user}', false, '{on}', '{on}')"
    held.client.command(f"INSERT INTO user_spans (user_id, is_bot, first_at, last_at) VALUES {values}")


def forget(held: Any, user: str) -> None:
    held.client.command(
        f"ALTER TABLE user_spans DELETE WHERE user_id = '{user}'", settings={"mutations_sync": 1}
    )


def test_days_that_know_of_somebody_before_the_spans_do_are_read_again(
    held: Any, asking: tuple[Warehouse, Listening]
) -> None:
    warehouse, _ = asking
    call = ask(Scope())
    active(held, "new", "2026-03-24", "2026-03-27")
    before = call(warehouse)
    assert before[4].users[:7] == (1, 0, 0, 0, 0, 0, 1)
    came(held, "new", "2026-03-24 00:00:00.000")
    after = call(warehouse)
    assert after[4].users[:7] == (2, 0, 0, 1, 0, 0, 1)
    assert after == call(held.at(NOW))


def test_a_cohort_of_as_many_others_is_another(held: Any, asking: tuple[Warehouse, Listening]) -> None:
    warehouse, _ = asking
    call = ask(Scope())
    active(held, "new", "2026-03-24", "2026-03-27")
    call(warehouse)
    came(held, "new", "2026-03-24 00:00:00.000")
    forget(held, "u4")
    assert call(warehouse)[4].users[:7] == (1, 0, 0, 1, 0, 0, 0)


def test_a_cohort_that_lost_somebody_is_told_without(held: Any, asking: tuple[Warehouse, Listening]) -> None:
    warehouse, _ = asking
    call = ask(Scope())
    before = call(warehouse)
    forget(held, "u1")
    assert call(warehouse) == call(held.at(NOW)) != before


def test_questions_that_differ_in_anything_are_answered_apart(
    held: Any, asking: tuple[Warehouse, Listening]
) -> None:
    warehouse, _ = asking
    of_kind = Scope(segments=(segments.parse("event_type:click"),))
    calls = [
        *(ask(scope) for scope in (*SCOPES, of_kind)),
        ask(Scope(), "week"),
        ask(Scope(), windows=3),
        lambda warehouse: warehouse.retention(Scope(), START + timedelta(days=3), 11, "day").rows,
    ]
    for call in [*calls, *reversed(calls)]:
        assert call(warehouse) == call(held.at(NOW))


def test_of_days_of_nobody_there_is_nothing_to_read(held: Any) -> None:
    held.hold(list(come("u", "20T12:00", "29T12:00")))
    client = Listening(held.client)
    warehouse, call = Warehouse(client, clock=held.at(NOW)._clock), ask(Scope())  # type: ignore[arg-type]
    first = call(warehouse)
    assert first[0].users[:12] == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0)
    read_days(client)
    assert call(warehouse) == first
    assert read_days(client) == [(NOW.date(), NOW.date())]


class Overtaken(Listening):
    """Between the look at the parts and the reading of the cohorts something happens, once."""

    happens: Callable[[], None] | None = None

    def query(self, sql: str, **given: Any) -> Any:
        if sql == COHORTS and self.happens:
            happens, self.happens = self.happens, None
            happens()
        return super().query(sql, **given)


@pytest.mark.parametrize("asked_before", [False, True])
def test_nobody_comes_back_who_has_not_come(held: Any, asked_before: bool) -> None:
    held.hold(list(come("u", "20T12:00", "31T09:00")))
    client, call = Overtaken(held.client), ask(Scope())
    warehouse = Warehouse(client, clock=held.at(NOW)._clock)  # type: ignore[arg-type]
    if asked_before:
        call(warehouse)

    def first_and_again() -> None:
        # On a day of which there was nothing to be looked at.
        held.add(come("new", "25T12:00"))
        held.add(come("new", "31T10:00"))

    client.happens = first_and_again
    (found,) = [row for row in call(warehouse) if row.cohort == date(2026, 3, 25)]
    assert (found.size, found.users[:7]) == (1, (1, 0, 0, 0, 0, 0, 1))
    assert call(warehouse) == call(held.at(NOW))
