"""What each materialized view adds to the insert of a row: its own SELECT over blocks, into its own target.

A block lies in memory, as it does when an insert hands it to the view. The view's SELECT is run over it and
stored in the target, so that what is measured is the view alone: no difference of two large numbers. Merging
the target's parts later is no part of it. The target counts those rows twice then: nothing is asked after.
"""

import re
from collections.abc import Sequence

from clickhouse_connect.driver.client import Client

from benchmarks.frame.session import Session
from clickhouse import catalog
from clickhouse.views import RAW, VIEWS, View

BLOCKS = 6
TARGET_US = 0.6
_BLOCK = "block_of_rows"


def measure(session: Session, client: Client, *, pid: int, rows: int) -> None:
    """Every view over events_raw, over blocks of so many rows; the blocks are rows that are stored."""
    tables = _blocks(session, client, rows)
    # All of them until the end: what one view has stored would be merged while the next one is watched.
    for view in VIEWS:
        client.command(f"SYSTEM STOP MERGES {view.target}")
    for view in VIEWS:
        costs_s = [_cost(session, client, view, each, pid) for each in tables]
        session.figure(
            f"stats.view.{view.target}",
            f"{view.target}: CPU that its view adds to a row",
            "µs",
            # The first one warms up.
            [each / rows * 1e6 for each in costs_s[1:]],
            target=TARGET_US,
            note=f"blocks of {rows:,} rows as they arrived, without merges",
        )
    for view in VIEWS:
        client.command(f"SYSTEM START MERGES {view.target}")
    for each in tables:
        client.command(f"DROP TABLE {each}")


def _blocks(session: Session, client: Client, rows: int) -> Sequence[str]:
    """Tables in memory with the rows of one insert each, from the middle of the month on."""
    tables = []
    ((partition, last),) = client.query(
        f"SELECT kafka_partition, max(kafka_offset) FROM {RAW} GROUP BY 1 ORDER BY 1 LIMIT 1"  # noqa: S608
    ).result_rows
    first = (int(last) + 1) // 2 // rows * rows
    for number in range(BLOCKS):
        table = f"{_BLOCK}_{number}"
        begins = min(first + number * rows, int(last) + 1 - rows)
        client.command(f"CREATE TABLE {table} ENGINE = Memory AS SELECT * FROM {RAW} LIMIT 0")  # noqa: S608
        client.command(
            f"INSERT INTO {table} SELECT * FROM {RAW} "  # noqa: S608
            f"WHERE kafka_partition = {partition} AND kafka_offset BETWEEN {begins} AND {begins + rows - 1}"
        )
        stored = int(str(client.command(f"SELECT count() FROM {table}")))  # noqa: S608
        session.check(f"rows of block {number}", rows, stored)
        tables.append(table)
    return tables


def _cost(session: Session, client: Client, view: View, table: str, pid: int) -> float:
    """CPU seconds of one block on its way through the view into its target."""
    answer = client.query(catalog.query("view_definition").sql, parameters={"view": view.name}).result_rows
    select, names = answer[0]
    over = re.sub(rf"\b(?:\w+\.)?{RAW}\b", table, select)
    with session.watch({"warehouse": pid}) as watch:
        client.command(
            f"INSERT INTO {view.target} ({', '.join(names)}) {over}",
            settings={"max_insert_threads": 1, "max_threads": 1},
        )
    return watch.cost().cpu_s["warehouse"]
