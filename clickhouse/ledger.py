"""What the tables say of a stretch of the log: the ledger's ranges, and the ids of their rows."""

from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified

ANSWER_WITHIN_S = 600


@dataclass(frozen=True, slots=True)
class Gap:
    """Offsets that no range covers, the last one included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of a partition's records, by the ledger; `ids`: by the ids that are remembered of them.

    `torn`: ranges whose parts do not add up. `forgotten`: with fewer ids than rows. `unknown`: with more
    than could have become rows. `overlaps`: ranges that begin within another, after a replay; what each
    brought cannot be told apart then.
    """

    ranges: int
    first: int
    last: int
    records: int
    rows: int
    duplicates: int
    dead: int
    canaries: int
    ids: int
    torn: int
    overlaps: int
    forgotten: int
    unknown: int
    example: int
    gaps: tuple[Gap, ...]


def moved(client: Client, *, topic_id: str, partition: int, first: int, end: int) -> Moved:
    """Of the ranges that reach to `first` or beyond and end before `end`.

    Raises a clickhouse.client error when the warehouse does not answer.
    """
    with classified():
        answer = client.query(
            catalog.query("audit_ranges").sql,
            parameters={"topic_id": topic_id, "partition": partition, "first": first, "end": end},
            settings={"max_execution_time": ANSWER_WITHIN_S},
        )
    found: dict[str, Any] = dict(zip(answer.column_names, answer.result_rows[0], strict=True))
    return Moved(**{**found, "gaps": tuple(Gap(*gap) for gap in found["gaps"])})
