"""What is said of the schema in code is what the migrations make; every object of it explains itself."""

from collections.abc import Callable

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse.client import connect
from clickhouse.views import (
    AGGREGATES_KEPT_DAYS,
    IDS,
    IDS_KEPT_DAYS,
    PROBE,
    RAW,
    RAW_KEPT_DAYS,
    REDO,
    SPANS_KEPT_DAYS,
    VIEWS,
)

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def admin(warehouse_dsn: Callable[[str], str]) -> Client:
    return connect(warehouse_dsn("admin"))


def engine(admin: Client, table: str) -> str:
    sql = f"SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '{table}'"
    return str(admin.query(sql).first_row[0])


def views(admin: Client) -> dict[str, str]:
    """The materialized views there are, and what makes each."""
    return dict(
        admin.query(
            "SELECT name, create_table_query FROM system.tables "
            "WHERE database = currentDatabase() AND engine = 'MaterializedView'"
        ).result_rows
    )


def test_every_view_over_raw_is_declared_with_its_target(admin: Client) -> None:
    there = views(admin)
    assert set(there) == {view.name for view in VIEWS} | {view.redone_by for view in VIEWS if view.redone_by}
    for view in VIEWS:
        sql = there[view.name]
        assert f".{view.target} " in sql or f".`{view.target}` " in sql
        assert f".{RAW} " in sql + " "


def test_what_is_told_again_is_what_was_told_first(admin: Client) -> None:
    there = views(admin)
    for view in VIEWS:
        assert not (view.counting and view.redone_by)
        if view.redone_by:
            first = there[view.name].replace(view.name, "").replace(RAW, REDO)
            again = there[view.redone_by].replace(view.redone_by, "")
            assert first.split(" COMMENT ")[0] == again.split(" COMMENT ")[0]


def test_what_is_told_again_is_no_count_and_no_sum(admin: Client) -> None:
    """Only what says the same however often it is told may be fed again: `any` too, of one value."""
    for view in VIEWS:
        types = [row[1] for row in admin.query(f"DESCRIBE TABLE {view.target}").result_rows]
        kept = [kind for kind in types if "AggregateFunction" in kind]
        harmless = [
            kind for kind in kept if any(f"({name}," in kind for name in ("groupBitOr", "min", "max", "any"))
        ]
        assert (kept == harmless != []) == bool(view.redone_by), view


def test_counting_targets_can_say_what_they_hold(admin: Client) -> None:
    wanted = {"actions", "kafka_topic_id", "kafka_partition", "kafka_offset_max"}
    for view in VIEWS:
        columns = {row[0] for row in admin.query(f"DESCRIBE TABLE {view.target}").result_rows}
        assert (wanted <= columns) == view.counting
        if view.day_of:
            assert view.day_of in columns
            day = {f"toDate({view.day_of}) ", f"{view.day_of} "}
            assert any(f"PARTITION BY {each}" in engine(admin, view.target) for each in day)
        else:
            assert "PARTITION BY" not in engine(admin, view.target)
    assert [view for view in VIEWS if not view.counting and not view.redone_by] == [IDS]


@pytest.mark.parametrize(
    ("table", "days"),
    [
        (RAW, RAW_KEPT_DAYS),
        (IDS.target, IDS_KEPT_DAYS),
        ("events_by_quarter_hour", AGGREGATES_KEPT_DAYS),
        ("user_activity", AGGREGATES_KEPT_DAYS),
        ("user_spans", SPANS_KEPT_DAYS),
    ],
)
def test_what_is_kept_for_how_long_is_said_once(admin: Client, table: str, days: int) -> None:
    assert f"toIntervalDay({days})" in engine(admin, table)


def test_raw_and_all_that_a_view_feeds_remember_tokens_and_survive_a_loss_of_power(admin: Client) -> None:
    for table in {RAW, *(view.target for view in VIEWS)}:
        settings = engine(admin, table)
        assert "non_replicated_deduplication_window = 10000" in settings
        assert "fsync_after_insert = 1, fsync_part_directory = 1" in settings


@pytest.mark.parametrize("table", [PROBE, REDO])
def test_what_takes_the_rows_of_raw_without_storage_is_as_raw(admin: Client, table: str) -> None:
    def declared(table: str) -> str:
        sql = str(admin.command(f"SHOW CREATE TABLE {table}"))
        return sql[sql.index("(") : sql.index("ENGINE")]

    assert "CONSTRAINT" in declared(RAW)
    assert declared(table) == declared(RAW)
    assert "ENGINE = `Null`" in str(admin.command(f"SHOW CREATE TABLE {table}")).replace("\\n", "\n")


def test_every_table_view_and_column_explains_itself(admin: Client) -> None:
    ours = "database = currentDatabase() AND comment = ''"
    assert admin.query(f"SELECT name FROM system.tables WHERE {ours}").result_rows == []
    assert admin.query(f"SELECT table, name FROM system.columns WHERE {ours}").result_rows == []
