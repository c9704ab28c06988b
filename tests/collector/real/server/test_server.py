"""The real server, as a process: what an in-process client cannot show."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psutil
import pytest
import requests

from contract.topics import EVENTS

MIB = 1024 * 1024


def now_event(user_id: str = "user-1") -> dict[str, Any]:
    return {
        "event_id": str(uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "user_id": user_id,
        "event_type": "click",
        "properties": {"element": "play"},
    }


@pytest.fixture(scope="module")
def running(start_api: Any, mock_broker: str) -> Any:
    """One for the tests that leave it as it was."""
    return start_api(bootstrap=mock_broker)


@pytest.fixture
def own(start_api: Any, mock_broker: str) -> Any:
    """One for a test that ends it."""
    return start_api(bootstrap=mock_broker)


def answer_of(connection: socket.socket) -> tuple[int, dict[str, Any]]:
    """Status and body of what the server says, read to the end of the connection or of the body."""
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65_536)
        assert piece, f"closed after {received!r}"
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65_536)
    return int(head.split(b" ")[1]), json.loads(body)


def test_an_event_goes_in_through_the_real_server(running: Any, read_topic: Any, mock_broker: str) -> None:
    sent = now_event()
    answer = requests.post(f"{running.url}/events", json=[sent], timeout=10)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    keys = [record.key.decode() for record in read_topic(mock_broker, EVENTS)]
    assert keys.count(sent["event_id"]) == 1


def test_413_is_readable_by_a_client_that_is_still_sending(running: Any) -> None:
    answer = requests.post(
        f"{running.url}/events",
        data=b" " * (8 * MIB),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_413_for_a_chunked_body_that_never_said_how_long_it_is(running: Any) -> None:
    answer = requests.post(
        f"{running.url}/events",
        data=(b" " * 65_536 for _ in range(64)),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_chunked_body_within_the_limit_is_an_ordinary_request(running: Any) -> None:
    body = json.dumps([now_event()]).encode()
    answer = requests.post(
        f"{running.url}/events",
        data=(body[n : n + 20] for n in range(0, len(body), 20)),
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert answer.status_code == 202


def test_a_length_that_lies_upwards_is_refused_before_the_body(running: Any, hold_open: Any) -> None:
    connection = hold_open(running.port)
    connection.sendall(
        b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999999\r\n\r\n{"
    )
    started = time.monotonic()
    status, said = answer_of(connection)
    assert (status, said["code"]) == (413, "body_too_large")
    assert time.monotonic() - started < 1, "the answer does not wait for what may never come"
    connection.settimeout(4)
    assert connection.recv(1) == b"", "and nobody waits for the rest for long"


def test_another_request_is_served_after_a_refused_one_on_the_same_connection(running: Any) -> None:
    with requests.Session() as session:
        refused = session.post(f"{running.url}/events", data=b"x" * 200_000, timeout=10)
        assert refused.status_code == 415
        assert session.post(f"{running.url}/events", json=[now_event()], timeout=10).status_code == 202


def test_worker_processes_share_one_limit_and_a_killed_one_gives_nothing_back(
    start_api: Any, mock_broker: str
) -> None:
    running = start_api(bootstrap=mock_broker, api_workers=2, rate_limit_per_minute=1, rate_limit_burst=40)

    def post() -> Any:
        # A connection each: whichever worker is free takes it.
        return requests.post(f"{running.url}/events", json=[now_event()], timeout=10)

    before = [post().status_code for _ in range(20)]
    killed = psutil.Process(running.process.pid).children()[0]
    killed.kill()
    killed.wait(5)
    running.wait_ready()
    after = [post() for _ in range(40)]
    assert (before + [each.status_code for each in after]).count(202) == 40
    refused = after[-1]
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["RateLimit"].startswith('"address";r=0;t=')
    assert 1 <= int(refused.headers["Retry-After"]) <= 60


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_finishes_what_has_begun_and_ends_well(
    own: Any, hold_open: Any, how: signal.Signals
) -> None:
    body = json.dumps([now_event()]).encode()
    head = (
        f"POST /events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    connection = hold_open(own.port)
    connection.sendall(head.encode())
    assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n", "it has begun"
    connection.sendall(body[:50])
    if how is signal.SIGINT:
        # As a terminal does it: to every process of the group at once.
        os.killpg(own.process.pid, how)
    else:
        own.process.send_signal(how)
    time.sleep(0.5)
    connection.sendall(body[50:])
    assert answer_of(connection)[0] == 202
    assert own.process.wait(10) == 0
    assert '"event_log_closed"' in own.log()
    assert "Traceback" not in own.log()


def test_a_busy_port_is_one_line_that_names_the_setting(
    running: Any, start_api: Any, mock_broker: str
) -> None:
    second = start_api(bootstrap=mock_broker, api_port=running.port, wait=False)
    assert second.process.wait(60) != 0
    (said,) = [line for line in second.log().splitlines() if not line.startswith("{")]
    assert "UGC_API_PORT" in said
    assert str(running.port) in said
    assert "Traceback" not in second.log()


def test_after_a_kill_the_next_one_takes_over_the_port(
    own: Any, start_api: Any, mock_broker: str, wait_for: Any
) -> None:
    with requests.Session() as idle:
        idle.get(f"{own.url}/", timeout=10)
        own.process.kill()
        own.process.wait()
        next_one = start_api(bootstrap=mock_broker, api_port=own.port, wait=False)
        # Until it says so, the one that answers may still be a worker of the one that was killed.
        wait_for(lambda: "api_listening" in next_one.log() and next_one.ready(), seconds=15)
        assert requests.post(f"{next_one.url}/events", json=[now_event()], timeout=10).status_code == 202


@pytest.mark.parametrize(
    ("host", "named"), [("203.0.113.9", "UGC_API_HOST"), ("no such host", "UGC_API_HOST")]
)
def test_an_address_that_is_not_ours_is_one_line(
    start_api: Any, unused_port: int, host: str, named: str
) -> None:
    process = start_api(bootstrap="127.0.0.1:1", api_host=host, api_port=unused_port, wait=False)
    assert process.process.wait(60) != 0
    assert named in process.log()
    assert "Traceback" not in process.log()


def test_every_line_of_the_log_is_ours(own: Any) -> None:
    requests.get(f"{own.url}/", timeout=10)
    assert own.stop() == 0
    lines = [json.loads(line) for line in own.log().splitlines()]
    assert {"api_listening", "broker_answers", "request_served", "event_log_closed"} <= {
        line["event"] for line in lines
    }


def test_an_outage_is_answered_in_time_and_ends_without_a_restart(
    start_api: Any, mock_broker: str, pause: Any, wait_for: Any
) -> None:
    running = start_api(bootstrap=mock_broker, ack_deadline_ms=2_000, api_threads=4)
    with pause(mock_broker):
        # More requests than threads: none may wait in line for another one's deadline for long.
        answers = send_at_once(running, 12)
        assert {status for status, _ in answers} == {503}
        assert max(seconds for _, seconds in answers) < 2.5 + 1.0
        ready = requests.get(f"{running.url}/health/ready", timeout=5)
        assert (ready.status_code, ready.json()["checks"]["broker"]["ready"]) == (503, False)
    back = lambda: requests.post(f"{running.url}/events", json=[now_event()], timeout=10).status_code == 202  # noqa: E731
    assert wait_for(back, seconds=5) <= 5


def send_at_once(running: Any, requests_count: int) -> list[tuple[int, float]]:
    answers: list[tuple[int, float]] = []

    def send() -> None:
        started = time.monotonic()
        status = requests.post(f"{running.url}/events", json=[now_event()], timeout=20).status_code
        answers.append((status, time.monotonic() - started))

    threads = [threading.Thread(target=send) for _ in range(requests_count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_it_starts_while_the_broker_is_away_and_says_so(
    start_api: Any, unused_port: int, wait_for: Any
) -> None:
    running = start_api(bootstrap=f"127.0.0.1:{unused_port}", wait=False)
    wait_for(lambda: reachable(f"{running.url}/health/live"), seconds=10)
    ready = requests.get(f"{running.url}/health/ready", timeout=5)
    assert ready.status_code == 503
    answer = requests.post(f"{running.url}/events", json=[now_event()], timeout=10)
    assert (answer.status_code, answer.json()["code"]) == (503, "log_unavailable")


def reachable(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.mark.stack
def test_stopped_under_load_every_202_is_in_kafka(
    start_api: Callable[..., Any], kafka_bootstrap: str, events_topic: Any, read_topic: Any
) -> None:
    running = start_api(bootstrap=kafka_bootstrap)
    accepted: set[str] = set()
    stop = threading.Event()

    def send() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                batch = [now_event() for _ in range(20)]
                try:
                    answer = session.post(f"{running.url}/events", json=batch, timeout=20)
                except requests.RequestException:
                    return
                if answer.status_code == 202:
                    accepted.update(each["event_id"] for each in batch)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    assert running.stop(10) == 0
    stop.set()
    for thread in threads:
        thread.join()
    assert len(accepted) > 100
    assert '"unacknowledged":0' in running.log()
    # Others who use this broker may have left records of their own kind.
    found = {record.key.decode(errors="replace") for record in read_topic(kafka_bootstrap, replace(EVENTS))}
    assert accepted <= found
