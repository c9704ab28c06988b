"""Bodies made to hurt: each costs little of the processor, and none is a fault of ours."""

import gzip
import json
import time
from typing import Any

import pytest

MIB = 1024 * 1024
CPU_S_MAX = 0.25
JSON, NDJSON = "application/json", "application/x-ndjson"


def array(piece: bytes, *, up_to: int = MIB) -> bytes:
    return b"[" + b",".join([piece] * ((up_to - 2) // (len(piece) + 1))) + b"]"


def event_with(properties: bytes) -> bytes:
    return (
        b'{"event_id":"0190c5a4-7c1e-7b1a-9a53-0242ac120002","occurred_at":"2026-11-21T12:00:00Z",'
        b'"user_id":"u","event_type":"paused","properties":' + properties + b"}"
    )


BODIES: dict[str, tuple[str, bytes]] = {
    "deep arrays": (JSON, b"[" * MIB),
    "deep objects": (JSON, b'{"a":' * (MIB // 5)),
    "deep and closed": (JSON, b"[" * (MIB // 2) + b"]" * (MIB // 2)),
    "a deep event": (JSON, event_with(b'{"a":' * 90_000 + b"1" + b"}" * 90_000)),
    "1,000 deep events": (JSON, b"[" + b",".join([b"[" * 500 + b"]" * 500] * 1_000) + b"]"),
    "100k bad events": (JSON, array(b"{}", up_to=300_001)),
    "1,000 bad events": (JSON, b"[" + b",".join([b"{}"] * 1_000) + b"]"),
    "1,000 bad lines": (NDJSON, b"{\n" * 1_000),
    "1,000 long bad lines": (NDJSON, (b'{"a":"' + b"x" * 1_000 + b"\n") * 1_000),
    "only line ends": (NDJSON, b"\n" * MIB),
    "half a million lines": (NDJSON, b"1\n" * (MIB // 2)),
    "a key of a mebibyte": (JSON, b'[{"' + b"k" * (MIB - 20) + b'":1}]'),
    "1,000 events of fields nearly known": (
        JSON,
        b"[" + b",".join([json.dumps({f"ocurred_at{n:02d}": 1 for n in range(27)}).encode()] * 1_000) + b"]",
    ),
    "100k unknown keys": (JSON, json.dumps({f"k{n}": 1 for n in range(70_000)}).encode()),
    "100k properties": (JSON, event_with(json.dumps({f"k{n}": 1 for n in range(60_000)}).encode())),
    "the same key again": (JSON, event_with(b"{" + b'"a":1,' * 140_000 + b'"a":1}')),
    "a long number": (JSON, event_with(b'{"n":' + b"9" * 1_000_000 + b"}")),
    "1,000 long numbers": (JSON, b"[" + b",".join([b'{"value":' + b"9" * 1_000 + b"}"] * 1_000) + b"]"),
    "many digits and an exponent": (JSON, event_with(b'{"n":1e' + b"9" * 1_000_000 + b"}")),
    "1,000 events with half surrogates": (
        JSON,
        b"[" + b",".join([b'{"user_id":"' + b"\\ud800" * 150 + b'"}'] * 1_000) + b"]",
    ),
    "a mebibyte of quotes": (JSON, b'"' * MIB),
    "a mebibyte of backslashes": (JSON, b'["' + b"\\" * MIB),
    "no UTF-8": (JSON, b"[" + b"\xff" * (MIB - 1)),
    "white space": (JSON, b" " * (MIB - 2) + b"[]"),
    "events with one id": (JSON, b"[" + b",".join([event_with(b"{}")] * 1_000) + b"]"),
}


def answered(api: Any, body: bytes, content_type: str, **headers: str) -> tuple[Any, float]:
    started = time.process_time()
    answer = api.client.post("/events", data=body, content_type=content_type, headers=headers)
    return answer, time.process_time() - started


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
@pytest.mark.parametrize("name", BODIES)
def test_a_body_made_to_hurt_costs_little(api: Any, name: str, packed: bool) -> None:
    content_type, body = BODIES[name]
    body = body[:MIB]
    headers = {}
    if packed:
        body, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
    answer, cpu_s = min((answered(api, body, content_type, **headers) for _ in range(2)), key=lambda a: a[1])
    assert answer.status_code < 500
    assert answer.json["request_id"] if answer.status_code >= 400 else answer.json["accepted"] <= 1
    assert cpu_s < CPU_S_MAX


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(b"\x00" * (256 * MIB), 9),
        gzip.compress(b"") * 50_000,
        gzip.compress(b"")[:10] + b"\x00\x00\x00\xff\xff" * 200_000,
        gzip.compress(b"[]")[:-8] * 2,
    ],
    ids=["a bomb", "many members", "blocks of nothing", "no checksum"],
)
def test_a_bomb_costs_little(api: Any, packed: bytes) -> None:
    answer, cpu_s = answered(api, packed[:MIB], JSON, **{"Content-Encoding": "gzip"})
    assert answer.status_code in (400, 413)
    assert cpu_s < CPU_S_MAX
