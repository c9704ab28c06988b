"""A warehouse that takes questions and never answers: events go on being taken in."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
import requests

TIMEOUT_MS = 2_000
QUESTION = "stats/dau?from=2026-11-01&to=2026-11-02"


@pytest.fixture(scope="module")
def silent_port() -> Iterator[int]:
    """Somebody listens, lets everybody in, and says nothing."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def hold() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=hold)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for each in held:
        each.close()


def send(url: str) -> tuple[int, float]:
    event = {
        "event_id": str(uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(),
        "user_id": "user-1",
        "event_type": "click",
        "properties": {"element": "play"},
    }
    begun = time.monotonic()
    return requests.post(f"{url}/events", json=event, timeout=20).status_code, time.monotonic() - begun


def ask(url: str) -> str:
    answer = requests.get(f"{url}/{QUESTION}", timeout=20)
    return str(answer.json()["code"])


def test_events_go_in_while_every_question_hangs(start_api: Any, mock_broker: str, silent_port: int) -> None:
    api = start_api(
        bootstrap=mock_broker,
        warehouse_dsn=f"http://127.0.0.1:{silent_port}/ugc",
        stats_timeout_ms=TIMEOUT_MS,
        api_threads=8,
    )
    with ThreadPoolExecutor(64) as pool:
        questions = [pool.submit(ask, api.url) for _ in range(40)]
        time.sleep(0.3)
        sent = [pool.submit(send, api.url) for _ in range(20)]
        statuses, seconds = zip(*(each.result() for each in sent), strict=True)
        codes = {each.result() for each in questions}
    assert set(statuses) == {202}
    assert max(seconds) < TIMEOUT_MS / 1000, "an event that waited for a question would have taken as long"
    assert codes == {"stats_busy", "warehouse_unavailable"}
