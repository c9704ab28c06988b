"""Drop what should be gone: partitions of which every row is older than its table keeps rows.

ClickHouse drops them itself, by TTL merges; those wait for a free place in a pool, can be switched off, and
stall without a word. Judged by the warehouse's own clock, as the TTL is, and hours later than the TTL.
"""

from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified
from clickhouse.views import (
    ACTIVITY,
    AGGREGATES_KEPT_DAYS,
    IDS,
    IDS_KEPT_DAYS,
    LEDGER,
    LEDGER_KEPT_DAYS,
    QUARTER_HOURS,
    RAW,
    RAW_KEPT_DAYS,
)

# A TTL merge comes every four hours at most.
GRACE_HOURS: Final = 12
# By partitioned table: for how many days it keeps a row.
KEPT_DAYS: Final = {
    RAW: RAW_KEPT_DAYS,
    IDS.target: IDS_KEPT_DAYS,
    QUARTER_HOURS.target: AGGREGATES_KEPT_DAYS,
    ACTIVITY.target: AGGREGATES_KEPT_DAYS,
    LEDGER: LEDGER_KEPT_DAYS,
}


@dataclass(frozen=True, slots=True)
class Overdue:
    """A partition that should be gone; `days_over`: for how long."""

    table: str
    partition: str
    rows: int
    bytes: int
    days_over: int

    def __str__(self) -> str:
        return f"{self.table} {self.partition}: {self.rows:,} rows, {self.days_over} days over their time"


def overdue(client: Client) -> list[Overdue]:
    """Every such partition. Raises a clickhouse.client error when the warehouse does not answer."""
    found = []
    for table, kept_days in KEPT_DAYS.items():
        with classified():
            answer = client.query(
                catalog.query("partitions_overdue").sql,
                parameters={"table": table, "kept_days": kept_days, "grace_hours": GRACE_HOURS},
            )
        found += [Overdue(table, *row) for row in answer.result_rows]
    return found


def sweep(client: Client) -> list[Overdue]:
    """Drop them, as admin; what was dropped. Twice is as once."""
    dropped = overdue(client)
    for each in dropped:
        with classified():
            client.command(f"ALTER TABLE `{each.table}` DROP PARTITION '{each.partition}'")
    return dropped
