"""The form of a dead letter: what is written is read back, whatever the record was."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.topics import DEAD, EVENTS
from contract.wire import UndecodableReason
from etl import rows
from etl.batch import DeadLetter
from etl.dead_letters import Known
from etl.dead_reasons import REASONS, explained
from etl.errors import Refused
from etl.letters import (
    CUT_BYTES_MAX,
    HEADER_EXTRA_BYTES,
    PREFIX,
    RETRY_OF,
    WHOLE_BYTES_MAX,
    LetterId,
    StoredLetter,
    Written,
    id_of,
    read,
    settled_as,
    settling,
    written,
)
from etl.ranges import LogRecord, Offset

ORIGIN = LetterId("hC2-_Zg", 2, Offset(7))


@dataclass(frozen=True)
class Stored:
    """A record of the topic, as a client hands it out."""

    record: Written

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return 0

    def value(self) -> bytes | None:
        return self.record.value

    def key(self) -> bytes | None:
        return self.record.key

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self.record.headers or None


def letter_of(**changes: Any) -> DeadLetter:
    record = {"offset": Offset(7), "timestamp_ms": 1234, "key": b"k", "value": b"\xff", "headers": ()}
    told = {name: changes.pop(name) for name in ("reason", "message") if name in changes}
    return DeadLetter(LogRecord(**record | changes), **{"reason": "not_json", "message": "why"} | told)


def made(letter: DeadLetter) -> Written:
    return written(letter, ORIGIN, topic="events", first_seen_at="2026-11-21T12:00:00.250Z")


def read_back(letter: DeadLetter) -> StoredLetter:
    stored = read(Stored(made(letter)))
    assert stored is not None
    return stored


def weight(record: Written) -> int:
    """What it takes in a batch, at most."""
    headers = sum(
        len(name.encode()) + len(value or b"") + HEADER_EXTRA_BYTES for name, value in record.headers
    )
    return len(record.key) + len(record.value or b"") + headers


header_names = st.one_of(
    st.text(max_size=20),
    st.sampled_from([PREFIX + "reason", PREFIX + "key", PREFIX + "headers", PREFIX + "absent", RETRY_OF]),
)
records = st.builds(
    LogRecord,
    offset=st.just(Offset(7)),
    timestamp_ms=st.integers(-1, 2**50),
    key=st.none() | st.binary(max_size=50),
    value=st.none() | st.binary(max_size=200),
    headers=st.lists(st.tuples(header_names, st.none() | st.binary(max_size=20)), max_size=6).map(tuple),
)


@given(record=records, reason=st.text(max_size=30), message=st.text(max_size=600))
def test_what_is_written_is_read_back(record: LogRecord, reason: str, message: str) -> None:
    stored = read_back(DeadLetter(record, reason, message))
    assert stored.record == record
    assert (stored.origin, stored.id, stored.topic) == (ORIGIN, "hC2-_Zg:2:7", "events")
    assert (stored.whole, stored.value_bytes) == (True, len(record.value or b""))
    assert stored.reason.encode() == reason.encode("utf-8", "backslashreplace")
    assert stored.message.encode() == message[:500].encode("utf-8", "backslashreplace")
    assert stored.first_seen_at == "2026-11-21T12:00:00.250Z"


def test_a_letter_is_never_what_settles_one() -> None:
    for value in (None, b""):
        record = made(letter_of(value=value))
        assert record.value == b""
        assert settled_as(Stored(record)) is None
        assert read_back(letter_of(value=value)).record.value == value


@pytest.mark.parametrize("how", ["retried", "discarded"])
def test_what_settles_a_letter_has_its_key_and_no_value(how: Any) -> None:
    record = settling(ORIGIN, how)
    assert (record.key, record.value) == (b"hC2-_Zg:2:7", None)
    assert settled_as(Stored(record)) == how
    assert read(Stored(record)) is None


def test_a_record_that_fits_is_kept_whole_and_a_larger_one_is_cut() -> None:
    fits = letter_of(value=b"x" * (WHOLE_BYTES_MAX - 1))
    assert read_back(fits).record == fits.record
    larger = read_back(letter_of(value=b"x" * WHOLE_BYTES_MAX))
    assert not larger.whole
    assert larger.value_bytes == WHOLE_BYTES_MAX
    assert larger.record.value == b"x" * CUT_BYTES_MAX
    assert (larger.record.key, larger.reason) == (b"k", "not_json")


ten_megabytes = b"0123456789" * 1_000_000


@pytest.mark.parametrize(
    "changes",
    [
        {"value": ten_megabytes},
        {"key": ten_megabytes},
        {"key": ten_megabytes, "value": None},
        {"headers": (("big", ten_megabytes),)},
        {"headers": tuple(("h", b"") for _ in range(500_000))},
        {"headers": ((ten_megabytes.decode(), None),)},
        {"value": b"x" * (WHOLE_BYTES_MAX - 1), "message": "\U0001f600" * 10_000},
        {"headers": tuple(("h", b"x" * 1_000) for _ in range(1_000))},
    ],
    ids=["value", "key", "key of nothing", "header", "headers", "name", "message", "a megabyte of headers"],
)
def test_no_letter_is_larger_than_its_topic_takes(changes: dict[str, Any]) -> None:
    record = made(letter_of(**changes))
    assert weight(record) < DEAD.message_bytes_max - 512 * 1024
    stored = read(Stored(record))
    assert stored is not None
    assert stored.origin == ORIGIN


def test_everything_that_events_takes_uncompressed_is_kept_whole() -> None:
    assert EVENTS.message_bytes_max <= WHOLE_BYTES_MAX
    record = letter_of(value=b"x" * 500_000, key=b"y" * 400_000, headers=(("z", b"w" * 100_000),))
    assert read_back(record).record == record.record


@pytest.mark.parametrize(
    "key", [None, b"", b"a:1", b"a:1:x", b":1:1", b"a:-1:1", b"a:1:1:1", b"\xff:1:1", b"a::1"]
)
def test_a_key_that_is_no_letters_is_none(key: bytes | None) -> None:
    assert id_of(key) is None


def test_an_id_reads_as_it_is_written() -> None:
    assert id_of(str(ORIGIN).encode()) == ORIGIN


@pytest.mark.parametrize("missing", range(6))
def test_a_record_of_somebody_else_is_no_letter(missing: int) -> None:
    record = made(letter_of())
    ours = [header for number, header in enumerate(record.headers[:6]) if number != missing]
    assert read(Stored(record._replace(headers=ours))) is None
    assert read(Stored(Written(b"key", b"value", []))) is None


def test_a_retried_record_names_its_first_letter() -> None:
    assert read_back(letter_of()).retry_of is None
    assert read_back(letter_of(headers=((RETRY_OF, b"T:1:2"),))).retry_of == "T:1:2"


def test_half_a_character_of_a_message_hurts_nobody() -> None:
    assert read_back(letter_of(message="\udc80 half")).message == "\\udc80 half"


def test_the_reasons_are_a_closed_list_and_each_is_explained() -> None:
    given_by_the_pipeline = {
        *UndecodableReason,
        rows.TIME_NOT_STORABLE,
        rows.TIMES_DISAGREE,
        rows.OLDER_THAN_HORIZON,
        rows.KEY_IS_NOT_EVENT_ID,
        Refused("").reason,
    }
    assert set(REASONS) == set(map(str, given_by_the_pipeline))
    assert all(reason.meaning.endswith(".") and reason.what_to_do for reason in REASONS.values())
    assert explained("of_tomorrow").meaning


@given(st.lists(st.integers(0, 60), max_size=80), st.integers(0, 60), st.integers(1, 20))
def test_what_is_known_is_true_or_said_to_be_unknown(there: list[int], start: int, room: int) -> None:
    known = Known(start, room=room)
    for offset in there:
        known.found(offset)
    for offset in range(61):
        if known.covers(offset):
            assert (offset in known) == (offset in there)
    assert known.covers(start)
    assert len(known._offsets) <= room


@given(
    st.lists(st.integers(0, 60), max_size=40), st.lists(st.integers(0, 60), max_size=60), st.integers(1, 9)
)
def test_what_was_written_since_is_known_too(there: list[int], wrote: list[int], room: int) -> None:
    known = Known(0, room=room)
    for offset in there:
        known.found(offset)
    topic = set(there)
    for offset in wrote:
        if known.covers(offset):
            known.wrote(offset)
            topic.add(offset)
    for offset in range(61):
        if known.covers(offset):
            assert (offset in known) == (offset in topic)
    assert len(known._offsets) <= room
