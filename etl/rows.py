"""From records of the log to rows of the warehouse: pure, so that the same record gives the same bytes.

The codec's value is already a JSON object of a row's columns; what the log knows and the client does not
(topic, partition, offset) is spliced in front of its members. This is the last place that speaks of
events: after it there are rows.

Two ways lead to the same bytes. The fast one looks at a few fixed places of many values at once and trusts
the rest; what it trusts wrongly the warehouse refuses, and the range is read again by the careful one, which
takes every record through the codec.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from clickhouse.views import IDS_KEPT_DAYS
from contract import wire
from etl.batch import Batch, DeadLetter
from etl.columns import IdColumn, offset_column
from etl.errors import Poison
from etl.heads import days_of
from etl.ports import Message
from etl.ranges import LogRecord, Offset

# Rises whenever the same record would give other bytes than before: a redo compares.
DECODER: Final = 1

# What a row brings, in the order of its bytes; every other column of the table has a default.
COLUMNS: Final = (
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

# An event received longer ago could be a copy of one whose id is forgotten by now, or forgotten at once.
HORIZON_DAYS: Final = IDS_KEPT_DAYS - 1
# The narrowest clock in the warehouse counts seconds since 1970 in 32 bits, and wraps around in silence.
STORABLE_MS_MAX: Final = 4_102_444_800_000 - 1
# How far a receipt may lie from the event. Our collector takes none that is 30 days old or 5 minutes ahead;
# a foreign receipt decides how long an id is remembered. events_raw's constraints say the same.
RECEIVED_BEFORE_MS_MAX: Final = 3_600_000
RECEIVED_AFTER_MS_MAX: Final = 31 * 86_400_000

CANARY_HEADER: Final = "ugc-canary"

TIME_NOT_STORABLE: Final = "time_not_storable"
TIMES_DISAGREE: Final = "times_disagree"
OLDER_THAN_HORIZON: Final = "older_than_horizon"
KEY_IS_NOT_EVENT_ID: Final = "key_is_not_event_id"

_DAY_MS = 86_400_000
_TIME_AT = wire.OCCURRED_AT.start
_BEFORE_ID = b'{"event_id":"'
_BEFORE_TIME = b'","occurred_at":"'
_BEFORE_PROPERTIES = b',"properties":'
_MEMBERS = 12
_LAST_DAY = b"2099-12-31"
_HEADERS = list(wire.HEADERS)


class RowReader:
    """Reads records of one range. What it makes of them depends on nothing but them and `cut_at_ms`."""

    def __init__(self, topic_id: str, partition: int, *, cut_at_ms: int, careful: bool = False) -> None:
        self._head = (
            f'\n{{"kafka_topic_id":"{topic_id}","kafka_partition":{partition},"kafka_offset":'.encode()
        )
        self._careful = careful
        self._oldest_ms = cut_at_ms - HORIZON_DAYS * _DAY_MS
        # An event lies at most some minutes before it happened: one of a later day was received since.
        self._watched_until = _day_of(max(0, self._oldest_ms + 2 * _DAY_MS))

    def read(self, messages: Sequence[Message]) -> Batch:
        """Every one of `messages` is in the result once: as a row, a dead letter, or a canary."""
        if not self._careful:
            batch = self._fast(messages)
            if batch is not None:
                return batch
        if len(messages) > 1:
            # Most likely a single one is unlike the others: halves find it and let the rest pass fast.
            middle = len(messages) // 2
            batch = self.read(messages[:middle])
            batch.extend(self.read(messages[middle:]))
            return batch
        batch = Batch()
        for message in messages:
            self._slow(message, batch)
        return batch

    def _fast(self, messages: Sequence[Message]) -> Batch | None:
        """All as rows, if every one looks as the codec writes it; None if any does not."""
        count = len(messages)
        values: list[Any] = [message.value() for message in messages]
        ids: list[Any] = [message.key() for message in messages]
        days = days_of(ids, values)
        if (
            not days
            or [message.headers() for message in messages].count(_HEADERS) != count
            or min(days) <= self._watched_until
            or max(days) > _LAST_DAY
        ):
            return None
        offsets: list[Any] = [message.offset() for message in messages]
        # What is the same for all is the separator of one join: the cheapest way to write it so often.
        lines = [b"%d,%b" % (offset, value[1:]) for offset, value in zip(offsets, values, strict=True)]
        lines[0] = self._head[1:] + lines[0]
        block = self._head.join(lines)
        if block.count(b"\n") != count - 1:  # a value of several lines
            return None
        return Batch(
            offsets=offset_column(offsets),
            ids=IdColumn(ids),
            blocks=[block],
            days=days,
            records=count,
            size_bytes=len(block),
            last_timestamp_ms=messages[-1].timestamp()[1],
        )

    def _slow(self, message: Message, batch: Batch) -> None:
        record = whole(message)
        batch.records += 1
        batch.size_bytes += record.size_bytes
        batch.last_timestamp_ms = record.timestamp_ms
        sent_at_ms = canary_sent_at_ms(record)
        if sent_at_ms is not None:
            batch.canaries += 1
            batch.canary_sent_at_ms = max(sent_at_ms, batch.canary_sent_at_ms or 0)
            batch.size_bytes -= record.size_bytes
            return
        try:
            event_id, day, line = self._row(record)
        except Poison as poison:
            batch.dead.append(DeadLetter(record, poison.reason, str(poison)))
            return
        batch.offsets.append(record.offset)
        batch.ids += IdColumn([event_id])
        batch.blocks.append(line)
        batch.days.add(day)
        batch.size_bytes += len(line)
        if self._careful:
            batch.whole.append(record)
        else:
            batch.size_bytes -= record.size_bytes

    def _row(self, record: LogRecord) -> tuple[bytes, bytes, bytes]:
        """Its id, its day, its line. Raises Poison when it is none."""
        try:
            event = wire.decode(record.value, record.headers)
        except wire.Undecodable as error:
            raise Poison(error.reason_code, error.message) from None
        event_id = event.event_id.encode()
        if record.key != event_id:
            raise Poison(KEY_IS_NOT_EVENT_ID, "copies of it may lie in other partitions and count twice")
        for at_ms in (event.occurred_at_ms, event.received_at_ms):
            if not 0 <= at_ms <= STORABLE_MS_MAX:
                raise Poison(TIME_NOT_STORABLE, f"{wire.instant(at_ms)} is not within 1970 to 2099")
        after_ms = event.received_at_ms - event.occurred_at_ms
        if not -RECEIVED_BEFORE_MS_MAX <= after_ms <= RECEIVED_AFTER_MS_MAX:
            happened, received = wire.instant(event.occurred_at_ms), wire.instant(event.received_at_ms)
            raise Poison(TIMES_DISAGREE, f"happened {happened}, received {received}")
        day = _day_of(event.occurred_at_ms)
        if event.received_at_ms < self._oldest_ms and day <= self._watched_until:
            told = f"received {wire.instant(event.received_at_ms)}: ids of that time are forgotten"
            raise Poison(OLDER_THAN_HORIZON, told)
        value = record.value
        if value is None or not _as_written(value, event.properties):
            value = wire.encode(event.event, event.arrival).value
        return event_id, day, b"%b%d,%b" % (self._head[1:], record.offset, value[1:])


def whole(message: Message) -> LogRecord:
    """The message with all that it carries."""
    # What a consumer returns has an offset; the client's own type says less.
    offset = Offset(message.offset() or 0)
    headers = tuple(message.headers() or ())
    return LogRecord(offset, message.timestamp()[1], message.key(), message.value(), headers)


def canary_sent_at_ms(record: LogRecord) -> int | None:
    """When the canary was sent that this record is; None for anything else, or a time nothing can hold."""
    if record.value:
        return None
    said = next((value for name, value in record.headers if name == CANARY_HEADER), None)
    if not said or not said.isdigit() or len(said) >= 16:
        return None
    sent_at_ms = int(said)
    return sent_at_ms if sent_at_ms <= STORABLE_MS_MAX else None


def _day_of(at_ms: int) -> bytes:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat().encode()


def _as_written(value: bytes, properties: bytes) -> bool:
    """Whether a value that the codec read is laid out as the codec writes: each member once, no space around.

    Other layouts are written anew, because the warehouse's own reader refuses what the codec may read (a
    member that is repeated, a space in front), and one refused row would hold up all. In a string a quote
    is escaped, so a quote before a colon that is not ends a member's name.
    """
    head, tail = value[: -len(properties) - 1], value[-len(properties) - 1 :]
    return (
        value.startswith(_BEFORE_ID)
        and value.startswith(_BEFORE_TIME, _TIME_AT - len(_BEFORE_TIME))
        and tail == properties + b"}"
        and head.endswith(_BEFORE_PROPERTIES)
        and head.count(b'":') - head.count(b'\\":') == _MEMBERS
    )
