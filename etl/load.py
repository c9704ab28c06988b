"""The warehouse as the pipeline uses it: which ids are there, and one insert a range.

clickhouse.client sorts ClickHouse's errors; here its classes become the pipeline's branches:
Unavailable -> Retryable; Rejected and QueryFailed -> Fatal. A block that the table rejects is Fatal because
every row in it was checked before: contract and schema disagree, and skipping rows would hide that.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import QueryFailed, Rejected, Unavailable, classified
from etl.errors import Fatal, Retryable
from etl.rows import COLUMNS
from telemetry.health import NotReady

TABLE = "events_raw"
PING_TIMEOUT_S = 3.0

# A ClickHouse server refuses a form field above 128 KiB (http_max_field_value_size), and no query can raise
# that; an id is 39 bytes there, so this many fit.
IDS_A_QUESTION_MAX = 3_000

INSERT_SETTINGS: dict[str, Any] = {
    # Answered when stored, not when queued: the default is 1.
    "async_insert": 0,
    "insert_deduplicate": 1,
    # A repeated insert must be dropped by the view's target too, or the aggregate counts it twice.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # One block, whatever its size: a part of an insert is what a crash could leave behind.
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 0,
    "input_format_parallel_parsing": 0,
    "date_time_input_format": "best_effort",
    # By default a member without a column is left out and a null becomes the column's default: silently.
    "input_format_skip_unknown_fields": 0,
    "input_format_null_as_default": 0,
}

UNKNOWN_TABLE = 60
UNKNOWN_DATABASE = 81


class ClickHouseStore:
    """The real row store."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def columns(self) -> tuple[str, ...]:
        """The columns without a default. Fatal when the table is missing."""
        with _branched():
            described = self._client.query(f"DESCRIBE TABLE {TABLE}").result_rows
        return tuple(name for name, _type, default_type, *_ in described if not default_type)

    def stored(self, event_ids: Sequence[str]) -> set[str]:
        """Those of `event_ids` that have a row."""
        sql = catalog.query("stored_ids").sql
        found: set[str] = set()
        for start in range(0, len(event_ids), IDS_A_QUESTION_MAX):
            ids = list(event_ids[start : start + IDS_A_QUESTION_MAX])
            with _branched():
                rows = self._client.query(sql, parameters={"ids": ids}).result_rows
            found.update(str(UUID(str(event_id))) for (event_id,) in rows)
        return found

    def insert(self, block: bytes, *, token: str) -> None:
        """Store `block` under `token`; see the port."""
        settings = {**INSERT_SETTINGS, "insert_deduplication_token": token}
        with _branched():
            self._client.raw_insert(
                TABLE, column_names=COLUMNS, insert_block=block, settings=settings, fmt="JSONEachRow"
            )

    def ping(self) -> None:
        """Raise NotReady unless the warehouse answers."""
        if not self._client.ping(PING_TIMEOUT_S):
            raise NotReady("the warehouse does not answer; look at its log")


def check_columns(there: Sequence[str]) -> None:
    """Raise Fatal unless the table takes exactly what our rows bring."""
    missing = sorted(set(COLUMNS) - set(there))
    if missing:
        raise Fatal(f"{TABLE} has no column {', '.join(missing)}; bring the schema up to date: `ugc migrate`")
    strange = sorted(set(there) - set(COLUMNS))
    if strange:
        raise Fatal(
            f"{TABLE} wants {', '.join(strange)}, which this version does not write; "
            "start the version that belongs to the schema"
        )


@contextmanager
def _branched() -> Iterator[None]:
    try:
        with classified():
            yield
    except Unavailable as error:
        raise Retryable(str(error)) from error
    except Rejected as error:
        raise Fatal(
            f"the warehouse rejects rows that the contract takes, so nothing goes on ({error}); "
            "bring the schema up to date: `ugc migrate`"
        ) from error
    except QueryFailed as error:
        if error.code in (UNKNOWN_TABLE, UNKNOWN_DATABASE):
            raise Fatal(f"{TABLE} is missing; make the schema: `ugc migrate` ({error})") from error
        raise Fatal(f"the warehouse refuses: {error}") from error
