"""From records to rows: the bytes that reach the warehouse, on the fast way and on the careful one."""

import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.memory_log import MemoryMessage

from contract.reading import Event
from contract.wire import Arrival, encode
from etl import rows
from etl.batch import Batch, occurred_at
from etl.ranges import RECORD_WEIGHS, LogRecord, Offset
from etl.rows import RowReader

NOW_MS = 1_795_262_400_250
DAY_MS = 86_400_000


def in_log(record: Any, offset: int = 7) -> LogRecord:
    return LogRecord(Offset(offset), record.timestamp_ms, record.key, record.value, tuple(record.headers))


@pytest.fixture(scope="session")
def read() -> Callable[..., Batch]:
    def read(*records: LogRecord, careful: bool = False, cut_at_ms: int = NOW_MS) -> Batch:
        reader = RowReader("T-1", 2, cut_at_ms=cut_at_ms, careful=careful)
        return reader.read([MemoryMessage(record) for record in records])

    return read


@pytest.fixture
def no_codec(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the fast way is open."""
    monkeypatch.delattr("contract.wire.decode")


def test_a_row_brings_every_column_and_its_place_in_the_log_first(read: Any, record: Any) -> None:
    batch = read(in_log(record(1)))
    line = orjson.loads(batch.lines[0])
    assert tuple(line) == rows.COLUMNS
    assert (line["kafka_topic_id"], line["kafka_partition"], line["kafka_offset"]) == ("T-1", 2, 7)
    assert list(batch.ids) == [line["event_id"].encode()] == [str(UUID(int=1)).encode()]
    assert list(batch.offsets) == [7]
    assert batch.days == {occurred_at(batch.lines[0])[:10]} == {line["occurred_at"][:10].encode()}


@pytest.mark.usefixtures("no_codec")
def test_what_the_codec_wrote_passes_through_untouched_and_unread(read: Any, record: Any) -> None:
    properties = b'{ "b" : 1.0, "a":"\\u00e9","a":null, "big":12345678901234567890}'
    sent = record(1, properties=properties)
    batch = read(in_log(sent))
    assert batch.lines[0].endswith(sent.value[1:])
    assert properties in batch.lines[0]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TIMES = st.integers(0, 4_102_444_800_000 - 1)
RECORDS = st.builds(
    lambda occurred_at_ms, received_after_ms, ip, family, bots, **said: encode(
        Event(occurred_at_ms=occurred_at_ms, **said),
        # What the warehouse refuses for its times the fast way leaves to it.
        Arrival(
            max(0, min(rows.STORABLE_MS_MAX, occurred_at_ms + received_after_ms)), ip, family, tuple(bots)
        ),
    ),
    event_id=st.uuids().map(str),
    occurred_at_ms=st.one_of(TIMES, st.integers(NOW_MS - 60 * DAY_MS, NOW_MS + DAY_MS)),
    received_after_ms=st.integers(-rows.RECEIVED_BEFORE_MS_MAX, rows.RECEIVED_AFTER_MS_MAX),
    user_id=TEXTS.filter(bool),
    event_type=st.from_regex(r"[a-z][a-z0-9_.]{0,20}", fullmatch=True),
    properties=st.dictionaries(TEXTS, TEXTS | st.none() | st.integers(), max_size=3).map(
        lambda said: json.dumps(said).encode()
    ),
    value=st.floats(allow_nan=False, allow_infinity=False),
    session_id=st.none() | TEXTS,
    skew_ms=st.none() | st.integers(-(2**63), 2**63 - 1),
    ip=st.just("192.0.2.0"),
    family=TEXTS,
    bots=st.lists(TEXTS, max_size=3),
)


@given(st.lists(RECORDS, min_size=1, max_size=4))
def test_whatever_the_contract_can_encode_reads_the_same_on_both_ways(read: Any, sent: list[Any]) -> None:
    records = [in_log(each, offset) for offset, each in enumerate(sent)]
    fast, careful = read(*records), read(*records, careful=True)
    assert (fast.lines, [*fast.ids], fast.offsets) == (careful.lines, [*careful.ids], careful.offsets)
    assert [(d.record, d.reason) for d in fast.dead] == [(d.record, d.reason) for d in careful.dead]
    assert (fast.days, fast.records, fast.crc) == (careful.days, careful.records, careful.crc)
    assert [record.offset for record in careful.whole] == [*careful.offsets]


FOREIGN = [None, b"", b"\x00\xff", b"{}", b"[]", b"null", b'{"event_id":"x"}', b"\x80\x04K\x01."]


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 40))
def test_one_reading_of_many_is_many_readings_of_one(
    read: Any, record: Any, kinds: list[int], split: int
) -> None:
    good = in_log(record(1))
    records = [
        good._replace(offset=Offset(n), value=FOREIGN[kind] if kind < len(FOREIGN) else good.value)
        for n, kind in enumerate(kinds)
    ]
    together, apart = read(*records), Batch()
    for start in range(0, len(records), split):
        apart.extend(read(*records[start : start + split]))
    assert (together.lines, [*together.ids], together.dead) == (apart.lines, [*apart.ids], apart.dead)
    assert (together.offsets, together.days, together.records) == (apart.offsets, apart.days, apart.records)
    assert together.records == len(records) == len(together) + len(together.dead)
    assert [letter.record.offset for letter in together.dead] == [
        n for n, kind in enumerate(kinds) if kind < len(FOREIGN)
    ]


@pytest.mark.parametrize(
    "user_id", ['":x', '\\":x', "\\", '\\\\"', '","user_id":"', '":' * 12, "a\nb\u2028c"]
)
def test_text_that_looks_like_members_is_text(read: Any, record: Any, user_id: str) -> None:
    sent = record(1, user_id=user_id, properties=b'{"user_id":"x", "properties":{}}')
    for careful in (False, True):
        (line,) = read(in_log(sent), careful=careful).lines
        assert line.endswith(sent.value[1:])
        assert b"\n" not in line


@pytest.mark.parametrize("value", FOREIGN)
def test_foreign_bytes_become_a_dead_letter_with_a_reason(
    read: Any, record: Any, value: bytes | None
) -> None:
    good = in_log(record(1), offset=0)
    foreign = LogRecord(Offset(1), 0, b"k", value, good.headers)
    batch = read(good, foreign, in_log(record(2), offset=2))
    assert list(batch.offsets) == [0, 2]
    (letter,) = batch.dead
    assert letter.record == foreign
    assert letter.reason
    assert letter.message


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((("ugc-contract", b"999"),), "version_unknown"),
        ((), "version_missing"),
        ((("ugc-contract", None),), "version_missing"),
    ],
)
def test_another_version_of_the_contract_becomes_a_dead_letter(
    read: Any, record: Any, headers: Any, reason: str
) -> None:
    batch = read(in_log(record(1))._replace(headers=headers))
    assert not batch.ids
    assert [letter.reason for letter in batch.dead] == [reason]


def test_more_headers_than_ours_are_no_fault(read: Any, record: Any) -> None:
    good = in_log(record(1))
    batch = read(good._replace(headers=(*good.headers, ("trace", b"x"))))
    assert batch.lines == read(good).lines


@pytest.mark.parametrize("key", [None, b"", b"somebody", str(UUID(int=2)).encode()])
def test_a_key_that_is_not_the_event_id_becomes_a_dead_letter(read: Any, record: Any, key: Any) -> None:
    (letter,) = read(in_log(record(1))._replace(key=key)).dead
    assert letter.reason == rows.KEY_IS_NOT_EVENT_ID


@pytest.mark.parametrize(
    "strange", [str.upper, lambda i: i.replace("-", "") + "----", lambda i: i[:-1] + "g"]
)
def test_an_id_in_another_spelling_never_passes_fast(
    read: Any, record: Any, strange: Callable[[str], str]
) -> None:
    good = in_log(record(0xABCDEF))
    event_id = str(UUID(int=0xABCDEF))
    other = strange(event_id).encode()
    changed = (good.value or b"").replace(event_id.encode(), other)
    batch = read(good._replace(key=other, value=changed))
    assert not batch.ids
    assert [letter.reason for letter in batch.dead] == ["wrong_shape"]


@pytest.mark.parametrize("at_ms", [-1, 4_102_444_800_000])
@pytest.mark.parametrize("careful", [False, True])
def test_a_time_that_the_warehouse_would_fold_over_is_poison(
    read: Any, record: Any, at_ms: int, careful: bool
) -> None:
    batch = read(in_log(record(1, occurred_at_ms=at_ms)), careful=careful)
    assert [letter.reason for letter in batch.dead] == [rows.TIME_NOT_STORABLE]


HORIZON_MS = rows.HORIZON_DAYS * DAY_MS


@pytest.mark.parametrize(("younger_ms", "dead"), [(-1, True), (0, False), (DAY_MS, False)])
def test_what_is_older_than_the_memory_of_ids_is_a_dead_letter(
    read: Any, record: Any, younger_ms: int, dead: bool
) -> None:
    at_ms = NOW_MS - HORIZON_MS + younger_ms
    for careful in (False, True):
        batch = read(in_log(record(1, occurred_at_ms=at_ms, received_at_ms=at_ms)), careful=careful)
        assert [letter.reason for letter in batch.dead] == [rows.OLDER_THAN_HORIZON] * dead
        assert len(batch) == (not dead)


def test_the_same_range_reads_the_same_whenever_it_is_read(read: Any, record: Any) -> None:
    at_ms = NOW_MS - HORIZON_MS + 1
    old = in_log(record(1, occurred_at_ms=at_ms, received_at_ms=at_ms))
    assert len(read(old)) == 1
    assert not len(read(old, cut_at_ms=NOW_MS + DAY_MS))
    assert read(old).crc != read(old, cut_at_ms=NOW_MS + DAY_MS).crc


@pytest.mark.parametrize(
    ("received_after_ms", "reason"),
    [
        (-rows.RECEIVED_BEFORE_MS_MAX, None),
        (-rows.RECEIVED_BEFORE_MS_MAX - 1, rows.TIMES_DISAGREE),
        (rows.RECEIVED_AFTER_MS_MAX, None),
        (rows.RECEIVED_AFTER_MS_MAX + 1, rows.TIMES_DISAGREE),
    ],
)
def test_a_receipt_long_before_or_after_the_event_is_a_dead_letter(
    read: Any, record: Any, received_after_ms: int, reason: str | None
) -> None:
    at_ms = NOW_MS - 5 * DAY_MS
    sent = in_log(record(1, occurred_at_ms=at_ms, received_at_ms=at_ms + received_after_ms))
    batch = read(sent, careful=True)
    assert [letter.reason for letter in batch.dead] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("number", "reason"), [(b"nan", "not_json"), (b"1e999", "wrong_shape"), (b"-1e999", "wrong_shape")]
)
def test_a_value_that_is_not_finite_is_a_dead_letter(
    read: Any, record: Any, number: bytes, reason: str
) -> None:
    sent = in_log(record(1))
    assert sent.value is not None
    changed = sent._replace(value=sent.value.replace(b'"value":1.5', b'"value":' + number))
    assert [letter.reason for letter in read(changed, careful=True).dead] == [reason]


@pytest.mark.usefixtures("no_codec")
def test_an_event_of_a_month_ago_that_came_today_still_passes_fast(read: Any, record: Any) -> None:
    assert len(read(in_log(record(1, occurred_at_ms=NOW_MS - 37 * DAY_MS)))) == 1


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
    read: Any, record: Any, strange: Callable[[bytes], bytes]
) -> None:
    sent = in_log(record(1))
    assert sent.value is not None
    (line,) = read(sent._replace(value=strange(sent.value)), careful=True).lines
    assert line.count(b'"user_id"') == 1
    assert line.startswith(b'{"kafka_topic_id":"T-1","kafka_partition":2,"kafka_offset":7,"event_id":"')


def canary(offset: int, said: bytes | None, value: bytes | None = b"") -> LogRecord:
    return LogRecord(Offset(offset), 5, None, value, ((rows.CANARY_HEADER, said),))


def test_a_canary_is_neither_a_row_nor_a_dead_letter(read: Any, record: Any) -> None:
    batch = read(in_log(record(1), 0), canary(1, b"1700000000000"), canary(2, b"1600000000000"))
    assert (len(batch), batch.records, batch.canaries, batch.dead) == (1, 3, 2, [])
    assert batch.canary_sent_at_ms == 1_700_000_000_000


@pytest.mark.parametrize(
    "record_",
    [
        canary(1, b"soon"),
        canary(1, None),
        canary(1, b"1", b"{}"),
        canary(1, b""),
        canary(1, b"%d" % (rows.STORABLE_MS_MAX + 1)),
        canary(1, b"999999999999999"),
    ],
)
def test_what_only_looks_like_a_canary_is_foreign(read: Any, record_: LogRecord) -> None:
    batch = read(record_)
    assert (batch.canaries, len(batch.dead)) == (0, 1)


def test_left_out_rows_take_their_columns_with_them(read: Any, record: Any) -> None:
    sent: Sequence[LogRecord] = [in_log(record(n), n) for n in range(5)]
    batch = read(*sent, careful=True)
    assert batch.without(set()) is batch
    assert batch.without({1, 3}) == batch.only([4, 0, 2])
    assert list(batch.without({1, 3}).offsets) == [0, 2, 4]
    assert [each.offset for each in batch.only([1, 3]).whole] == [1, 3]
    assert batch.without({0}).records == 5
    assert bytes(batch.block()).splitlines() == batch.lines
    assert bytes(batch.block()) == bytes(batch.block()), "the driver may send it twice"


def test_headers_weigh_too(read: Callable[..., Batch]) -> None:
    headers = (("h", b"a" * 5_000), ("none", None))
    batch = read(LogRecord(Offset(0), NOW_MS, b"key", b"foreign", headers))
    assert len(batch.dead) == 1
    assert batch.size_bytes == RECORD_WEIGHS + len("h") + 5_000 + len("none") + len(b"key") + len(b"foreign")
