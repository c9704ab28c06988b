"""From a record of the log to a row of the warehouse: pure, so that the same record gives the same bytes.

The codec's value is already a JSON object of a row's columns; what the log knows and the client does not
(topic, partition, offset) is spliced in front of its members. This is the last place that speaks of
events: after it there are rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

from contract import wire
from etl.cutting import Cut
from etl.errors import Poison
from etl.ports import DeadLetter
from etl.ranges import LogRecord

# What a row brings, in the order of its bytes; every other column of the table has a default.
COLUMNS = (
    "kafka_topic_id",
    "kafka_partition",
    "kafka_offset",
    "event_id",
    "occurred_at",
    "user_id",
    "event_type",
    "value",
    "session_id",
    "skew_ms",
    "received_at",
    "ip",
    "user_agent_family",
    "bot_reasons",
    "properties",
)

# The narrowest clock in the warehouse counts seconds since 1970 in 32 bits, and wraps around in silence.
STORABLE_MS_MAX = 4_102_444_800_000 - 1
TIME_NOT_STORABLE = "time_not_storable"

_TIME_AT = wire.OCCURRED_AT.start
_BEFORE_ID = b'{"event_id":"'
_BEFORE_TIME = b'","occurred_at":"'
_BEFORE_PROPERTIES = b',"properties":'
_MEMBERS = 12
_DAY = slice(_TIME_AT, _TIME_AT + len("2026-11-21"))
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Row:
    """One line for the warehouse, and the event it came from."""

    event: wire.WireEvent
    line: bytes

    @property
    def event_id(self) -> str:
        """The id it is known by."""
        return self.event.event_id

    def content(self) -> object:
        """What the client said, without what the way here added: equal for copies that agree.

        The skew is left out: it says when a copy was sent, and every copy is sent at another time.
        """
        event = self.event
        return (
            event.occurred_at_ms,
            event.user_id,
            event.event_type,
            event.value,
            event.session_id,
            event.properties,
        )


@dataclass(frozen=True, slots=True)
class Decoded:
    """A range, read: its rows and its dead letters, each in the order of their offsets."""

    rows: list[Row]
    dead: list[DeadLetter]


def decode(cut: Cut) -> Decoded:
    """Every record of `cut` is in the result once: as a row, or as a dead letter with its reason."""
    read = Decoded([], [])
    to_row = row_maker(cut.assignment.topic_id, cut.assignment.partition)
    for record in cut.records:
        try:
            read.rows.append(to_row(record))
        except Poison as poison:
            read.dead.append(DeadLetter(record, poison.reason, str(poison)))
    return read


def row_maker(topic_id: str, partition: int) -> Callable[[LogRecord], Row]:
    """A function from a record of that partition to its row; it raises Poison when there is none."""
    origin = f'{{"kafka_topic_id":"{topic_id}","kafka_partition":{partition},"kafka_offset":%d,'.encode()

    def to_row(record: LogRecord) -> Row:
        try:
            event = wire.decode(record.value, record.headers)
        except wire.Undecodable as error:
            raise Poison(error.reason_code, error.message) from None
        for at_ms in (event.occurred_at_ms, event.received_at_ms):
            if not 0 <= at_ms <= STORABLE_MS_MAX:
                raise Poison(TIME_NOT_STORABLE, f"{wire.instant(at_ms)} is not within 1970 to 2099")
        value = record.value
        if value is None or not _as_written(value, event.properties):
            value = wire.encode(event.event, event.arrival).value
        return Row(event, origin % record.offset + value[1:])

    return to_row


def day_of(record: LogRecord) -> bytes:
    """The UTC day the event happened on; empty when the record is no event."""
    value = record.value
    if value is not None and _begins_as_written(value):
        return value[_DAY]
    try:
        return b"%d" % (wire.decode(value, record.headers).occurred_at_ms // _DAY_MS)
    except wire.Undecodable:
        return b""


def _begins_as_written(value: bytes) -> bool:
    return value.startswith(_BEFORE_ID) and value.startswith(_BEFORE_TIME, _TIME_AT - len(_BEFORE_TIME))


def _as_written(value: bytes, properties: bytes) -> bool:
    """Whether a value that the codec read is laid out as the codec writes: each member once, no space around.

    Other layouts are written anew, because the warehouse's own reader refuses what the codec may read (a
    member that is repeated, a space in front), and one refused row would hold up all. In a string a quote
    is escaped, so a quote before a colon that is not ends a member's name.
    """
    head, tail = value[: -len(properties) - 1], value[-len(properties) - 1 :]
    return (
        _begins_as_written(value)
        and tail == properties + b"}"
        and head.endswith(_BEFORE_PROPERTIES)
        and head.count(b'":') - head.count(b'\\":') == _MEMBERS
    )
