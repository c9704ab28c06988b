"""What a dead letter looks like in its topic: the one place that writes and reads its form.

    key      <topic id>:<partition>:<offset> of the record: the letter's id, the same for the same record
    value    the record's value; b"" with the header `ugc-dead-absent` where the record has none, because no
             value at all means "settled" in this topic
    headers  the record's own, `ugc-dead-headers` of them, then ours, which begin with `ugc-dead-`

A letter holds up to `WHOLE_BYTES_MAX` bytes of a record: all of any that came into the log uncompressed. Of
a larger one (compressed, ten megabytes pass a bound of one) it holds the beginning and `ugc-dead-cut` says
how long its value is; such a record cannot be an event, and itself it lies at its origin as long as the log
keeps it.

A record with a letter's key and no value settles the letter: it was retried or discarded. What lies in the
topic under one key is what the last record of that key says, also after the broker has compacted it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, Protocol, get_args

from contract.limits import BODY_BYTES_MAX, RECORD_BYTES_MAX
from etl.batch import DeadLetter
from etl.ranges import Headers, LogRecord, Offset

WHOLE_BYTES_MAX: Final = BODY_BYTES_MAX
# Of a record that is larger: as much of its value, and of its headers, as the largest event could have.
CUT_BYTES_MAX: Final = RECORD_BYTES_MAX
CUT_KEY_BYTES_MAX: Final = 4_096
# What a header takes in a batch besides its name and value, at most.
HEADER_EXTRA_BYTES: Final = 10
MESSAGE_CHARS_MAX: Final = 500

PREFIX: Final = "ugc-dead-"
SETTLED: Final = "ugc-dead-settled"
# On a record that was sent again: the id of its first letter.
RETRY_OF: Final = "ugc-retry-of"
_REASON: Final = PREFIX + "reason"
_FIRST_SEEN: Final = PREFIX + "first-seen-at"

Settlement = Literal["retried", "discarded"]
SETTLEMENTS: Final = get_args(Settlement)


class LetterId(NamedTuple):
    """Where the record lies, or lay: what a letter is known by."""

    topic_id: str
    partition: int
    offset: Offset

    def __str__(self) -> str:
        return f"{self.topic_id}:{self.partition}:{self.offset}"


class Written(NamedTuple):
    """A record for the dead-letter topic."""

    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


class StoredMessage(Protocol):
    """A record of the dead-letter topic, as a client hands it out."""

    def partition(self) -> int | None: ...
    def offset(self) -> int | None: ...
    def value(self) -> bytes | None: ...
    def key(self) -> bytes | None: ...
    def headers(self) -> Sequence[tuple[str, bytes | None]] | None: ...


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A letter, read back."""

    origin: LetterId
    topic: str
    reason: str
    message: str
    first_seen_at: str
    record: LogRecord
    # How long the record's value is; more than is here when the letter was cut.
    value_bytes: int
    whole: bool

    @property
    def id(self) -> str:
        """By which people and commands name it."""
        return str(self.origin)

    @property
    def retry_of(self) -> str | None:
        """The id of the first letter of this very record, if it was sent again and died again."""
        said = next((value for name, value in self.record.headers if name == RETRY_OF), None)
        return said.decode("utf-8", "replace") if said else None


def id_of(key: bytes | None) -> LetterId | None:
    """What a letter's key says; None for a key that is not a letter's."""
    try:
        topic_id, partition, offset = (key or b"").decode("ascii").split(":")
        if topic_id and partition.isdecimal() and offset.isdecimal():
            return LetterId(topic_id, int(partition), Offset(int(offset)))
    except ValueError:
        pass
    return None


def written(letter: DeadLetter, origin: LetterId, *, topic: str, first_seen_at: str) -> Written:
    """The record of `letter` for the dead-letter topic; never larger than about `WHOLE_BYTES_MAX`."""
    record = letter.record
    kept = record if _bytes_of(record) <= WHOLE_BYTES_MAX else _beginning_of(record)
    ours = {
        "headers": len(kept.headers),
        "reason": letter.reason,
        "message": letter.message[:MESSAGE_CHARS_MAX],
        "topic": topic,
        "timestamp-ms": record.timestamp_ms,
        "first-seen-at": first_seen_at,
    }
    headers: list[tuple[str, bytes | None]] = [*kept.headers]
    headers += [(PREFIX + name, _utf_8(value)) for name, value in ours.items()]
    if kept.key is not None:
        headers.append((PREFIX + "key", kept.key))
    if kept.value is None:
        headers.append((PREFIX + "absent", b"1"))
    if kept is not record:
        headers.append((PREFIX + "cut", b"%d" % len(record.value or b"")))
    return Written(str(origin).encode(), kept.value or b"", headers)


def settling(origin: LetterId, how: Settlement) -> Written:
    """The record that settles the letter of `origin`."""
    return Written(str(origin).encode(), None, [(SETTLED, how.encode())])


def read(message: StoredMessage) -> StoredLetter | None:
    """The letter that `message` is; None for what settles one, and for what somebody else put there."""
    origin, value = id_of(message.key()), message.value()
    if origin is None or value is None:
        return None
    headers = list(message.headers() or ())
    try:
        # The last of that name is ours: the record may have brought one.
        count = int(_text(dict(headers)[PREFIX + "headers"]))
        own, ours = tuple(headers[:count]), dict(headers[count:])
        said = {name.removeprefix(PREFIX): value for name, value in ours.items()}
        absent, cut = "absent" in said, "cut" in said
        return StoredLetter(
            origin,
            topic=_text(said["topic"]),
            reason=_text(said["reason"]),
            message=_text(said["message"]),
            first_seen_at=_text(said["first-seen-at"]),
            record=LogRecord(
                origin.offset,
                int(_text(said["timestamp-ms"])),
                said.get("key"),
                None if absent else value,
                own,
            ),
            value_bytes=int(_text(said["cut"])) if cut else len(value),
            whole=not cut,
        )
    except (KeyError, ValueError):
        return None


def glance(message: StoredMessage) -> tuple[str, str] | None:
    """Reason and first-seen time of the letter that `message` is, for counting: a fifth of what `read` costs.

    None for what carries no such headers. Its key is not looked at.
    """
    said = dict(message.headers() or ())
    reason, seen = said.get(_REASON), said.get(_FIRST_SEEN)
    if reason is None or seen is None or message.value() is None:
        return None
    return _text(reason), _text(seen)


def settled_as(message: StoredMessage) -> str | None:
    """How `message` settles the letter of its key: a `Settlement`, or "" when it does not say. None: it
    settles nothing."""
    if message.value() is not None:
        return None
    return next((_text(said) for name, said in message.headers() or () if name == SETTLED), "")


def _bytes_of(record: LogRecord) -> int:
    return len(record.value or b"") + len(record.key or b"") + sum(map(_header_bytes, record.headers))


def _header_bytes(header: tuple[str, bytes | None]) -> int:
    name, value = header
    return len(name.encode("utf-8", "surrogatepass")) + len(value or b"") + HEADER_EXTRA_BYTES


def _beginning_of(record: LogRecord) -> LogRecord:
    return record._replace(
        key=None if record.key is None else record.key[:CUT_KEY_BYTES_MAX],
        value=None if record.value is None else record.value[:CUT_BYTES_MAX],
        headers=_first_of(record.headers),
    )


def _first_of(headers: Iterable[tuple[str, bytes | None]]) -> Headers:
    kept = []
    room = CUT_BYTES_MAX
    for header in headers:
        room -= _header_bytes(header)
        if room < 0:
            break
        kept.append(header)
    return tuple(kept)


def _utf_8(value: object) -> bytes:
    return str(value).encode("utf-8", "backslashreplace")


def _text(said: bytes | None) -> str:
    return (said or b"").decode("utf-8", "replace")
