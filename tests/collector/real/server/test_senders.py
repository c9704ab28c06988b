"""Senders who are slow, broken or rude, on real sockets: each hears why, and none is in another's way."""

import json
import socket
import time
from typing import Any
from uuid import uuid4

import psutil
import pytest
import requests

THREADS = 2
CONNECTIONS = 12
HEAD_S, BODY_S = 1.0, 1.2


@pytest.fixture(scope="module")
def running(start_api: Any, mock_broker: str) -> Any:
    return start_api(
        bootstrap=mock_broker,
        api_threads=THREADS,
        api_connections_max=CONNECTIONS,
        head_deadline_ms=int(HEAD_S * 1000),
        body_deadline_ms=int(BODY_S * 1000),
    )


def body() -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {"event_id": str(uuid4()), "occurred_at": now, "user_id": "u", "event_type": "paused"}
    return json.dumps([event]).encode()


def request(sent: bytes, *more: bytes) -> bytes:
    lines = [b"POST /events HTTP/1.1", b"Host: x", b"Content-Type: application/json", *more]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(sent), b"", b""])


def everything(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


def problem(received: bytes) -> dict[str, Any]:
    head, _, text = received.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, received
    assert b"X-Request-ID: " in head
    assert b"Connection: close" in head
    said: dict[str, Any] = json.loads(text)
    assert int(head.split(b" ")[1]) == said["status"]
    return said


def served_in(running: Any) -> float:
    started = time.monotonic()
    answer = requests.post(
        f"{running.url}/events", data=body(), headers={"Content-Type": "application/json"}, timeout=10
    )
    assert answer.status_code == 202
    return time.monotonic() - started


WHOLE = body()
PARTS = {
    "nothing": b"",
    "half a head": b"POST /events HTTP/1.1\r\nHos",
    "half a body": request(WHOLE) + WHOLE[:20],
    "a head that asks to go on": request(WHOLE, b"Expect: 100-continue"),
    "half a chunk": b"POST /events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n[",
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_who_stops_keeps_no_thread_and_is_told(running: Any, hold_open: Any, part: bytes) -> None:
    slow = [hold_open(running.port) for _ in range(2 * THREADS + 2)]
    for connection in slow:
        connection.sendall(part)
    assert served_in(running) < HEAD_S, "it waited until the slow ones were given up"
    started = time.monotonic()
    for connection in slow:
        received = everything(connection).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        if part:
            assert problem(received)["code"] == "request_timeout"
        else:
            assert received == b""
    assert time.monotonic() - started < HEAD_S + BODY_S + 1


@pytest.mark.parametrize("start", ["half a head", "half a body"])
def test_who_trickles_is_given_up_in_the_same_time(running: Any, hold_open: Any, start: str) -> None:
    connection = hold_open(running.port)
    connection.sendall(PARTS[start])
    connection.settimeout(0.1)
    received, started = b"", time.monotonic()
    while not received and time.monotonic() - started < 5:
        connection.sendall(b"x")
        try:
            received = connection.recv(65_536)
        except TimeoutError:
            continue
    assert problem(received)["code"] == "request_timeout"
    assert time.monotonic() - started < HEAD_S + BODY_S + 0.6


def test_when_all_places_are_taken_the_slowest_makes_room(running: Any, hold_open: Any) -> None:
    for _ in range(3 * CONNECTIONS):
        hold_open(running.port).sendall(b"POST /ev")
    assert served_in(running) < HEAD_S


def test_when_there_are_no_descriptors_left_it_lives_on(
    start_api: Any, mock_broker: str, hold_open: Any
) -> None:
    own = start_api(bootstrap=mock_broker, api_threads=THREADS)
    (worker,) = psutil.Process(own.process.pid).children()
    most = worker.num_fds() + 8
    worker.rlimit(psutil.RLIMIT_NOFILE, (most, most))
    for _ in range(20):
        hold_open(own.port).sendall(b"POST /ev")
    assert served_in(own) < 5
    assert worker.is_running()
    assert psutil.Process(own.process.pid).children() == [worker]


def test_who_does_not_hang_up_after_his_answer_stops_nobody(running: Any, hold_open: Any) -> None:
    started = time.monotonic()
    for _ in range(3):
        rude = hold_open(running.port)
        rude.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert rude.recv(12) == b"HTTP/1.1 200"
    served_in(running)
    assert time.monotonic() - started < 1


MALFORMED = {
    "no request line": (b"hello\r\n\r\n", "bad_request"),
    "a method of small letters": (b"get /?key=SECRET HTTP/1.1\r\nHost: x\r\n\r\n", "bad_request"),
    "another version": (b"GET /?key=SECRET HTTP/3.0\r\nHost: x\r\n\r\n", "bad_request"),
    "spaces in the address": (b"GET /a b?key=SECRET HTTP/1.1\r\nHost: x\r\n\r\n", "bad_request"),
    "a header without a colon": (b"GET / HTTP/1.1\r\nSECRET\r\n\r\n", "bad_request"),
    "a name with a space": (b"GET / HTTP/1.1\r\nX-Write-Key : SECRET\r\n\r\n", "bad_request"),
    "a value with a zero": (b"GET / HTTP/1.1\r\nX-Write-Key: SECRET\x00\r\n\r\n", "bad_request"),
    "lines that end otherwise": (b"GET /?key=SECRET HTTP/1.1\nHost: x\n\n", "bad_request"),
    "two lengths": (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "bad_request"),
    "a length and chunks": (
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "bad_request",
    ),
    "another coding": (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "bad_request"),
    "another expectation": (b"GET / HTTP/1.1\r\nExpect: SECRET\r\n\r\n", "bad_request"),
    "an address too long": (b"GET /?key=SECRET" + b"x" * 9_000 + b" HTTP/1.1\r\n\r\n", "uri_too_long"),
    "a header too long": (
        b"GET / HTTP/1.1\r\nCookie: SECRET" + b"x" * 9_000 + b"\r\n\r\n",
        "headers_too_large",
    ),
    "too many headers": (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", "headers_too_large"),
    "headers without end": (b"GET / HTTP/1.1\r\n" + b"A: bcdef\r\n" * 7_000, "headers_too_large"),
    "a broken chunk": (
        (
            b"POST /events HTTP/1.1\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\nxx\r\n"
        ),
        "bad_request",
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_http_gets_the_same_document(running: Any, hold_open: Any, name: str) -> None:
    sent, code = MALFORMED[name]
    connection = hold_open(running.port)
    connection.sendall(sent)
    started = time.monotonic()
    received = everything(connection)
    assert problem(received)["code"] == code
    assert time.monotonic() - started < HEAD_S, "it is known at once"
    assert b"SECRET" not in received
    assert b"<html" not in received
    assert "SECRET" not in running.log()


def test_a_request_cut_off_in_the_middle_is_told_so(running: Any, hold_open: Any) -> None:
    connection = hold_open(running.port)
    connection.sendall(PARTS["half a body"])
    connection.shutdown(socket.SHUT_WR)
    assert problem(everything(connection))["code"] == "bad_request"


def test_who_asks_whether_to_go_on_is_told_once(running: Any, hold_open: Any) -> None:
    connection = hold_open(running.port)
    sent = body()
    connection.sendall(request(sent, b"Expect: 100-continue", b"Connection: close"))
    assert connection.recv(1_000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(sent)
    received = everything(connection)
    assert received.startswith(b"HTTP/1.1 202")
    assert b"100 Continue" not in received


def test_requests_sent_in_one_breath_are_each_answered_in_order(running: Any, hold_open: Any) -> None:
    connection = hold_open(running.port)
    first, last = body(), body()
    breath = request(first) + first + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    breath += request(last, b"Connection: close") + last
    connection.sendall(breath[:-30])
    time.sleep(0.1)
    connection.sendall(breath[-30:])
    statuses = [part[:3] for part in everything(connection).split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"202", b"404", b"202"]


def test_the_body_of_a_refused_request_is_not_taken_for_the_next(running: Any) -> None:
    sessions = [requests.Session() for _ in range(2 * THREADS)]
    for session in sessions * 2:
        answer = session.post(
            f"{running.url}/events",
            data=b"GET /x HTTP/1.1\r\n\r\n" * 10_000,
            headers={"Content-Type": "text/html"},
            timeout=10,
        )
        assert answer.status_code == 415
    assert served_in(running) < HEAD_S, "a thread waits for what comes next"
    for session in sessions:
        assert session.get(f"{running.url}/", timeout=10).status_code == 200
        session.close()


@pytest.mark.parametrize("header", ["SCRIPT_NAME: /x", "SCRIPT_NAME: /", "PATH_INFO: /x", "Script-Name: /x"])
def test_a_header_does_not_say_where_we_lie(running: Any, hold_open: Any, header: str) -> None:
    """Not even one from this host, where a proxy would be that passes on what it is sent."""
    connection = hold_open(running.port)
    connection.sendall(
        f"GET /health/live HTTP/1.1\r\nHost: x\r\n{header}\r\nConnection: close\r\n\r\n".encode()
    )
    assert everything(connection).startswith(b"HTTP/1.1 200")


TORN = {
    "a string instead of an event": (b'["\\ud800"]', "not_an_object"),
    "in the first of two": (b'[{"user_id": "\\ud800", "user_id": "u"}]', "lone_surrogate"),
    "in the first of two, deeper": (b'[{"properties": {"a": "\\udc00\\ud800", "a": 1}}]', "lone_surrogate"),
    "a name, in the first of two": (b'[{"properties": {"\\ud800": 1}, "properties": {}}]', "lone_surrogate"),
}


@pytest.mark.parametrize("name", TORN)
def test_half_a_surrogate_pair_is_the_senders_fault_wherever_it_stands(running: Any, name: str) -> None:
    sent, code = TORN[name]
    kinds = ("application/json", sent), ("application/x-ndjson", sent[1:-1])
    for media_type, data in kinds:
        answer = requests.post(
            f"{running.url}/events", data=data, headers={"Content-Type": media_type}, timeout=10
        )
        assert answer.status_code == 422, answer.text
        assert [each["code"] for each in answer.json()["results"]] == [code]


def test_nothing_of_all_that_was_a_fault_of_ours(running: Any) -> None:
    log = running.log()
    assert "Traceback" not in log
    assert "server_broke" not in log
    assert "request_failed" not in log
    metrics = requests.get(f"{running.url}/metrics", timeout=10).text
    assert 'ugc_http_requests_total{route="unmatched",status="400"}' in metrics
    assert 'ugc_http_requests_total{route="unmatched",status="408"}' in metrics
