"""Readers who are slow or never read, and the bytes held of requests under way: nobody keeps a thread."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import psutil
import pytest
import requests

THREADS = 2
CONNECTIONS = 400
BODY_S, ANSWER_S = 6.0, 2.0
MIB = 2**20
# What the collector holds of requests under way, together.
HELD_MIB = 64
LARGEST = "/apidocs/swagger-ui-bundle.js"


@pytest.fixture(scope="module")
def running(start_api: Any, mock_broker: str) -> Any:
    return start_api(
        bootstrap=mock_broker,
        api_threads=THREADS,
        api_connections_max=CONNECTIONS,
        body_deadline_ms=int(BODY_S * 1000),
        answer_deadline_ms=int(ANSWER_S * 1000),
    )


@pytest.fixture
def narrow(running: Any) -> Iterator[Callable[[], socket.socket]]:
    """Connections that take little at a time, closed at the end."""
    opened: list[socket.socket] = []

    def connect() -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", running.port))
        opened.append(connection)
        return connection

    yield connect
    for connection in opened:
        connection.close()


def worker(running: Any) -> psutil.Process:
    (found,) = psutil.Process(running.process.pid).children()
    return found


def connected(running: Any) -> int:
    """How many connections the worker has to somebody who is there."""
    found = worker(running).net_connections("tcp")
    ours = [each for each in found if each.laddr and each.laddr.port == running.port]
    return sum(each.status == psutil.CONN_ESTABLISHED for each in ours)


def body() -> bytes:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    event = {"event_id": str(uuid4()), "occurred_at": now, "user_id": "u", "event_type": "paused"}
    return json.dumps([event]).encode()


def head(length: int, *more: bytes) -> bytes:
    lines = [b"POST /events HTTP/1.1", b"Host: x", b"Content-Type: application/json", *more]
    return b"\r\n".join([*lines, b"Content-Length: %d" % length, b"", b""])


def get(path: str, *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *more, "", ""]).encode()


def served_in(running: Any) -> float:
    started = time.monotonic()
    answer = requests.post(
        f"{running.url}/events", data=body(), headers={"Content-Type": "application/json"}, timeout=10
    )
    assert answer.status_code == 202, answer.text
    return time.monotonic() - started


def everything(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65_536):
        received += piece
    return received


BAD = json.dumps([{"event_id": "x" * 60, "user_id": 7}] * 1_000).encode()
LARGE_ANSWERS = {"a file": get(LARGEST) * 4, "verdicts": (head(len(BAD)) + BAD) * 2}


@pytest.mark.parametrize("asked", LARGE_ANSWERS.values(), ids=LARGE_ANSWERS)
def test_who_does_not_read_keeps_no_thread(running: Any, narrow: Any, asked: bytes) -> None:
    slow = [narrow() for _ in range(2 * THREADS)]
    for connection in slow:
        connection.sendall(asked)
    time.sleep(0.2)
    assert served_in(running) < ANSWER_S, "it waited for those who do not read"


def test_who_reads_a_little_at_a_time_is_given_up_in_the_same_time(running: Any, narrow: Any) -> None:
    while connected(running):
        time.sleep(0.05)
    slow = [narrow() for _ in range(2 * THREADS)]
    for connection in slow:
        # More than kernels take in.
        connection.sendall(get(LARGEST) * 4)
    started = time.monotonic()
    assert served_in(running) < ANSWER_S, "it waited for those who read"
    assert connected(running)
    while connected(running):
        assert time.monotonic() - started < 3 * ANSWER_S, "a byte now and then keeps a connection for ever"
        for connection in slow:
            with suppress(ConnectionError):
                connection.recv(64)
        time.sleep(0.05)


def test_who_reads_slowly_but_in_time_gets_all_of_it(running: Any, narrow: Any) -> None:
    """Also of the next request, which he sent in the same breath."""
    expected = requests.get(f"{running.url}{LARGEST}", timeout=10).content
    connection = narrow()
    connection.sendall(get(LARGEST) + get("/openapi.json", "Connection: close"))
    time.sleep(0.3)
    first, _, rest = everything(connection).partition(b"\r\n\r\n")
    assert first.startswith(b"HTTP/1.1 200")
    assert rest[: len(expected)] == expected
    second, _, document = rest[len(expected) :].partition(b"\r\n\r\n")
    assert second.startswith(b"HTTP/1.1 200")
    assert json.loads(document)["openapi"].startswith("3.")


def test_two_hundred_idle_connections_are_in_nobodys_way(running: Any, hold_open: Any) -> None:
    idle = [hold_open(running.port) for _ in range(200)]
    for connection in idle:
        connection.sendall(get("/health/live"))
    for connection in idle:
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    threads = worker(running).num_threads()
    assert served_in(running) < 2
    for connection in idle[::50]:
        connection.sendall(get("/health/live"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
    assert worker(running).num_threads() == threads


def test_a_chunk_whose_length_has_many_digits_keeps_no_thread(running: Any, hold_open: Any) -> None:
    """Good HTTP, if odd: what is not counted before is not waited for after."""
    slow = [hold_open(running.port) for _ in range(3 * THREADS)]
    for connection in slow:
        connection.sendall(
            b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n00000000000000ffff\r\n["
        )
    assert served_in(running) < ANSWER_S
    for connection in slow:
        assert everything(connection).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("ending", [b"3;\x01\r\nabc\r\n0\r\n\r\n", b"0\r\nHost: y\r\n\r\n"])
def test_a_body_that_nobody_wants_and_is_broken_is_answered_once(
    running: Any, hold_open: Any, ending: bytes
) -> None:
    connection = hold_open(running.port)
    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + ending)
    assert everything(connection).count(b"HTTP/1.1 ") == 1


# Bytes held of requests under way

PIECE = b" " * (MIB - 1_000)


def broken_off(connection: socket.socket) -> None:
    connection.close()


def ended(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    assert everything(connection).startswith(b"HTTP/1.1 400")


def late(connection: socket.socket) -> None:
    assert everything(connection).startswith(b"HTTP/1.1 408")


def completed(connection: socket.socket) -> None:
    connection.sendall(b" " * 1_000)
    # An empty body: it went through a thread and was refused by the application.
    assert connection.recv(12) == b"HTTP/1.1 400"


WAYS_OUT = {"hung up": broken_off, "ended early": ended, "too late": late, "answered": completed}


@pytest.mark.parametrize("way_out", WAYS_OUT.values(), ids=WAYS_OUT)
def test_what_is_held_is_given_back(running: Any, hold_open: Any, way_out: Any) -> None:
    """Almost all that may be held goes this way, then some more: had it been kept, that were too much."""
    for count, leave in ((HELD_MIB - 4, way_out), (8, completed)):
        connections = [hold_open(running.port) for _ in range(count)]
        for connection in connections:
            connection.sendall(head(MIB) + PIECE)
        for connection in connections:
            leave(connection)
            connection.close()


def test_beyond_what_is_held_the_oldest_is_told_to_come_again(running: Any, hold_open: Any) -> None:
    before = worker(running).memory_info().rss
    connections = [hold_open(running.port) for _ in range(HELD_MIB + 6)]
    for connection in connections:
        connection.sendall(head(MIB) + PIECE)
    assert served_in(running) < 2
    first = everything(connections[0])
    assert first.startswith(b"HTTP/1.1 503")
    assert b"Retry-After: 1\r\n" in first
    connections[-1].sendall(b" " * 1_000)
    assert connections[-1].recv(12) == b"HTTP/1.1 400", "the youngest is not the one that is refused"
    assert worker(running).memory_info().rss - before < (HELD_MIB + 40) * MIB


def test_what_comes_with_the_last_byte_of_a_large_request_is_the_next(running: Any, hold_open: Any) -> None:
    connection = hold_open(running.port)
    whole = b" " * 50_000 + body()
    large = head(0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    large += b"%x\r\n%s\r\n0\r\n\r\n" % (len(whole), whole)
    small = get("/nothing", f"X-Padding: {'x' * 6_000}")
    connection.sendall(large[:-1])
    time.sleep(0.2)
    connection.sendall(large[-1:] + small * 9 + get("/health/live", "Connection: close"))
    statuses = [part[:3] for part in everything(connection).split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"202", *[b"404"] * 9, b"200"]


def test_nothing_of_all_that_was_a_fault_of_ours(running: Any) -> None:
    log = running.log()
    assert "Traceback" not in log
    assert "server_broke" not in log
    assert "request_failed" not in log
