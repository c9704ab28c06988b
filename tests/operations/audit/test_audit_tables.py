"""`ugc audit` and `ugc rollup rebuild` on tables that are broken by hand: found, named, mended, equal."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from warehouse_rows import HOUR, Stand, day_text, days_before, today_at

from etl.batch import Batch

pytestmark = pytest.mark.stack

TODAY = day_text(today_at())
YESTERDAY = day_text(today_at() - timedelta(days=1))
ROWS = 60

BUCKET = f"toDate(bucket_at) = '{YESTERDAY}'"
ONE_USER = f"(day, user_id) = ('{YESTERDAY}', 'user-1')"
YESTERDAY_AT = f"{YESTERDAY} 00:00:00.000"

RAW_YESTERDAY = f"events_raw WHERE toDate(occurred_at) = '{YESTERDAY}'"
CELLS = "events_by_quarter_hour"


def into_a_cell(column: str, state: str) -> str:
    """Add a state to one cell of yesterday."""
    key = "bucket_at, event_type, is_bot, kafka_topic_id, kafka_partition"
    return f"INSERT INTO {CELLS} ({key}, {column}) SELECT {key}, {state} FROM {CELLS} WHERE {BUCKET} LIMIT 1"


# What is done to the tables; the table that is named for it.
DAMAGES: dict[str, tuple[str, str]] = {
    "a row is deleted": (
        f"ALTER TABLE events_raw DELETE WHERE kafka_offset = 7 AND toDate(occurred_at) = '{YESTERDAY}'",
        "events_by_quarter_hour",
    ),
    "a cell is deleted": (
        f"ALTER TABLE events_by_quarter_hour DELETE WHERE {BUCKET} AND event_type = 'click' AND is_bot",
        "events_by_quarter_hour",
    ),
    "a day is deleted": (
        f"ALTER TABLE events_by_quarter_hour DELETE WHERE {BUCKET}",
        "events_by_quarter_hour",
    ),
    "a day is counted twice": (
        f"INSERT INTO events_by_quarter_hour SELECT * FROM events_by_quarter_hour WHERE {BUCKET}",
        "events_by_quarter_hour",
    ),
    "points are added": (into_a_cell("points", "arrayReduce('sumState', [toFloat64(0.25)])"), CELLS),
    "a user is added to a cell": (into_a_cell("users", "arrayReduce('uniqState', ['nobody'])"), CELLS),
    "a user was never there": (f"ALTER TABLE user_activity DELETE WHERE {ONE_USER}", "user_activity"),
    "a user is there all day": (
        f"INSERT INTO user_activity SELECT '{YESTERDAY}', false, 'user-1', toUInt128(0xffffffffffffffff)",
        "user_activity",
    ),
    "somebody was there who was not": (
        f"INSERT INTO user_activity VALUES ('{YESTERDAY}', false, 'nobody', 1)",
        "user_activity",
    ),
    "a span is gone": ("ALTER TABLE user_spans DELETE WHERE user_id = 'user-1'", "user_spans"),
    "a span begins too early": (
        f"INSERT INTO user_spans VALUES ('late', false, '{YESTERDAY_AT}', '{YESTERDAY_AT}')",
        "user_spans",
    ),
    "a span of nobody": (
        f"INSERT INTO user_spans VALUES ('nobody', false, '{YESTERDAY_AT}', '{YESTERDAY_AT}')",
        "user_spans",
    ),
    "a row is copied": (
        f"INSERT INTO events_raw SELECT * REPLACE (now64(3) AS ingested_at) FROM {RAW_YESTERDAY} LIMIT 1",
        "events_raw",
    ),
    "all rows of a day are copied": (
        f"INSERT INTO events_raw SELECT * FROM {RAW_YESTERDAY}",
        "events_raw",
    ),
    "ids are forgotten": ("ALTER TABLE event_ids DELETE WHERE kafka_offset % 3 = 1", "event_ids"),
}


def filled(here: Stand) -> Batch:
    """Three days, seven users and one who came yesterday; some of it by bots."""
    times = [at + timedelta(minutes=11 * number) for number, at in enumerate(days_before(3))]
    batch = here.batch(ROWS, times=times)
    here.insert(batch)
    here.insert(here.batch(9, first=100, times=[at + HOUR for at in times], bot_reasons=["declared"]))
    late = today_at() - timedelta(days=1) + 2 * HOUR
    here.insert(here.batch(1, first=200, times=[late], user_id="late"))
    return batch


def truth(here: Stand) -> dict[str, Any]:
    """What every aggregate should come to, from the rows one by one."""
    rows = here.admin.query(
        "SELECT occurred_at, event_type, is_bot, user_id, value, toString(toUInt128(event_id)) "
        "FROM events_raw",
        tz_mode="aware",
    ).result_rows
    cells: Counter[Any] = Counter()
    quarters: dict[Any, int] = {}
    spans: dict[Any, tuple[datetime, datetime]] = {}
    for at, kind, bot, user, value, _ in rows:
        bucket = at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)
        cells[(bucket, kind, bot, "actions")] += 1
        cells[(bucket, kind, bot, "points")] += value
        key = (at.date(), bot, user)
        quarters[key] = quarters.get(key, 0) | 1 << (at.hour * 4 + at.minute // 15)
        first, last = spans.get((user, bot), (at, at))
        spans[(user, bot)] = (min(first, at), max(last, at))
    return {"cells": dict(cells), "quarters": quarters, "spans": spans, "ids": {row[5] for row in rows}}


def told(here: Stand) -> dict[str, Any]:
    """What they come to."""

    def ask(sql: str) -> Any:
        return here.admin.query(sql, tz_mode="aware").result_rows

    cells: dict[Any, float] = {}
    for bucket, kind, bot, actions, points in ask(
        "SELECT bucket_at, event_type, is_bot, countMerge(actions), sumMerge(points) "
        "FROM events_by_quarter_hour GROUP BY 1, 2, 3"
    ):
        cells |= {(bucket, kind, bot, "actions"): actions, (bucket, kind, bot, "points"): points}
    return {
        "cells": cells,
        "quarters": {
            (day, bot, user): int(mask)
            for day, bot, user, mask in ask(
                "SELECT day, is_bot, user_id, groupBitOr(quarter_hours) FROM user_activity GROUP BY 1, 2, 3"
            )
        },
        "spans": {
            (user, bot): (first, last)
            for user, bot, first, last in ask(
                "SELECT user_id, is_bot, min(first_at), max(last_at) FROM user_spans GROUP BY 1, 2"
            )
        },
        "ids": {row[0] for row in ask("SELECT DISTINCT toString(id) FROM event_ids")},
    }


def damage(here: Stand, sql: str) -> None:
    here.admin.command(sql, settings={"mutations_sync": 2, "insert_deduplicate": 0})


def test_nothing_there_is_nothing_wrong(ugc: Callable[..., Any]) -> None:
    done = ugc("audit", "--tables")
    assert done.code == 0
    assert "holds no day whole" in done.out


def test_tables_that_agree(here: Stand, ugc: Callable[..., Any]) -> None:
    filled(here)
    done = ugc("audit", "--tables", "--json")
    assert (done.code, done.json["wrong"]) == (0, [])
    assert TODAY in done.json["days"]
    assert YESTERDAY in done.json["days"]
    raw = {each["day"]: each["in_raw"] for each in done.json["tables"] if each["table"] == "events_raw"}
    assert sum(raw.values()) == ROWS + 10
    assert all(each["in_raw"] == each["in_table"] for each in done.json["tables"])
    assert told(here) == truth(here)
    assert "all agree" in ugc("audit", "--tables").out


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_broken_by_hand_is_found_named_and_mended(
    name: str, here: Stand, ugc: Callable[..., Any]
) -> None:
    filled(here)
    sql, table = DAMAGES[name]
    damage(here, sql)
    found = ugc("audit", "--tables", "--json")
    assert found.code == 1
    assert any(line.startswith(f"{table} {YESTERDAY}") for line in found.json["wrong"])
    days = found.json["days_wrong"]
    assert YESTERDAY in days
    for day in days:
        assert ugc("rollup", "rebuild", "--day", day).code == 0
    again = ugc("audit", "--tables", "--json")
    assert (again.code, again.json["wrong"]) == (0, [])
    due, is_ = truth(here), told(here)
    if name == "a row is deleted":
        due["ids"] = is_["ids"]  # the id of a row that somebody deleted stays known
    assert is_ == due


def test_a_row_that_is_there_twice_is_named_and_the_first_one_stays(
    here: Stand, ugc: Callable[..., Any]
) -> None:
    batch = filled(here)
    due = told(here)
    row = orjson.loads(next(iter(batch.lines)))
    copy = here.of([row["event_id"]], [today_at() + HOUR], first=500, user_id="copied")
    here.insert(copy)
    found = ugc("audit", "--tables", "--json")
    assert found.code == 1
    assert any(row["event_id"] in line and line.startswith("events_raw") for line in found.json["wrong"])
    assert any(line.startswith("event_ids: 1 ids") for line in found.json["wrong"])
    done = ugc("rollup", "rebuild", "--day", TODAY)
    assert done.code == 0
    assert "1 copy was taken out of events_raw" in done.out
    assert told(here) == truth(here) == due
    again = ugc("audit", "--tables", "--json")
    assert [line.partition(":")[0] for line in again.json["wrong"]] == ["event_ids"], (
        "it was stored twice once"
    )


def test_a_day_that_is_asked_for_and_not_held_is_refused(here: Stand, ugc: Callable[..., Any]) -> None:
    filled(here)
    old = day_text(today_at() - timedelta(days=40))
    for command in (("audit", "--tables"), ("rollup", "rebuild")):
        refused = ugc(*command, "--day", old)
        assert refused.code == 1
        assert f"does not hold {old} whole" in refused.err
    assert ugc("audit", "--day", "21.11.2026").code == 2


def test_only_the_days_asked_for_are_looked_at(here: Stand, ugc: Callable[..., Any]) -> None:
    filled(here)
    damage(here, DAMAGES["a day is deleted"][0])
    assert ugc("audit", "--tables", "--day", TODAY).code == 0
    found = ugc("audit", "--tables", "--day", YESTERDAY)
    assert found.code == 1
    assert f"wrong {CELLS} {YESTERDAY}" in found.out
    assert f"ugc rollup rebuild --day {YESTERDAY}" in found.out


def test_values_that_add_up_to_infinity_are_no_difference(here: Stand, ugc: Callable[..., Any]) -> None:
    here.insert(here.batch(6, times=[today_at() - timedelta(days=1)], value=1e308))
    done = ugc("audit", "--tables", "--json")
    assert (done.code, done.json["wrong"]) == (0, [])
    damage(here, f"ALTER TABLE {CELLS} DELETE WHERE 1")
    assert ugc("audit", "--tables").code == 1


def test_rows_that_only_the_aggregate_has_are_told_before_anybody_makes_the_day_anew(
    here: Stand, ugc: Callable[..., Any]
) -> None:
    yesterday = today_at() - timedelta(days=1)
    here.insert(here.batch(10, times=[yesterday]))
    here.insert(here.batch(5, first=100, times=[yesterday + 3 * HOUR]))
    here.delete("events_raw", "kafka_offset < 4")
    # As many are missing the other way round: the sums agree.
    here.delete(CELLS, f"bucket_at > '{yesterday + 2 * HOUR:%F %T}'")
    found = ugc("audit", "--tables")
    assert found.code == 1
    assert "4 rows are counted that events_raw does not hold" in found.out
    done = ugc("rollup", "rebuild", "--day", YESTERDAY)
    assert done.code == 0
    assert "4 rows were counted before that events_raw does not hold" in done.err
    assert "note" not in ugc("audit", "--tables").out
