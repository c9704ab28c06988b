"""The warehouse as a person asks it: as `analyst`, who reads under limits, in SQL as it was typed.

The server says what may be read and how much of it; nothing here tries to know better. An answer comes whole
or as an error: the server holds it back until it is complete.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from clickhouse.client import WarehouseError, classified, connect
from ops.terminal import spreadsheet
from telemetry.settings import Settings

# What a person calls a format, and what ClickHouse calls it.
FORMATS: Final = {
    "table": "PrettyCompactMonoBlock",
    "vertical": "Vertical",
    "markdown": "Markdown",
    "csv": "CSVWithNames",
    "spreadsheet": "CSVWithNames",
    "tsv": "TabSeparatedWithNames",
    "json": "JSON",
    "ndjson": "JSONEachRow",
    "parquet": "Parquet",
}
BINARY: Final = frozenset({"parquet"})
TIMEOUT_S_MAX: Final = 60
PIECE_BYTES: Final = 64 * 1024

# What to do about a limit of the role, by ClickHouse's code.
WAYS_OUT: Final = {
    158: "ask for fewer days: the limit is on rows read",
    159: f"ask for fewer days, or give it longer with --timeout (at most {TIMEOUT_S_MAX} s)",
    164: "this console reads; `ugc settings --show-secrets` has the passwords of those who may more",
    201: "the hour's quota of analyst is used up",
    202: "four questions of analyst run at a time; wait for one of them",
    241: "ask for fewer days, or group by something coarser: the limit is on memory",
    307: "ask for fewer columns or days: the limit is on bytes read",
    396: "add a LIMIT, or aggregate: the limit is on the rows and bytes of an answer",
    497: "analyst reads the tables of the warehouse and nothing else",
}


class QuestionFailed(WarehouseError):  # noqa: N818 - what happened, said to a person
    """The warehouse did not answer; the message is its own, and the way out where there is one."""


@dataclass(frozen=True, slots=True)
class Analyst:
    """A connection that only reads."""

    client: Client
    timeout_s: float

    def ask(
        self, sql: str, *, output_format: str, parameters: Mapping[str, str] | None = None
    ) -> Iterator[bytes]:
        """The answer in `output_format`, unless the SQL names one itself; piece by piece, but whole.

        Raises QuestionFailed before the first piece; WarehouseError when the connection breaks later.
        """
        _require_text(sql, *(parameters or {}).values())
        settings: dict[str, Any] = {"wait_end_of_query": "1", "max_execution_time": f"{self.timeout_s:g}"}
        try:
            with classified():
                answer: Any = self.client.raw_stream(
                    sql,
                    parameters=dict(parameters) if parameters else None,
                    settings=settings,
                    transport_settings={"X-ClickHouse-Format": FORMATS[output_format]},
                )
        except WarehouseError as error:
            raise told(error) from None
        with closing(answer), classified():
            pieces = iter(partial(answer.read, PIECE_BYTES), b"")
            # The SQL may have named another format than was asked for.
            is_csv = answer.headers.get("X-ClickHouse-Format", "").startswith("CSV")
            yield from spreadsheet.safe(pieces) if output_format == "spreadsheet" and is_csv else pieces

    def rows(self, sql: str, parameters: Mapping[str, str] | None = None) -> list[tuple[Any, ...]]:
        """The answer as values."""
        try:
            with classified():
                found = self.client.query(sql, parameters=dict(parameters) if parameters else None)
        except WarehouseError as error:
            raise told(error) from None
        return [tuple(row) for row in found.result_rows]


def _require_text(*sent: str) -> None:
    """Raises QuestionFailed for what came as bytes that are no UTF-8: Python carries them on as it can."""
    try:
        "".join(sent).encode()
    except UnicodeEncodeError:
        raise QuestionFailed("what was asked is not UTF-8; save it as that, and ask again") from None


def opened(settings: Settings, *, timeout_s: float) -> Analyst:
    """Connect as analyst. Raises WarehouseError when nothing answers or nobody is let in."""
    client = connect(settings.dsn("analyst"), read_timeout_s=int(timeout_s) + 15)
    return Analyst(client, timeout_s)


def told(error: WarehouseError) -> WarehouseError:
    """`error` with what to do next; a server that cannot be reached says that already."""
    if not error.code:
        return error
    message = str(error).rstrip()
    way_out = WAYS_OUT.get(error.code)
    return QuestionFailed(f"{message} ({way_out})" if way_out else message, code=error.code)
