"""Every form in which events arrive: JSON, NDJSON, text of a beacon, each packed or not."""

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest

from ugc_api import forms, inflating
from ugc_api.problems import Problem, ProblemCode

JSON = "application/json"


def lines(*events: Any, end: str = "\n") -> bytes:
    return "".join(json.dumps(each) + end for each in events).encode()


def send(api: Any, body: bytes, content_type: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.client.post("/events", data=body, content_type=content_type, headers=named)


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "Application/NDJSON; charset=UTF-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n \n"])
def test_ndjson_is_one_event_a_line(api: Any, event: Any, media_type: str, end: str) -> None:
    answer = send(api, lines(event(), event(), end=end), media_type)
    assert (answer.status_code, answer.json["accepted"], len(api.event_log.records)) == (202, 2, 2)


def test_the_last_line_may_lack_its_end_and_the_first_may_have_a_mark(api: Any, event: Any) -> None:
    body = b"\xef\xbb\xbf" + lines(event(), event()).rstrip()
    assert send(api, body, forms.NDJSON).json["accepted"] == 2


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (b'{"event_id": "0190c5a4', "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b"[]", "not_an_object"),
        (b"[" * 100_000, "invalid_json"),
    ],
    ids=["half an event", "no UTF-8", "an array", "a deep one"],
)
def test_a_broken_line_costs_one_event(api: Any, event: Any, broken: bytes, code: str) -> None:
    good = [event(), event()]
    answer = send(api, lines(good[0]) + broken + b"\n" + lines(good[1]), forms.NDJSON)
    assert (answer.status_code, answer.json["accepted"], answer.json["rejected"]) == (202, 2, 1)
    refused = answer.json["results"][1]
    assert (refused["index"], refused["status"], refused["code"]) == (1, "rejected", code)
    assert [record.key.decode() for record in api.event_log.records] == [e["event_id"] for e in good]


def test_lines_all_broken_are_422_and_no_lines_at_all_too(api: Any) -> None:
    assert send(api, b"{\n{\n", forms.NDJSON).json["code"] == "no_valid_event"
    assert send(api, b" \n\r\n", forms.NDJSON).json["code"] == "no_events"


def test_lines_count_as_events(make_api: Any, event: Any) -> None:
    answer = send(make_api(events_max=2), lines(event(), event(), event()), forms.NDJSON)
    assert (answer.status_code, answer.json["limit_events"]) == (413, 2)


def test_lines_sent_as_json_are_told_their_name(api: Any, event: Any) -> None:
    answer = send(api, lines(event(), event()), JSON)
    assert (answer.status_code, forms.NDJSON in answer.json["detail"]) == (400, True)
    assert forms.NDJSON not in send(api, b"{", JSON).json["detail"]


@pytest.mark.parametrize("content_type", ["text/plain", "text/plain;charset=UTF-8"])
@pytest.mark.parametrize("many", [True, False])
def test_a_beacon_sends_json_as_text(api: Any, event: Any, content_type: str, many: bool) -> None:
    body = json.dumps([event()] if many else event()).encode()
    assert send(api, body, content_type).status_code == 202


@pytest.mark.parametrize(
    ("content_type", "says"),
    [
        ("", "missing"),
        ("text/html", "text/html"),
        ("application/x-www-form-urlencoded", "curl"),
        ("application/json; charset=utf-16", "utf-16"),
        ("text/plain; charset=latin-1", "latin-1"),
        ("application/json" + "x" * 9_000, "application/json"),
    ],
)
def test_another_media_type_is_told_the_right_ones(api: Any, content_type: str, says: str) -> None:
    answer = send(api, b"[]", content_type)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert says in answer.json["detail"]
    assert len(answer.json["detail"]) < 300
    assert answer.headers["Accept"] == "application/json, application/x-ndjson, text/plain"


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity, gzip", " gzip ,"])
@pytest.mark.parametrize("content_type", forms.MEDIA_TYPES)
def test_each_form_may_be_packed(api: Any, event: Any, content_type: str, coding: str) -> None:
    body = gzip.compress(lines(event()))
    assert send(api, body, content_type, Content_Encoding=coding).status_code == 202


@pytest.mark.parametrize("coding", ["", "identity", "Identity, identity"])
def test_identity_is_no_packing(api: Any, event: Any, coding: str) -> None:
    assert send(api, lines(event()), JSON, Content_Encoding=coding).status_code == 202


@pytest.mark.parametrize("coding", ["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "gzip;q=1", "x" * 999])
def test_another_coding_is_told_the_right_one(api: Any, coding: str) -> None:
    answer = send(api, b"[]", JSON, Content_Encoding=coding)
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_encoding")
    assert answer.headers["Accept-Encoding"] == "gzip"
    assert len(answer.json["detail"]) < 300


def test_the_headers_are_judged_before_the_body_is_read(api: Any) -> None:
    answer = send(api, b" " * (2 * 1024 * 1024), "text/html")
    assert answer.status_code == 415


def test_the_bound_holds_for_what_comes_out(make_api: Any, event: Any) -> None:
    api = make_api(body_bytes_max=1_024)
    fits = gzip.compress(json.dumps([event()]).encode().ljust(1_024))
    over = gzip.compress(json.dumps([event()]).encode().ljust(1_025))
    assert max(len(fits), len(over)) < 512
    assert send(api, fits, JSON, Content_Encoding="gzip").status_code == 202
    answer = send(api, over, JSON, Content_Encoding="gzip")
    assert (answer.status_code, answer.json["code"], answer.json["limit_bytes"]) == (
        413,
        "body_too_large",
        1_024,
    )


# Packing, by itself.

ONE = gzip.compress(b"x" * 100)


def test_members_one_after_the_other_are_one_body() -> None:
    pieces = [bytes([65 + n]) * n for n in range(20)]
    assert inflating.inflate(b"".join(map(gzip.compress, pieces)), bytes_max=10_000) == b"".join(pieces)


def test_a_large_member_goes_through_in_steps() -> None:
    noise = b"".join(zlib.crc32(b"%d" % n).to_bytes(4, "big") for n in range(50_000))
    packed = gzip.compress(noise)
    assert len(packed) > 10 * inflating.STEP_BYTES
    assert inflating.inflate(packed, bytes_max=len(noise)) == noise


BROKEN = {
    "no gzip at all": b"no gzip",
    "a byte is missing": ONE[:-1],
    "half a head": ONE[:5],
    "words behind it": ONE + b"and more",
    "a zero behind it": ONE + b"\x00",
    "half a member behind it": ONE + ONE[:9],
    "a wrong checksum": ONE[:-8] + b"\x00" * 8,
    "zlib": zlib.compress(b"{}"),
    "too many members": gzip.compress(b"") * (inflating.MEMBERS_MAX + 1),
}


@pytest.mark.parametrize("packed", BROKEN.values(), ids=BROKEN)
def test_what_is_not_gzip_to_its_last_byte_is_refused(packed: bytes) -> None:
    with pytest.raises(Problem) as caught:
        inflating.inflate(packed, bytes_max=10_000)
    assert caught.value.code is ProblemCode.BAD_GZIP


def test_nothing_is_nothing_however_it_is_packed(api: Any) -> None:
    assert send(api, b"", JSON, Content_Encoding="gzip").json["code"] == "not_json"


def test_a_bomb_is_given_up_at_the_limit_and_never_held() -> None:
    bomb = gzip.compress(b"\x00" * (64 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(Problem) as caught:
        inflating.inflate(bomb, bytes_max=1_000)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.code is ProblemCode.BODY_TOO_LARGE
    assert held < 200_000
