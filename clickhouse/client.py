"""The only connect, and the only place that knows ClickHouse's error codes.

WarehouseError
├── Unavailable   it cannot serve now: network, overload, shutting down. The same call may work later.
├── Rejected      it will not take this data, however often it is sent.
└── QueryFailed   the statement, the schema, the rights or the disk are wrong: somebody must look.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from telemetry.errors import OperatorError

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 60


class WarehouseError(OperatorError):
    """The warehouse did not do what was asked; `code` is ClickHouse's own, 0 when it never answered."""

    def __init__(self, message: str, *, code: int = 0) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(WarehouseError):  # noqa: N818 - a state, not a fault of the program
    """It cannot serve now; the same call may work later."""


class Rejected(WarehouseError):  # noqa: N818
    """It will not take this data, however often it is sent."""


class QueryFailed(WarehouseError):  # noqa: N818
    """The statement, the schema, the rights or the disk are wrong; somebody must look."""


# Codes not listed are QueryFailed: an error nobody thought about must stop somebody, not loop or vanish.
CLASS_OF_CODE: dict[int, type[WarehouseError]] = {
    75: Unavailable,  # CANNOT_WRITE_TO_FILE_DESCRIPTOR: the disk is full, until somebody makes room
    159: Unavailable,  # TIMEOUT_EXCEEDED
    160: Unavailable,  # TOO_SLOW
    201: Unavailable,  # QUOTA_EXCEEDED
    202: Unavailable,  # TOO_MANY_SIMULTANEOUS_QUERIES
    173: Unavailable,  # CANNOT_ALLOCATE_MEMORY
    203: Unavailable,  # NO_FREE_CONNECTION
    209: Unavailable,  # SOCKET_TIMEOUT
    210: Unavailable,  # NETWORK_ERROR
    216: Unavailable,  # QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING: the insert whose answer was lost
    236: Unavailable,  # ABORTED (shutting down)
    241: Unavailable,  # MEMORY_LIMIT_EXCEEDED
    242: Unavailable,  # TABLE_IS_READ_ONLY
    243: Unavailable,  # NOT_ENOUGH_SPACE: as above
    252: Unavailable,  # TOO_MANY_PARTS; but see _LASTING
    279: Unavailable,  # ALL_CONNECTION_TRIES_FAILED
    285: Unavailable,  # TOO_FEW_LIVE_REPLICAS
    319: Unavailable,  # UNKNOWN_STATUS_OF_INSERT
    373: Unavailable,  # SESSION_IS_LOCKED
    394: Unavailable,  # QUERY_WAS_CANCELLED
    439: Unavailable,  # CANNOT_SCHEDULE_TASK
    473: Unavailable,  # DEADLOCK_AVOIDED
    733: Unavailable,  # TABLE_IS_BEING_RESTARTED
    999: Unavailable,  # KEEPER_EXCEPTION
    6: Rejected,  # CANNOT_PARSE_TEXT
    26: Rejected,  # CANNOT_PARSE_QUOTED_STRING
    27: Rejected,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
    25: Rejected,  # CANNOT_PARSE_ESCAPE_SEQUENCE
    33: Rejected,  # CANNOT_READ_ALL_DATA: a brace or a quote too few
    38: Rejected,  # CANNOT_PARSE_DATE
    41: Rejected,  # CANNOT_PARSE_DATETIME
    53: Rejected,  # TYPE_MISMATCH
    69: Rejected,  # ARGUMENT_OUT_OF_BOUND
    70: Rejected,  # CANNOT_CONVERT_TYPE
    72: Rejected,  # CANNOT_PARSE_NUMBER
    117: Rejected,  # INCORRECT_DATA
    130: Rejected,  # CANNOT_READ_ARRAY_FROM_TEXT
    131: Rejected,  # TOO_LARGE_STRING_SIZE
    321: Rejected,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    349: Rejected,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    376: Rejected,  # CANNOT_PARSE_UUID
    407: Rejected,  # DECIMAL_OVERFLOW: a time as a number that nothing can hold
    467: Rejected,  # CANNOT_PARSE_BOOL
    469: Rejected,  # VIOLATED_CONSTRAINT
}

# Of codes that mean two things: the words of the one that does not pass by itself.
_LASTING: dict[int, str] = {
    252: "Too many partitions for single INSERT block",
}
# Whatever code the server wraps it in.
_DISK_IS_FULL = "No space left on device"


def connect(
    dsn: str, *, read_timeout_s: float = READ_TIMEOUT_S, query_timeout_s: float | None = None
) -> Client:
    """A client of the warehouse at `dsn`, safe to share between threads.

    `query_timeout_s`: the server itself ends a query after so long (Unavailable, code 159). Without it, one
    whose answer nobody waits for any more runs on to the limit of its user.

    Raises Unavailable when nothing answers there, QueryFailed when it does not let us in.
    """
    with classified():
        return clickhouse_connect.get_client(
            dsn=dsn,
            connect_timeout=CONNECT_TIMEOUT_S,
            send_receive_timeout=read_timeout_s,
            settings={} if query_timeout_s is None else {"max_execution_time": query_timeout_s},
            # A session would make the server run this client's queries one at a time.
            autogenerate_session_id=False,
            client_name="ugc",
            # Parameters travel in the body: the ids of one range would not fit into a URL.
            form_encode_query_params=True,
        )


@contextmanager
def classified() -> Iterator[None]:
    """Turn whatever the driver raises inside into one of our three errors."""
    try:
        yield
    except (HTTPError, OSError) as error:
        raise Unavailable(f"the warehouse does not answer: {error}") from error
    except ClickHouseError as error:
        raise classify(error) from error


def classify(error: ClickHouseError) -> WarehouseError:
    """Our error for the driver's: by ClickHouse's code where there is one."""
    code: Any = getattr(error, "code", None)
    message = str(error)
    if code is not None:
        found = _SERVER_WORDS.search(message)
        said = found.group(1) if found else message
        return _class_of(int(code), said)(said, code=int(code))
    if not isinstance(error, OperationalError):
        return QueryFailed(message)
    # Without a code nothing reached the engine: refused, cut off or timed out on the way.
    why, where = _REASON.search(message), _ADDRESS.search(message)
    return Unavailable(
        f"the warehouse does not answer{' at ' + where.group() if where else ''} "
        f"({why.group(1).strip() if why else message[:200]}); is it up? `ugc doctor` looks"
    )


def _class_of(code: int, said: str) -> type[WarehouseError]:
    if code in _LASTING and _LASTING[code] in said:
        return QueryFailed
    if _DISK_IS_FULL in said:
        return Unavailable
    return CLASS_OF_CODE.get(code, QueryFailed)


# The driver wraps both in its own words, an address twice and a query id.
_SERVER_WORDS = re.compile(
    r"DB::Exception: (.*?)(?: \(version [^()]*(?:\([^()]*\))?\))?(?: \(for url [^)]*\))?\s*$", re.DOTALL
)
_REASON = re.compile(r"\[Errno -?\d+\] ([^'\")]+)")
_ADDRESS = re.compile(r"https?://[^\s)/?]+")
