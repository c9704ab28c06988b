"""From a record to a row: the bytes that reach the warehouse."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import orjson
import pytest

from etl import rows
from etl.assignment import Assignment
from etl.cutting import Cut
from etl.dedup import keep_new
from etl.errors import Poison
from etl.ranges import LogRecord, Offset, Position


def in_log(record: Any, offset: int = 7) -> LogRecord:
    return LogRecord(Offset(offset), record.timestamp_ms, record.key, record.value, tuple(record.headers))


def cut(*records: LogRecord) -> Cut:
    ours = Assignment(topic="events", topic_id="T-1", partition=2, committed=Position(0))
    return Cut(ours, list(records))


def test_a_row_brings_every_column_and_its_place_in_the_log_first(record: Any) -> None:
    row = rows.decode(cut(in_log(record(1)))).rows[0]
    line = orjson.loads(row.line)
    assert tuple(line) == rows.COLUMNS
    assert (line["kafka_topic_id"], line["kafka_partition"], line["kafka_offset"]) == ("T-1", 2, 7)
    assert row.event_id == line["event_id"] == str(UUID(int=1))


def test_the_clients_bytes_are_not_touched(record: Any) -> None:
    properties = b'{ "b" : 1.0, "a":"\\u00e9","a":null, "big":12345678901234567890}'
    sent = record(1, properties=properties)
    row = rows.decode(cut(in_log(sent))).rows[0]
    assert row.line.endswith(sent.value[1:])
    assert properties in row.line


@pytest.mark.parametrize("user_id", ['":x', '\\":x', "\\", '\\\\"', '","user_id":"', '":' * 12])
def test_what_is_written_as_the_codec_writes_passes_through_untouched(
    record: Any, monkeypatch: pytest.MonkeyPatch, user_id: str
) -> None:
    sent = record(1, user_id=user_id, properties=b'{"user_id":"x", "properties":{}}')
    monkeypatch.delattr("contract.wire.encode")
    assert rows.decode(cut(in_log(sent))).rows[0].line.endswith(sent.value[1:])


def test_a_line_has_no_line_break_in_it(record: Any) -> None:
    row = rows.decode(cut(in_log(record(1, user_id="a\nb\u2028c")))).rows[0]
    assert b"\n" not in row.line


@pytest.mark.parametrize(
    "value", [None, b"", b"\x00\xff", b"{}", b"[]", b"null", b'{"event_id":"x"}', b"\x80\x04K\x01."]
)
def test_foreign_bytes_become_a_dead_letter_with_a_reason(record: Any, value: bytes | None) -> None:
    good = in_log(record(1), offset=0)
    headers = good.headers
    foreign = LogRecord(Offset(1), 0, b"k", value, headers)
    read = rows.decode(cut(good, foreign, in_log(record(2), offset=2)))
    assert [row.event_id for row in read.rows] == [str(UUID(int=1)), str(UUID(int=2))]
    (letter,) = read.dead
    assert letter.record is foreign
    assert letter.reason
    assert letter.message


def test_another_version_of_the_contract_becomes_a_dead_letter(record: Any) -> None:
    good = in_log(record(1))
    newer = good._replace(headers=(("ugc-contract", b"999"),))
    none = good._replace(headers=())
    read = rows.decode(cut(newer, none))
    assert not read.rows
    assert len(read.dead) == 2


def test_one_record_that_cannot_be_a_row_is_poison() -> None:
    with pytest.raises(Poison) as raised:
        rows.row_maker("T", 0)(LogRecord(Offset(0), 0, None, None, ()))
    assert raised.value.reason == "tombstone"


@pytest.mark.parametrize("at_ms", [-1, 4_102_444_800_000])
@pytest.mark.parametrize("name", ["occurred_at_ms", "received_at_ms"])
def test_a_time_that_the_warehouse_would_fold_over_is_poison(record: Any, name: str, at_ms: int) -> None:
    read = rows.decode(cut(in_log(record(1, **{name: at_ms}))))
    assert [letter.reason for letter in read.dead] == [rows.TIME_NOT_STORABLE]


@pytest.mark.parametrize(
    "strange",
    [
        lambda value: b"  " + value,
        lambda value: value[:-1] + b',"user_id":"again"}',
        lambda value: value.replace(b'{"event_id"', b'{ "event_id"') + b" ",
        lambda value: value.replace(b'"user_id":', b'"user_id" :'),
        lambda value: value.replace(b'"user_id":', b'"user_id":"x","user_id":'),
        lambda value: json.dumps(dict(reversed(json.loads(value).items()))).encode(),
    ],
    ids=["space in front", "a member twice", "spaces", "space in the middle", "twice early", "other order"],
)
def test_what_the_codec_reads_reaches_the_warehouse_as_the_codec_writes_it(
    record: Any, strange: Callable[[bytes], bytes]
) -> None:
    sent = in_log(record(1))
    assert sent.value is not None
    row = rows.decode(cut(sent._replace(value=strange(sent.value)))).rows[0]
    assert row.line.count(b'"user_id"') == 1
    assert row.line.startswith(b'{"kafka_topic_id":"T-1","kafka_partition":2,"kafka_offset":7,"event_id":"')


def test_the_same_record_gives_the_same_bytes(record: Any) -> None:
    first, second = (rows.decode(cut(in_log(record(5)))).rows[0].line for _ in range(2))
    assert first == second


def test_of_two_copies_the_lower_offset_wins(record: Any, parts: Any) -> None:
    read = rows.decode(cut(in_log(record(1, user_id="first"), 0), in_log(record(1, user_id="second"), 1)))
    fresh = keep_new(read.rows, parts.MemoryStore())
    assert [row.event.user_id for row in fresh.rows] == ["first"]
    assert (fresh.duplicates, fresh.conflicts) == (1, 1)


def test_copies_that_agree_are_no_conflict(record: Any, parts: Any) -> None:
    again = in_log(record(1), 1)
    read = rows.decode(cut(in_log(record(1), 0), again))
    fresh = keep_new(read.rows, parts.MemoryStore())
    assert (len(fresh.rows), fresh.duplicates, fresh.conflicts) == (1, 1, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"occurred_at_ms": 0},
        {"user_id": "x"},
        {"event_type": "other"},
        {"value": 2.0},
        {"session_id": "x"},
        {"properties": b"{}"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_copies_that_differ_in_anything_the_client_said_are_a_conflict(
    record: Any, parts: Any, changes: dict[str, Any]
) -> None:
    read = rows.decode(cut(in_log(record(1), 0), in_log(record(1, **changes), 1)))
    assert keep_new(read.rows, parts.MemoryStore()).conflicts == 1


def test_what_has_a_row_is_left_out_and_the_order_kept(record: Any, parts: Any) -> None:
    store = parts.MemoryStore()
    store.rows.append({"event_id": str(UUID(int=2))})
    read = rows.decode(cut(*(in_log(record(n), n) for n in (3, 2, 1))))
    fresh = keep_new(read.rows, store)
    assert [row.event_id for row in fresh.rows] == [str(UUID(int=3)), str(UUID(int=1))]
    assert fresh.duplicates == 1
