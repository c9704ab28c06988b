"""Brings the log and the warehouse into states that a crash leaves behind, on purpose and every time.

What an ETL is about to store is announced by its commit. Freezing the warehouse makes that commit stand
still long enough to be read; putting it back later is a crash after the insert and before the next commit.
"""

import shutil
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.group import Commit, Group
from faults.stand import Child, Stand, eventually

from contract.wire import Record

# A range waits for others so long: what is sent at once is announced at once.
ONE_RANGE = {"UGC_FLUSH_INTERVAL_MS": "800", "UGC_ETL_LOADERS": "4", "UGC_ETL_STOP_WITHIN_MS": "500"}


def announced(
    stand: Stand, group: Group, records: dict[int, Sequence[Record]], *, within_s: float = 30
) -> dict[int, Commit]:
    """Freezes the warehouse, sends `records`, and returns the commits that announce them. It stays frozen."""
    before = {partition: high for partition, (_, high) in group.bounds().items()}
    stand.warehouse.freeze()
    group.send_by_partition(records)

    def intents() -> dict[int, Commit] | None:
        commits = {partition: commit for partition, commit in group.commits().items() if partition in records}
        there = all(
            commit.intended is not None and commit.intended[0] >= before[partition]
            for partition, commit in commits.items()
        )
        return commits if there else None

    try:
        return dict(eventually(intents, within_s=within_s, what="the commits announce what is next"))
    except AssertionError:
        stand.warehouse.thaw()
        raise


def stored_but_not_committed(
    stand: Stand, group: Group, etl: Child, records: dict[int, Sequence[Record]]
) -> dict[int, Commit]:
    """As `etl` leaves it when it dies after its inserts and before its commits. It has ended then."""
    intents = announced(stand, group, records)
    stand.warehouse.thaw()
    group.wait_drained()
    assert etl.end() == 0
    group.commit(intents)
    return intents


def announced_but_not_stored(
    stand: Stand, group: Group, etl: Child, records: dict[int, Sequence[Record]]
) -> dict[int, Commit]:
    """As `etl` leaves it when it dies after its commits and before its inserts. It has ended then."""
    intents = announced(stand, group, records)
    # Asked to end it cannot finish, and leaves; killed it would be waited for until its session is over.
    etl.end(signal.SIGTERM)
    # What the frozen warehouse was sent dies with it.
    stand.warehouse.end(signal.SIGKILL)
    stand.warehouse.start()
    group.commit(intents)
    return intents


@dataclass(frozen=True, slots=True)
class Damage:
    """What is missing of a range: in these tables, on these days (all days when none is named)."""

    tables: tuple[str, ...]
    day: str = ""

    def order(self, partition: int, intent: tuple[int, int], quarters: Sequence[str]) -> list[str]:
        """Statements that take it away. Tokens stay known: nothing is dropped, rows are deleted."""
        first, last = intent
        of_range = f"kafka_partition = {partition} AND kafka_offset BETWEEN {first} AND {last}"
        of_day = {"events_raw": "toDate(occurred_at)", "events_by_quarter_hour": "toDate(bucket_at)"}
        statements = []
        for table in self.tables:
            where = of_range
            if table == "events_by_quarter_hour":
                buckets = ", ".join(f"'{quarter}'" for quarter in quarters)
                where = f"kafka_partition = {partition} AND bucket_at IN ({buckets})"
            if self.day and table in of_day:
                where += f" AND {of_day[table]} = '{self.day}'"
            statements.append(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 2")
        return statements


def forget_tokens(stand: Stand) -> None:
    """The deduplication logs are gone, as after a loss of power: they are never synced to the disk."""
    stand.warehouse.end(signal.SIGTERM)
    for folder in _token_folders(stand):
        shutil.rmtree(folder)
    stand.warehouse.start()


def cut_tokens(stand: Stand) -> None:
    """The deduplication logs end in half a line."""
    stand.warehouse.end(signal.SIGKILL)
    for folder in _token_folders(stand):
        for file in folder.iterdir():
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    stand.warehouse.start()


def _token_folders(stand: Stand) -> list[Path]:
    found = list((stand.directory / "warehouse").rglob("deduplication_logs"))
    assert found, "the warehouse keeps no deduplication log where it was expected"
    return found
