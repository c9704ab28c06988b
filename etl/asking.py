"""One call to the warehouse: with a time limit that ends before our patience, and errors as our branches.

clickhouse.client sorts ClickHouse's errors; here its classes become the pipeline's:
Unavailable -> Retryable, Rejected -> Refused for a block and Fatal for a question, QueryFailed -> Fatal.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import QueryFailed, Rejected, Unavailable, classified
from clickhouse.views import RAW
from etl.errors import Fatal, Refused, Retryable
from etl.packed import PACKED_BYTES, Ids

UNKNOWN_TABLE = 60
UNKNOWN_DATABASE = 81

# The server gives up this much earlier than we do: an insert must have ended when it is sent again.
GIVES_UP_EARLIER = 0.8

# A ClickHouse server refuses a form field above 128 KiB (http_max_field_value_size), and no query can raise
# that: 6,144 ids of 16 bytes, as base64, are one. The questions have so many fields.
FIELD_IDS_MAX: Final = 6_000
FIELDS: Final = 16
QUESTION_IDS_MAX: Final = FIELD_IDS_MAX * FIELDS

# How an error looks that comes after the answer has begun; no sane number of ids spells it by chance.
BROKEN_OFF: Final = (b"__exception__", b"DB::Exception")
SHOWN_BYTES_MAX: Final = 300

STREAM_BYTES: Final = 4 * 1024 * 1024

BLOCK_SETTINGS: Final[Mapping[str, Any]] = {
    # Answered when stored, not when queued: the default is 1.
    "async_insert": 0,
    "insert_deduplicate": 1,
    # A repeated insert must be dropped by the views' targets too, or they count it twice.
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    # One block, whatever its size: a part of an insert is what a crash could leave behind.
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 0,
    "input_format_parallel_parsing": 0,
    # Cutting bounds the days a range happened on; the days it was received on can only be ones near them.
    "max_partitions_per_insert_block": 0,
    "date_time_input_format": "best_effort",
    # By default a member without a column is left out and a null becomes the column's default: silently.
    "input_format_skip_unknown_fields": 0,
    "input_format_null_as_default": 0,
}


_NONE: Final[Mapping[str, Any]] = {}


class _Plain:
    """Text for a parameter in which nothing needs escaping.

    The driver escapes text character by character: 100 ms for the ids of a range. Of other objects it takes
    what `str` says.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text


class Warehouse:
    """The calls that the row store is made of. Every method raises Retryable or Fatal when it cannot."""

    def __init__(self, client: Client, *, answer_within_s: float) -> None:
        self.client = client
        self._limit = {"max_execution_time": max(1.0, round(answer_within_s * GIVES_UP_EARLIER, 1))}

    def ask(self, name: str, **parameters: Any) -> list[Sequence[Any]]:
        """The answer's rows to one question of the catalogue."""
        with branched():
            result = self.client.query(
                catalog.query(name).sql, parameters=parameters, settings=dict(self._limit), tz_mode="aware"
            )
            return list(result.result_rows)

    def ask_about(self, name: str, ids: Ids) -> Iterator[list[Sequence[Any]]]:
        """The answer's rows to a question about ids, in pieces."""
        for start in range(0, len(ids), QUESTION_IDS_MAX):
            yield self.ask(name, **_fields(ids[start : start + QUESTION_IDS_MAX]))

    def which(self, name: str, ids: Ids) -> bytes:
        """The ids that are the answer to a question about ids, packed and joined."""
        found = b""
        for start in range(0, len(ids), QUESTION_IDS_MAX):
            with branched():
                answer = self.client.raw_query(
                    catalog.query(name).sql,
                    parameters=_fields(ids[start : start + QUESTION_IDS_MAX]),
                    settings=dict(self._limit),
                    fmt="RowBinary",
                )
            _check_whole(answer, len(answer) % PACKED_BYTES)
            found += answer
        return found

    def stream(self, name: str) -> Iterator[bytes]:
        """The answer to a question, packed, as it comes; no time limit, as it reads all there is.

        Raises Retryable when it ends early: what came until then is not all.
        """
        with branched(), self.client.raw_stream(catalog.query(name).sql, fmt="RowBinary") as answer:
            left = b""
            while piece := answer.read(STREAM_BYTES):
                left += piece
                _check_whole(left, 0)
                whole = len(left) - len(left) % PACKED_BYTES
                yield left[:whole]
                left = left[whole:]
            _check_whole(left, len(left))

    def insert(
        self,
        table: str,
        block: Iterable[bytes],
        *,
        columns: Sequence[str],
        token: str = "",
        settings: Mapping[str, Any] = _NONE,
    ) -> None:
        """Store `block`, JSON objects by line, as one. Raises Refused when the table will not take it.

        Under a token it also has a name, so that the server refuses it while the same one is still running:
        that is Retryable, and repeated until what became of the first is decided.
        """
        with branched(refusable=True):
            self.client.raw_insert(
                table,
                column_names=columns,
                # Bytes the driver would copy; what it calls a generator may be anything to iterate over.
                insert_block=cast(Any, block),
                settings={**BLOCK_SETTINGS, **self._limit, **_under(token), **settings},
                fmt="JSONEachRow",
            )

    def run(self, sql: str, *, token: str, settings: Mapping[str, Any]) -> None:
        """Run an insert that brings no data; named as above."""
        with branched():
            self.client.command(sql, settings={**BLOCK_SETTINGS, **self._limit, **_under(token), **settings})

    def ended(self, token: str) -> None:
        """Return when no insert under `token` is running; raises Retryable while one is."""
        with branched():
            self.client.command("SELECT 1", settings={**self._limit, "query_id": _name(token)})


def _check_whole(answer: bytes, over: int) -> None:
    """Raise Retryable when an answer that had begun well, with status 200, ends in an error, or in an id."""
    if over or any(mark in answer for mark in BROKEN_OFF):
        said = bytes(answer[-SHOWN_BYTES_MAX:]).decode(errors="replace")
        raise Retryable(f"the warehouse broke off its answer: {' '.join(said.split())}")


def _name(token: str) -> str:
    return f"ugc:{token}"


def _under(token: str) -> dict[str, str]:
    return {"insert_deduplication_token": token, "query_id": _name(token)} if token else {}


def _fields(ids: Ids) -> dict[str, _Plain]:
    raw = ids.tobytes()
    size = FIELD_IDS_MAX * PACKED_BYTES
    return {
        f"ids_{number:02d}": _Plain(b64encode(raw[number * size : (number + 1) * size]).decode("ascii"))
        for number in range(FIELDS)
    }


@contextmanager
def branched(*, refusable: bool = False) -> Iterator[None]:
    """Turn the warehouse's errors into the pipeline's."""
    try:
        with classified():
            yield
    except Unavailable as error:
        raise Retryable(str(error)) from error
    except Rejected as error:
        if refusable:
            raise Refused(str(error)) from error
        raise Fatal(f"the warehouse refuses: {error}") from error
    except QueryFailed as error:
        if error.code in (UNKNOWN_TABLE, UNKNOWN_DATABASE):
            raise Fatal(
                f"{RAW} or what belongs to it is missing; make the schema: `ugc migrate` ({error})"
            ) from error
        raise Fatal(f"the warehouse refuses: {error}") from error
