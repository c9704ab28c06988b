"""What must be equal: raw, everything that views count from it, and what was acknowledged.

A view's target is compared with the view's own SELECT over raw, cell by cell, so that views made later are
compared as well. Nothing here knows how the pipeline works.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

_STATE = re.compile(r"^AggregateFunction\((?:[0-9]+, )?(\w+)(\([^()]*\))?(?:,|\))")
_SIMPLE = re.compile(r"^SimpleAggregateFunction\((\w+)")
_TARGET = re.compile(r"\sTO\s+(?:`?\w+`?\.)?`?(\w+)`?")
RAW = "events_raw"


class Said(NamedTuple):
    """What an event says that can be counted: of the first acknowledged copy."""

    user: int
    quarters: int
    day: str


@dataclass(frozen=True, slots=True)
class View:
    """A materialized view over raw: what it selects, and how its target is read."""

    name: str
    select: str
    target: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]

    def sql(self, source: str) -> str:
        columns = ", ".join((*self.keys, *self.measures))
        return f"SELECT {columns} FROM {source} GROUP BY {', '.join(self.keys)}"


def views(client: Client) -> list[View]:
    """Every view that is fed by raw."""
    found = []
    for name, select, create in client.query(
        "SELECT name, as_select, create_table_query FROM system.tables "
        "WHERE database = currentDatabase() AND engine = 'MaterializedView' ORDER BY name"
    ).result_rows:
        target = _TARGET.search(create)
        if RAW not in select or target is None:
            continue
        keys, measures = _columns(client, target[1])
        found.append(View(name, select, target[1], keys, measures))
    return found


def _columns(client: Client, table: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    keys, measures = [], []
    for name, kind, is_key in client.query(
        "SELECT name, type, is_in_sorting_key FROM system.columns "
        "WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'MATERIALIZED' "
        "ORDER BY position",
        parameters={"table": table},
    ).result_rows:
        if is_key:
            keys.append(name)
        elif state := _STATE.match(kind):
            measures.append(f"{state[1]}Merge{state[2] or ''}({name}) AS m_{name}")
        elif name.startswith("ingested_at"):
            # A repeated insert is stored at another time than the first one was, and that is no difference.
            continue
        elif simple := _SIMPLE.match(kind):
            measures.append(f"{simple[1]}({name}) AS m_{name}")
        else:
            # A table of plain rows, such as the ids: the same row twice is harmless there, two different not.
            measures.append(f"arraySort(groupUniqArray({name})) AS m_{name}")
    return tuple(keys), tuple(measures)


def differences(client: Client) -> list[str]:
    """What raw and the targets of its views do not agree on; empty when all is well."""
    wrong = []
    rows, distinct = client.query(f"SELECT count(), uniqExact(event_id) FROM {RAW}").first_row
    if rows != distinct:
        wrong.append(f"raw has {rows} rows of {distinct} events")
    found = views(client)
    if not found:
        wrong.append("no view counts raw")
    for view in found:
        due, is_ = view.sql(f"({view.select})"), view.sql(view.target)
        for meaning, first, second in (("lacks or miscounts", due, is_), ("has beyond raw", is_, due)):
            sql = f"SELECT * FROM ({first} EXCEPT {second})"
            count = client.query(f"SELECT count() FROM ({sql})").first_row[0]
            if count:
                example = client.query(f"{sql} LIMIT 1").first_row
                wrong.append(f"{view.target} {meaning} {count} rows, such as {example}")
    return wrong


@dataclass(slots=True)
class Ledger:
    """Every id that was answered 202, by what its first copy said; and those that may be stored or not."""

    acknowledged: dict[bytes, Said | None] = field(default_factory=dict)
    unknown: set[bytes] = field(default_factory=set)


class Comparison(NamedTuple):
    """What is stored, held against the ledger."""

    rows: int
    unknown_stored: int
    mismatches: list[str]


def compare(client: Client, ledger: Ledger) -> Comparison:
    """Raw against the ledger, row by row, and everything counted from raw against raw."""
    wrong = differences(client)
    stored: set[bytes] = set()
    unknown = strange = twice = untrue = 0
    examples: list[Any] = []
    for event_id, said in _rows(client):
        if event_id in stored:
            twice += 1
        elif event_id in ledger.acknowledged:
            if ledger.acknowledged[event_id] not in (None, said):
                untrue += 1
                examples.append((event_id.hex(), said, ledger.acknowledged[event_id]))
        elif event_id in ledger.unknown:
            unknown += 1
        else:
            strange += 1
        stored.add(event_id)
    lost = ledger.acknowledged.keys() - stored
    for count, what in (
        (len(lost), "acknowledged and not stored"),
        (twice, "stored twice"),
        (strange, "stored and never sent"),
        (untrue, f"not as first acknowledged, such as {examples[:1]}"),
    ):
        if count:
            wrong.append(f"{count} events {what}")
    wrong += _by_day(client)
    return Comparison(len(stored), unknown, wrong)


def _rows(client: Client) -> Any:
    with client.query_rows_stream(
        "SELECT hex(event_id), toUInt32(substring(user_id, 6)), toUInt32(value * 4), "
        f"toString(toDate(occurred_at)) FROM {RAW}"
    ) as rows:
        for event_id, user, quarters, day in rows:
            yield bytes.fromhex(event_id), Said(user, quarters, day)


def _by_day(client: Client) -> list[str]:
    """Count, users and sum by day: raw against the aggregate that the stats read."""
    raw = _dict(
        client,
        "SELECT toString(toDate(occurred_at)), count(), uniqExact(event_id), uniq(user_id), "
        f"uniqExact(user_id), sum(value) FROM {RAW} GROUP BY 1",
    )
    counted = _dict(
        client,
        "SELECT toString(toDate(bucket_at)), countMerge(actions), uniqMerge(users), sumMerge(points) "
        "FROM events_by_quarter_hour GROUP BY 1",
    )
    due = {day: (rows, users, total) for day, (rows, _, users, _, total) in raw.items()}
    wrong = [
        f"{day}: raw says (actions, users, points) {due.get(day)}, the aggregate {counted.get(day)}"
        for day in sorted(due.keys() | counted.keys())
        if due.get(day) != counted.get(day)
    ]
    return wrong + [
        f"{day}: {rows} rows of {ids} events, {estimated} users of {users}"
        for day, (rows, ids, estimated, users, _) in raw.items()
        if rows != ids or estimated != users
    ]


def _dict(client: Client, sql: str) -> Mapping[str, tuple[Any, ...]]:
    return {day: tuple(numbers) for day, *numbers in client.query(sql).result_rows}


def snapshot(client: Client) -> dict[str, Any]:
    """Everything that analysts can see, for comparing before and after; no raw rows are needed for it."""
    state: dict[str, Any] = {
        RAW: client.query(f"SELECT count(), groupBitXor(cityHash64(*)) FROM {RAW}").first_row
    }
    for view in views(client):
        sql = view.sql(view.target)
        state[view.target] = client.query(
            f"SELECT count(), groupBitXor(cityHash64(*)) FROM ({sql})"
        ).first_row
    return state
