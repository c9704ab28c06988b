"""Several workers are one collector: one answer a key, one total a metric, one state, through kills."""

import json
import os
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
import requests

from telemetry.sheet import numbers_in

WORKERS = 2
SECRETS = ("secret-of-the-query", "secret-of-the-header", "secret-of-the-body")


@pytest.fixture(scope="module")
def running(start_api: Any, mock_broker: str) -> Any:
    return start_api(bootstrap=mock_broker, api_workers=WORKERS)


def body() -> bytes:
    event = {
        "event_id": str(uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(),
        "user_id": "user-1",
        "event_type": "click",
        "properties": {"element": "play"},
    }
    return json.dumps([event]).encode()


def post(running: Any, sent: bytes, **headers: str) -> requests.Response:
    """On a connection of its own, so that any worker may take it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(
        f"{running.url}/events", data=sent, headers={"Content-Type": "application/json", **named}, timeout=20
    )


def accepted(running: Any) -> float:
    text = requests.get(f"{running.url}/metrics", timeout=5).text
    found = re.search(r"^ugc_events_accepted_total (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def served_by_each(running: Any) -> list[float]:
    """How many POST /events each worker has answered, from its own sheet."""
    (folder,) = Path(running.log_file.parent).glob(f"collector/metrics-{running.port}")
    sheets = [numbers_in(file.read_bytes()) for file in folder.glob("*.sheet")]
    words = ("ugc_http_requests_total", "/events", "202")
    return [sheet[words] for sheet in sheets if words in sheet]


def at_once(running: Any, bodies: list[bytes], **headers: str) -> list[requests.Response]:
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(lambda sent: post(running, sent, **headers), bodies))


def workers(running: Any) -> list[psutil.Process]:
    return list(psutil.Process(running.process.pid).children())


def test_any_worker_tells_the_total_and_gives_the_first_answer(running: Any) -> None:
    before = accepted(running)
    while len(served_by_each(running)) < WORKERS:
        at_once(running, [body() for _ in range(16)])
        before += 16
    assert {accepted(running) for _ in range(10)} == {before}
    sent = body()
    first = post(running, sent, Idempotency_Key="of-two-workers")
    again = at_once(running, [sent] * 24, Idempotency_Key="of-two-workers")
    assert {(each.status_code, each.content) for each in again} == {(202, first.content)}
    assert all(each.headers["Idempotent-Replayed"] == "true" for each in again)
    assert {accepted(running) for _ in range(10)} == {before + 1}


def test_of_many_at_the_same_time_one_is_worked_on(running: Any, pause: Any, mock_broker: str) -> None:
    before, answers, sent = accepted(running), [], body()
    with pause(mock_broker):
        sending = threading.Thread(
            target=lambda: answers.extend(at_once(running, [sent] * 16, Idempotency_Key="all-at-once"))
        )
        sending.start()
        # The broker is slow for once, so that all of them come while the first one waits for it.
        time.sleep(0.4)
    sending.join()
    taken = {each.content for each in answers if each.status_code == 202}
    assert len(taken) == 1
    assert {each.status_code for each in answers} <= {202, 409}
    assert accepted(running) == before + 1


def test_a_killed_worker_takes_no_count_no_answer_and_no_key_with_it(
    running: Any, pause: Any, mock_broker: str, wait_for: Any
) -> None:
    sent = body()
    first = post(running, sent, Idempotency_Key="before-the-kill")
    before, old = accepted(running), workers(running)
    held = body()
    with pause(mock_broker):
        in_flight = threading.Thread(target=post_and_lose, args=(running, held))
        in_flight.start()
        time.sleep(0.3)
        for worker in old:
            worker.kill()
        in_flight.join()
    wait_for(lambda: {each.pid for each in workers(running)}.isdisjoint(each.pid for each in old), seconds=10)
    running.wait_ready()
    assert accepted(running) == before
    again = post(running, sent, Idempotency_Key="before-the-kill")
    assert (again.content, again.headers["Idempotent-Replayed"]) == (first.content, "true")
    wait_for(lambda: post(running, held, Idempotency_Key="in-flight").status_code == 202, seconds=5)


def post_and_lose(running: Any, sent: bytes) -> None:
    with suppress(requests.ConnectionError):
        post(running, sent, Idempotency_Key="in-flight")


def ready_everywhere(running: Any) -> set[bool]:
    with ThreadPoolExecutor(8) as pool:
        return set(pool.map(lambda _: running.ready(), range(16)))


def test_every_worker_knows_of_an_outage_within_two_seconds(
    running: Any, pause: Any, mock_broker: str, wait_for: Any
) -> None:
    wait_for(lambda: ready_everywhere(running) == {True}, seconds=10)
    with pause(mock_broker):
        wait_for(lambda: ready_everywhere(running) == {False}, seconds=2)
        assert "ugc_broker_up 0.0" in requests.get(f"{running.url}/metrics", timeout=5).text
    wait_for(lambda: ready_everywhere(running) == {True}, seconds=5)
    wait_for(lambda: "ugc_broker_up 1.0" in requests.get(f"{running.url}/metrics", timeout=5).text, seconds=3)


def test_nothing_that_a_sender_keeps_secret_is_logged(running: Any, hold_open: Any) -> None:
    query, header, content = SECRETS
    secret_headers = {
        "X-API-Key": header,
        "X-Write-Key": header,
        "Authorization": f"Bearer {header}",
        "Cookie": f"session={header}",
        "Idempotency-Key": header,
        "Referer": f"https://shop.example/?token={query}",
    }
    for method, path in (("POST", "/events"), ("GET", "/stats/dau"), ("GET", "/nothing"), ("PUT", "/events")):
        for sent in (b"{", json.dumps({"user_id": content}).encode(), b'"' + content.encode()):
            requests.request(
                method,
                f"{running.url}{path}?key={query}&from={query}",
                data=sent,
                headers={**secret_headers, "Content-Type": "application/json"},
                timeout=10,
            )
            post(running, sent, **{name.replace("-", "_"): value for name, value in secret_headers.items()})
    for raw in (
        f"GET /?key={query} HTTP/9.9\r\nX-API-Key: {header}\r\n\r\n",
        f"POST /events?key={query} HTTP/1.1\r\nHost: x\r\nX-API-Key {header}\r\n\r\n",
        f"POST /events?key={query} HTTP/1.1\r\nHost: x\r\nX-API-Key: {header}\x00\r\n\r\n",
        f"{query} {header}\r\n\r\n",
    ):
        connection = hold_open(running.port)
        connection.sendall(raw.encode())
        while connection.recv(65_536):
            pass
    requests.get(f"{running.url}/the-last-one", timeout=5)
    said = running.log()
    assert '"status":404' in said.splitlines()[-1]
    for secret in SECRETS:
        assert secret not in said, next(line for line in said.splitlines() if secret in line)


def test_a_restart_keeps_the_answers_and_counts_from_nothing(
    running: Any, start_api: Any, mock_broker: str
) -> None:
    sent = body()
    first = post(running, sent, Idempotency_Key="before-the-restart")
    assert accepted(running) > 0
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()
    after = start_api(bootstrap=mock_broker, api_port=running.port, api_workers=WORKERS)
    again = post(after, sent, Idempotency_Key="before-the-restart")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert accepted(after) == 0
