"""One who asks again and again is answered as somebody who asks for the first time."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from warehouse.questions.conftest import Listening

from clickhouse import catalog, counting, segments
from clickhouse.answers import Answer
from clickhouse.scope import Scope
from clickhouse.views import ACTIVITY_IN_TIME, EVENTS_IN_TIME, QUARTER_HOURS_IN_TIME, Timeline
from clickhouse.warehouse import Warehouse
from ugc_api.stats.ahead import ReadingAhead

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 20), date(2026, 3, 29)
LATE = datetime(2026, 3, 24, 23, 30, tzinfo=UTC)
PARTS = "parts_of_days"

Call = Callable[[Warehouse], Answer[Any]]
OF_KIND = (segments.parse("properties.n>5"),)
SCOPES = {
    "utc": Scope(),
    "zone": Scope(tz="Asia/Kathmandu"),
    "bots": Scope(bots=True),
    "exact": Scope(exact=True),
    "segment": Scope(segments=OF_KIND),
}
ASKED = {
    "dau": lambda scope: lambda warehouse: warehouse.dau(scope, FIRST, LAST),
    "daily": lambda scope: lambda warehouse: warehouse.daily(scope, FIRST, LAST),
    "retention-7d": lambda scope: lambda warehouse: warehouse.retention_7d(scope, FIRST, LAST),
}


def events() -> Iterator[dict[str, Any]]:
    """Twenty people, a third of whom come on a day."""
    for day in range(12):
        for user in range(20):
            if (user + day) % 3 == 0:
                yield {
                    "user_id": f"u{user}",
                    "event_type": f"t{user % 2}",
                    "occurred_at": (NOW - timedelta(days=day, minutes=15 * user)).isoformat(),
                    "properties": {"n": day},
                }


def one_more(held: Any, at: datetime = LATE) -> None:
    """An event nobody has seen before."""
    row = {"user_id": str(uuid.uuid4()), "occurred_at": at.isoformat(), "properties": {"n": 9}}
    held.add([row])


@pytest.fixture
def asking(held: Any) -> tuple[Warehouse, Listening]:
    held.hold(list(events()))
    client = Listening(held.client)
    return Warehouse(client, clock=held.at(NOW)._clock), client  # type: ignore[arg-type]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("question", ASKED)
def test_an_event_that_comes_late_is_in_the_next_answer(
    held: Any, asking: tuple[Warehouse, Listening], question: str, scope: str
) -> None:
    call: Call = ASKED[question](SCOPES[scope])
    warehouse, client = asking
    before = call(warehouse)
    assert before == call(held.at(NOW))
    assert len(client.news()) > 1
    assert call(warehouse) == before
    assert client.news() == [catalog.query(PARTS).sql]
    one_more(held)
    after = call(warehouse)
    assert after != before
    assert after == call(held.at(NOW))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_return_is_told_of_the_day_to_which_somebody_comes_back(held: Any, scope: str) -> None:
    come = {"user_id": "u", "properties": {"n": 9}}
    held.hold([{**come, "occurred_at": "2026-03-20T12:00:00Z"}])
    warehouse, call = held.at(NOW), ASKED["retention-7d"](SCOPES[scope])
    assert [(row.total_users, row.returned) for row in call(warehouse).rows[:2]] == [(1, 0), (0, 0)]
    held.add([{**come, "occurred_at": "2026-03-27T12:00:00Z"}])
    assert [(row.total_users, row.returned) for row in call(warehouse).rows[:2]] == [(1, 1), (0, 0)]


@pytest.mark.parametrize("question", ASKED)
def test_questions_that_differ_in_anything_are_answered_apart(
    held: Any, asking: tuple[Warehouse, Listening], question: str
) -> None:
    warehouse, _ = asking
    every: Sequence[Scope] = [
        *SCOPES.values(),
        Scope(segments=(segments.parse("properties.n>6"),)),
        Scope(segments=OF_KIND, bots=True),
        Scope(segments=OF_KIND, tz="Asia/Kathmandu"),
    ]
    for scope in [*every, *reversed(every)]:
        assert ASKED[question](scope)(warehouse) == ASKED[question](scope)(held.at(NOW))


def test_what_is_remembered_does_not_grow_with_the_segments(asking: tuple[Warehouse, Listening]) -> None:
    warehouse, _ = asking
    many = tuple(segments.parse(f"properties.n{n} in {','.join(map(str, range(40)))}") for n in range(5))
    warehouse.dau(Scope(segments=many), FIRST, LAST)
    kept = warehouse._read_before._kept
    assert len(kept) == (LAST - FIRST).days + 1
    assert all(len(repr(key)) < 200 for key in kept)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE events_raw DROP PARTITION '20260324'",
        "ALTER TABLE events_raw DELETE WHERE user_id = 'u1' SETTINGS mutations_sync = 1",
        "DELETE FROM events_raw WHERE user_id = 'u1'",
        "TRUNCATE TABLE events_raw",
    ],
)
def test_what_is_taken_away_is_missing_in_the_next_answer(
    held: Any, asking: tuple[Warehouse, Listening], change: str
) -> None:
    warehouse, _ = asking
    call: Call = ASKED["daily"](SCOPES["exact"])
    before = call(warehouse)
    held.client.command(change)
    after = call(warehouse)
    assert after != before
    assert after == call(held.at(NOW))


@pytest.mark.parametrize("scope", ["utc", "zone", "exact"])
def test_who_asks_first_finds_the_days_that_were_read_ahead(
    held: Any, asking: tuple[Warehouse, Listening], scope: str
) -> None:
    warehouse, client = asking
    clock = warehouse._clock
    ahead = ReadingAhead(warehouse, ["UTC", "Asia/Kathmandu"], clock=clock)
    # Of twelve days with events all but the one that runs; in Nepal it began a quarter to six hours ago.
    assert ahead.look() == 4 * 11
    client.news()
    found = ASKED["daily"](SCOPES[scope])(warehouse)
    assert client.news() == [catalog.query(PARTS).sql]
    assert found == ASKED["daily"](SCOPES[scope])(held.at(NOW))
    # In both forms: a day of UTC and one of Nepal, where it is the 25th.
    one_more(held)
    assert ahead.look() == 2 * (1 + 1)
    assert ASKED["daily"](SCOPES[scope])(warehouse) != found
    assert ASKED["daily"](SCOPES[scope])(warehouse) == ASKED["daily"](SCOPES[scope])(held.at(NOW))


def test_a_page_of_days_that_is_cut_off_is_cut_off_when_it_is_known_too(
    held: Any, asking: tuple[Warehouse, Listening]
) -> None:
    warehouse, _ = asking
    whole = warehouse.daily(Scope(), FIRST, LAST).rows
    assert len(whole) == 20
    assert warehouse.daily(Scope(), FIRST, LAST, rows_max=3).rows == whole[:4]
    new = held.at(NOW)
    assert new.daily(Scope(), FIRST, LAST, rows_max=3).rows == whole[:4]
    assert new.daily(Scope(), FIRST, LAST).rows == whole


IN_TIME = [EVENTS_IN_TIME, QUARTER_HOURS_IN_TIME, ACTIVITY_IN_TIME]


@pytest.mark.parametrize("table", IN_TIME, ids=lambda table: table.name)
def test_what_days_are_made_of_is_known_without_reading_a_column(held: Any, table: Timeline) -> None:
    held.hold(list(events()))
    given = {"table": table.name, "at": table.at, "partitions": ["20260324", "20260325"]}
    explained = held.client.query(f"EXPLAIN {catalog.query(PARTS).sql}", parameters=given)
    plan = "\n".join(row[0] for row in explained.result_rows)
    assert "_minmax_count_projection" in plan
    assert "ReadFromMergeTree" not in plan.replace("ReadFromMergeTree (_minmax_count_projection)", "")


@pytest.mark.parametrize("table", IN_TIME, ids=lambda table: table.name)
def test_a_part_tells_from_when_to_when_it_reaches(held: Any, table: Timeline) -> None:
    first, last = datetime(2026, 3, 24, 3, 59, 59, 999_000, UTC), datetime(2026, 3, 24, 20, 15, tzinfo=UTC)
    held.hold([{"user_id": "u", "occurred_at": at.isoformat()} for at in (first, last)])
    asked_by = held.at(NOW)._asking(Scope())
    (part,) = asked_by._made_of(table, [date(2026, 3, 24)])
    whole = table.lasts_s
    assert part.since == int(first.timestamp()) // whole * whole
    assert part.until == int(last.timestamp()) // whole * whole + whole


@pytest.fixture
def unmerged(held: Any) -> Iterator[None]:
    """Parts stay as they came."""
    for table in IN_TIME:
        held.client.command(f"SYSTEM STOP MERGES {table.name}")
    yield
    for table in IN_TIME:
        held.client.command(f"SYSTEM START MERGES {table.name}")


@pytest.mark.usefixtures("unmerged")
@pytest.mark.parametrize(
    "within", [Scope(), Scope(exact=True), Scope(segments=OF_KIND)], ids=["sketches", "exact", "segment"]
)
def test_a_day_of_a_zone_is_not_read_again_for_the_rest_of_the_utc_day_it_ends_in(
    held: Any, asking: tuple[Warehouse, Listening], within: Scope
) -> None:
    warehouse, _ = asking
    scope = replace(within, tz="Asia/Tokyo")
    # There the 25th begins at 15:00.
    over, begun = date(2026, 3, 24), date(2026, 3, 25)
    for minute, changed in ((15 * 60, begun), (15 * 60 - 1, over)):
        for day in (over, begun):
            warehouse.daily(scope, day, day)
        one_more(held, datetime(2026, 3, 24, *divmod(minute, 60), tzinfo=UTC))
        assert counting.daily_unread(warehouse._asking(scope), over, begun) == [changed]


def add(held: Any, user: str, day: int) -> None:
    held.add([{"user_id": user, "occurred_at": f"2026-03-{day}T12:00:00Z"}])


def part_names(held: Any, table: Timeline) -> list[str]:
    sql = f"SELECT DISTINCT _part FROM {table.name} ORDER BY _part"
    return [row[0] for row in held.client.query(sql).result_rows]


@pytest.mark.usefixtures("unmerged")
@pytest.mark.parametrize(
    ("table", "scope"), [(EVENTS_IN_TIME, Scope(exact=True)), (QUARTER_HOURS_IN_TIME, Scope())]
)
def test_a_part_called_as_one_before_it_is_another(held: Any, table: Timeline, scope: Scope) -> None:
    """The engine counts on from the newest part that is left when it starts."""
    call = ASKED["daily"](scope)
    held.hold([])
    for user, day in (("a", 20), ("before", 24)):
        add(held, user, day)
    warehouse = held.at(NOW)
    assert call(warehouse).rows[-1].date == date(2026, 3, 24)
    names = part_names(held, table)
    for each in {EVENTS_IN_TIME.name, table.name}:
        held.client.command(f"ALTER TABLE {each} DROP PARTITION '20260324'")
        held.client.command(f"DETACH TABLE {each}")
        held.client.command(f"ATTACH TABLE {each}")
        held.client.command(f"SYSTEM STOP MERGES {each}")
    held.add([{"user_id": "after", "event_type": "other", "occurred_at": "2026-03-24T12:00:00Z"}])
    assert part_names(held, table) == names
    after = call(warehouse)
    assert after == call(held.at(NOW))
    assert after.rows[-1].event_type == "other"


def test_rows_that_are_rewritten_are_of_another_part(held: Any) -> None:
    """What passes a UUID on passes the same rows on, and gives another name."""
    held.hold([])
    add(held, "a", 24)
    add(held, "b", 24)
    seen: list[tuple[str, uuid.UUID]] = []

    def look() -> tuple[str, uuid.UUID]:
        (found,) = held.client.query("SELECT DISTINCT _part, _part_uuid FROM events_raw").result_rows
        assert found[0] not in [name for name, _ in seen]
        seen.append(found)
        return seen[-1]

    held.client.command("OPTIMIZE TABLE events_raw FINAL")
    look()
    for changed, passed_on in (
        ("DELETE WHERE user_id = 'nobody'", True),
        ("UPDATE value = 7 WHERE user_id = 'a'", False),
        ("DELETE WHERE user_id = 'a'", False),
    ):
        before = {told for _, told in seen}
        held.client.command(f"ALTER TABLE events_raw {changed}", settings={"mutations_sync": 2})
        assert (look()[1] in before) == passed_on


@pytest.mark.parametrize("table", IN_TIME, ids=lambda table: table.name)
def test_a_table_made_anew_is_another_even_when_its_parts_are_called_the_same(
    held: Any, table: Timeline
) -> None:
    held.hold(list(events()))
    name = f"{table.name}_anew"
    told, parts = [], []
    for _ in range(2):
        held.client.command(f"CREATE TABLE {name} AS {table.name}")
        held.client.command(f"INSERT INTO {name} SELECT * FROM {table.name} WHERE _partition_id = '20260324'")
        parts.append(part_names(held, replace(table, name=name)))
        asked_by = held.at(NOW)._asking(Scope())
        told.append(asked_by._made_of(replace(table, name=name), [date(2026, 3, 24)]))
        held.client.command(f"DROP TABLE {name} SYNC")
    assert parts[0] == parts[1]
    assert told[0] != told[1]
