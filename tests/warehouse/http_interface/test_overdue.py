"""A question that the engine cannot end is ended with the process, and nobody else's is."""

import http.client
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from warehouse_process import Process

from clickhouse.client import WarehouseError, classified, connect
from embedded.warehouse.__main__ import CANNOT_END_IT

pytestmark = pytest.mark.stack

TIMEOUT = 159
GIVEN_UP = "question_cannot_be_ended"
# One value, and 10^12 comparisons: no limit and no KILL is looked at meanwhile.
UNENDING = "SELECT hasAny(range(1000000), arrayMap(x -> x + 1000000, range(1000000)))"
ENDLESS = (
    "SELECT count() FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b "
    "WHERE NOT ignore(sipHash64(a.number, b.number))"
)


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    made = Process(
        tmp_path_factory.mktemp("overdue") / "warehouse", "--overrun-s", "1", "--stop-grace-s", "1"
    )
    made.start()
    yield made
    made.kill()


def ask(process: Process, role: str, sql: str, limit_s: int) -> None:
    with classified(), connect(process.dsn(role)) as client:
        client.command(sql, settings={"max_execution_time": limit_s})


def log_of(process: Process) -> str:
    return process.log.read_text(encoding="utf-8")


def test_what_a_limit_ends_ends_alone(process: Process) -> None:
    for role in ("analyst", "reader"):
        with pytest.raises(WarehouseError) as ended:
            ask(process, role, ENDLESS, 1)
        assert ended.value.code == TIMEOUT
    time.sleep(2)
    assert GIVEN_UP not in log_of(process)
    ask(process, "reader", "SELECT 1", 1)


def test_an_administrator_who_has_no_limit_may_take_as_long_as_he_likes(process: Process) -> None:
    begun = time.monotonic()
    ask(process, "admin", "SELECT sleepEachRow(1) FROM numbers(3) SETTINGS max_block_size = 1", 0)
    assert time.monotonic() - begun > 3
    assert GIVEN_UP not in log_of(process)


def test_somebody_who_reads_slowly_is_waited_for(process: Process) -> None:
    asked = quote("SELECT number, repeat('x', 100) FROM numbers(400000)")
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=30)
    headers = {"X-ClickHouse-User": "analyst", "X-ClickHouse-Key": "of-analyst"}
    connection.request("GET", f"/?max_execution_time=1&query={asked}", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200
    answer.read(1_000)
    time.sleep(4)
    assert GIVEN_UP not in log_of(process)
    connection.close()


def test_it_ends_says_whose_it_was_and_what_was_stored_is_there(process: Process) -> None:
    with connect(process.dsn("admin")) as admin:
        admin.command("CREATE TABLE kept (n UInt8) ENGINE = MergeTree ORDER BY n")
        admin.command("INSERT INTO kept VALUES (1), (2)")
    assert process.popen is not None
    begun = time.monotonic()
    with pytest.raises(WarehouseError):
        ask(process, "analyst", UNENDING, 1)
    assert process.popen.wait(30) == CANNOT_END_IT
    # Its limit, what it may overrun, and what others get to end.
    assert 2 < time.monotonic() - begun < 20
    said = log_of(process)
    assert GIVEN_UP in said
    assert "analyst" in said
    assert "hasAny" not in said, "a question may hold people's data"
    process.start()
    with connect(process.dsn("admin")) as admin:
        assert admin.query("SELECT groupArray(n) FROM kept").first_row[0] == [1, 2]
