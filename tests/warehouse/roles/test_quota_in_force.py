"""The quota of people, used up: the next question is refused, and nobody else's is."""

import base64
import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest
from warehouse_process import Process

pytestmark = pytest.mark.stack

ERRORS_MAX = 600


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """One of its own: after this its analyst is done for the hour."""
    process = Process(tmp_path / "warehouse")
    process.start()
    yield process
    process.kill()


def test_six_hundred_errors_an_hour_are_enough(process: Process) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)

    def ask(sql: str, role: str, query: str = "") -> tuple[int, str]:
        pair = base64.b64encode(f"{role}:of-{role}".encode()).decode()
        connection.request("POST", f"/{query}", sql.encode(), {"Authorization": f"Basic {pair}"})
        response = connection.getresponse()
        text = response.read().decode()
        return int(response.getheader("X-ClickHouse-Exception-Code") or 0), text

    try:
        for number in range(ERRORS_MAX // 2 + 1):
            assert ask(f"SELECT nobody_knows_this({number})", "analyst")[0] == 46
        # What is refused before there is a statement counts as well.
        for _ in range(ERRORS_MAX // 2):
            assert ask("SELECT 1", "analyst", "?compress=1")[0] == 48
        code, text = ask("SELECT 1", "analyst")
        assert code == 201
        assert "errors = 601/600" in text
        assert ask("SELECT 1", "reader") == (0, "1\n")
        assert ask("SELECT 1", "writer") == (0, "1\n")
    finally:
        connection.close()
