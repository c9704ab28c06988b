"""A day for which nothing comes any more becomes one part: a question opens one for each day it looks at."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse.client import connect
from clickhouse.views import ACTIVITY, QUARTER_HOURS

pytestmark = pytest.mark.stack

DAY = "2026-03-01"
OTHER_DAY = "2026-03-02"
A_ROW = {
    QUARTER_HOURS.target: "(bucket_at, users) SELECT '{day} 10:15:00', uniqState('u{number}')",
    ACTIVITY.target: "(day, user_id) SELECT '{day}', 'u{number}'",
}
WITHIN_S = 60


@pytest.fixture(scope="module")
def admin(warehouse_dsn: Callable[[str], str]) -> Iterator[Client]:
    with connect(warehouse_dsn("admin")) as client:
        yield client


@pytest.mark.parametrize("table", A_ROW)
def test_a_day_is_merged_whole_ten_minutes_after_its_last_part(admin: Client, table: str) -> None:
    sql = f"SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = '{table}'"
    settings = str(admin.command(sql))
    assert "min_age_to_force_merge_seconds = 600," in settings
    # Or a part that comes late would have the whole day written anew, and so would the next one.
    assert "min_age_to_force_merge_on_partition_only = 1" in settings


@pytest.mark.parametrize("table", A_ROW)
def test_the_engine_makes_one_part_of_each_quiet_day(admin: Client, table: str) -> None:
    """On a table like it, where a second is long."""
    like_it = f"{table}_{uuid.uuid4().hex[:8]}"

    def parts_a_day() -> list[int]:
        sql = (
            "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() "
            f"AND table = '{like_it}' GROUP BY partition"
        )
        return [row[0] for row in admin.query(sql).result_rows]

    admin.command(f"CREATE TABLE {like_it} AS {table}")
    try:
        admin.command(f"SYSTEM STOP MERGES {like_it}")
        for number in range(3):
            for day in (DAY, OTHER_DAY):
                admin.command(f"INSERT INTO {like_it} " + A_ROW[table].format(day=day, number=number))
        assert parts_a_day() == [3, 3]
        admin.command(f"ALTER TABLE {like_it} MODIFY SETTING min_age_to_force_merge_seconds = 1")
        admin.command(f"SYSTEM START MERGES {like_it}")
        deadline = time.monotonic() + WITHIN_S
        while parts_a_day() != [1, 1] and time.monotonic() < deadline:
            time.sleep(0.2)
        assert parts_a_day() == [1, 1]
    finally:
        admin.command(f"DROP TABLE {like_it}")
