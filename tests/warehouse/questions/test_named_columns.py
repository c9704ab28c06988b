"""Properties that whoever runs the warehouse gives a column: at any time, and taken away again."""

import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from warehouse.questions.conftest import Held, StandingClock

from clickhouse import migrate, property_columns
from clickhouse.property_columns import Columns, ensure
from clickhouse.scope import Scope
from clickhouse.segments import parse
from clickhouse.warehouse import Warehouse

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 28), date(2026, 3, 30)
KEYS = ["plan", "utm.source-1"]
COLUMNS = ["property_plan", "property_utm:source-1"]
PRO = Scope(segments=(parse("properties.plan=pro"),))
ADS = Scope(segments=(parse("properties.utm.source-1=ads"), parse("properties.plan!=pro")))


class PassingClock(StandingClock):
    """Now stands, and seconds go by as a test says."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


class Listening:
    """In the place of a client: passes on what it is asked, and keeps it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.server_settings = client.server_settings
        self.asked: list[str] = []

    def query(self, sql: str, **given: Any) -> Any:
        self.asked.append(sql)
        return self._client.query(sql, **given)


def events() -> Iterator[dict[str, Any]]:
    """Ten people on three days; who is of which plan tells the number."""
    for day in range(3):
        for user in range(10):
            at = datetime(2026, 3, 28, user, tzinfo=UTC) + timedelta(days=day)
            said = {"plan": ("pro", "free", "pro ")[user % 3], "utm.source-1": ("ads", 'a"ds')[user % 2]}
            yield {"user_id": f"u{user}", "occurred_at": at.isoformat(), "properties": said}


@pytest.fixture(scope="module")
def database(database_dsn: Callable[[str], str], holding: Callable[[str], Held]) -> Iterator[Held]:
    """A warehouse of its own, with events."""
    name = f"named_{uuid.uuid4().hex}"
    migrate.apply(database_dsn(name))
    held = holding(name)
    yield held
    held.client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def named(database: Held) -> Iterator[Held]:
    """With the shipped columns alone, before and after."""
    database.hold(list(events()))
    yield database
    database.client.command("SYSTEM START MERGES events_raw")
    until_written(database)
    for column in COLUMNS:
        database.client.command(f"ALTER TABLE events_raw DROP COLUMN IF EXISTS `{column}`")


def users(warehouse: Warehouse, scope: Scope) -> list[int]:
    return [row.users for row in warehouse.dau(scope, FIRST, LAST).rows]


def until_written(held: Held) -> None:
    """Until no part is being rewritten."""
    asked = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
    for _ in range(600):
        if held.client.query(f"{asked} SETTINGS max_threads = 1").first_row == (0,):
            return
        held.client.command("SELECT sleep(0.05)")
    raise AssertionError("the columns are not written")


def test_a_named_property_gets_a_column_once_and_what_is_stored_has_it_too(named: Held) -> None:
    made = ensure(named.client, KEYS)
    assert (made.added, made.being_written, made.unnamed) == (KEYS, COLUMNS, [])
    until_written(named)
    active = "database = currentDatabase() AND table = 'events_raw' AND active"
    parts = f"SELECT count() FROM system.parts WHERE {active}"
    stored = parts.replace("system.parts", "system.parts_columns") + " AND column = 'property_utm:source-1'"
    assert named.client.query(stored).first_row == named.client.query(parts).first_row
    again = ensure(named.client, KEYS)
    assert (again.added, again.being_written, again.unnamed) == ([], [], [])
    assert property_columns.look(named.client, ["plan", "other", "country"]).missing == ["other"]


def test_a_run_that_was_killed_in_between_is_finished_by_the_next(
    named: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = named.client.command

    def killed(sql: str, *given: Any, **more: Any) -> Any:
        if "MATERIALIZE COLUMN" in sql:
            raise KeyboardInterrupt
        return command(sql, *given, **more)

    monkeypatch.setattr(named.client, "command", killed)
    with pytest.raises(KeyboardInterrupt):
        ensure(named.client, KEYS)
    monkeypatch.undo()
    made = ensure(named.client, KEYS)
    assert (made.added, made.being_written) == ([], COLUMNS)
    until_written(named)


@pytest.mark.parametrize(
    "meant",
    [
        "String MATERIALIZED JSONExtractString(properties, 'plan')",
        "String ALIAS JSONExtractString(properties, 'plan')",
        "String DEFAULT JSONExtractString(properties, 'plan')",
        "LowCardinality(String)",
    ],
    ids=["materialized", "alias", "default", "plain"],
)
def test_a_column_of_that_name_that_somebody_made_is_not_read_and_not_touched(
    named: Held, meant: str
) -> None:
    named.client.command(f"ALTER TABLE events_raw ADD COLUMN property_plan {meant}")
    for _ in range(2):
        assert users(named.at(NOW), PRO) == [4, 4, 4]
        made = ensure(named.client, KEYS)
        assert (made.taken, made.unnamed) == (["plan"], [])
        assert "property_plan" not in made.being_written
        assert property_columns.look(named.client, KEYS).taken == ["plan"]
    until_written(named)
    named.client.command("ALTER TABLE events_raw DROP COLUMN property_plan")
    assert ensure(named.client, ["plan"]).added == ["plan"]
    until_written(named)
    assert users(named.at(NOW), PRO) == [4, 4, 4]


def test_what_a_part_has_under_the_name_of_a_column_just_added_is_written_anew(named: Held) -> None:
    """An ALIAS that was written into parts leaves its files there when it is dropped."""
    named.client.command(
        "ALTER TABLE events_raw ADD COLUMN property_plan String ALIAS JSONExtractString(properties, 'plan')"
    )
    named.client.command("ALTER TABLE events_raw MATERIALIZE COLUMN property_plan")
    until_written(named)
    named.client.command("ALTER TABLE events_raw DROP COLUMN property_plan")
    assert ensure(named.client, ["plan"]).being_written == ["property_plan"]
    until_written(named)
    assert users(named.at(NOW), PRO) == [4, 4, 4]


def test_a_column_that_became_another_is_told_by_its_definition_not_by_its_comment(named: Held) -> None:
    ensure(named.client, ["plan"])
    until_written(named)
    named.client.command("ALTER TABLE events_raw COMMENT COLUMN property_plan 'the tariff'")
    assert "property_plan" in property_columns.there(named.client)
    named.client.command(
        "ALTER TABLE events_raw MODIFY COLUMN property_plan String "
        "MATERIALIZED JSONExtractString(properties, 'plan')"
    )
    assert "property_plan" not in property_columns.there(named.client)
    assert property_columns.look(named.client, ["plan"]).taken == ["plan"]


def test_a_column_that_was_swapped_is_read_for_a_minute_at_most(named: Held) -> None:
    clock = PassingClock(NOW)
    warehouse = Warehouse(named.client, clock=clock)
    ensure(named.client, ["plan"])
    until_written(named)
    assert users(warehouse, PRO) == [4, 4, 4]
    named.client.command("ALTER TABLE events_raw DROP COLUMN property_plan")
    named.client.command(
        "ALTER TABLE events_raw ADD COLUMN property_plan String "
        "MATERIALIZED JSONExtractString(properties, 'plan')"
    )
    assert users(warehouse, PRO) == [0, 0, 0], "nobody has looked yet, or this proves nothing"
    clock.seconds = 60
    assert users(warehouse, PRO) == [4, 4, 4]


def test_columns_that_nobody_names_any_more_take_places(named: Held) -> None:
    ensure(named.client, ["plan", "a"])
    try:
        made = ensure(named.client, ["b", "c", "country"])
        assert (made.added, made.left_out) == (["b"], ["c"])
        assert made.unnamed == ["property_a", "property_plan"]
    finally:
        until_written(named)
        named.client.command("ALTER TABLE events_raw DROP COLUMN property_a, DROP COLUMN property_b")


def test_while_events_come_nothing_is_written_again(named: Held) -> None:
    ensure(named.client, KEYS)
    until_written(named)
    coming = threading.Event()

    def come() -> None:
        while not coming.is_set():
            named.add([{"user_id": "new", "occurred_at": "2026-03-30T11:00:00+00:00"}])

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(come)
        try:
            again = [ensure(named.client, KEYS).being_written for _ in range(60)]
        finally:
            coming.set()
        running.result()
    assert not any(again)


def test_what_is_being_written_is_not_begun_again(named: Held) -> None:
    named.client.command("SYSTEM STOP MERGES events_raw")
    assert ensure(named.client, KEYS).being_written == COLUMNS
    assert ensure(named.client, KEYS).being_written == []
    named.client.command("SYSTEM START MERGES events_raw")
    until_written(named)


def test_a_column_that_nobody_names_any_more_stays_and_is_told(named: Held) -> None:
    ensure(named.client, KEYS)
    assert ensure(named.client, ["plan"]).unnamed == ["property_utm:source-1"]


def test_answers_are_the_same_before_meanwhile_and_after(named: Held) -> None:
    before = {scope: users(named.at(NOW), scope) for scope in (PRO, ADS)}
    assert before == {PRO: [4, 4, 4], ADS: [3, 3, 3]}
    named.client.command("SYSTEM STOP MERGES events_raw")
    ensure(named.client, KEYS)
    assert {scope: users(named.at(NOW), scope) for scope in (PRO, ADS)} == before
    named.client.command("SYSTEM START MERGES events_raw")
    until_written(named)
    named.add(
        [{"user_id": "late", "occurred_at": "2026-03-30T11:00:00+00:00", "properties": {"plan": "pro"}}]
    )
    assert users(named.at(NOW), PRO) == [4, 4, 5]


def test_whoever_asks_reads_the_column_after_a_minute_and_does_without_it_at_once(named: Held) -> None:
    clock, client = PassingClock(NOW), Listening(named.client)
    warehouse = Warehouse(client, clock=clock)  # type: ignore[arg-type] - what a question needs of a client
    expected = users(warehouse, ADS)
    assert "property_" not in client.asked[-1]
    ensure(named.client, KEYS)
    named.add([])

    def asked_anew() -> str:
        """The question, put by somebody who has read nothing, over the same memory of columns."""
        warehouse._read_before = type(warehouse._read_before)()
        assert users(warehouse, ADS) == expected
        return client.asked[-1]

    assert "property_" not in asked_anew(), "not known yet"
    clock.seconds = 60
    assert "`property_utm:source-1` IN" in asked_anew()
    until_written(named)
    for column in COLUMNS:
        named.client.command(f"ALTER TABLE events_raw DROP COLUMN `{column}`")
    assert "property_" not in asked_anew()


def test_columns_are_asked_for_once_a_minute(named: Held) -> None:
    clock, client = PassingClock(NOW), Listening(named.client)
    columns = Columns(client, clock=clock)  # type: ignore[arg-type]
    first = columns.known()
    assert first == {"property_country", "property_dwell_ms", "property_film_id"}
    clock.seconds = 59.9
    assert columns.known() is first
    assert len(client.asked) == 1
    clock.seconds = 60
    columns.known()
    assert len(client.asked) == 2
