"""Queries that are ended: by KILL, by their time limit, by a client that hangs up."""

import http.client
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from services import until

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"


@pytest.fixture
def query_id() -> str:
    return f"q-{uuid.uuid4().hex[:8]}"


def gone(warehouse, query_id: str) -> bool:
    return not warehouse.rows(f"KILL QUERY WHERE query_id = '{query_id}' TEST")


def wait_until_running(warehouse, query_id: str) -> None:
    until(lambda: not gone(warehouse, query_id), within_s=10, what="it runs")


@pytest.mark.parametrize("victim", ["admin", "reader"])
def test_admin_kills_by_the_clients_own_id(warehouse, query_id, victim) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(warehouse.ask, ENDLESS, role=victim, query={"query_id": query_id})
        wait_until_running(warehouse, query_id)
        killed = warehouse.rows(f"KILL QUERY WHERE query_id = '{query_id}' AND user = '{victim}' SYNC")
        assert [row[:3] for row in killed] == [["finished", query_id, victim]]
        answer = running.result(10)
    assert answer.code == 394, answer.text


def test_kill_of_nothing_is_no_error(warehouse) -> None:
    assert warehouse.rows("KILL QUERY WHERE query_id = 'not there' SYNC") == []


def test_a_killed_insert_never_looks_like_a_success(warehouse, table, query_id) -> None:
    go_on = threading.Event()

    def body():
        yield b'{"a":1,"s":"x"}\n' * 100
        yield b" " * 300_000
        go_on.wait(10)
        yield b'{"a":2,"s":"x"}\n' * 100

    query = {"query_id": query_id, "query": f"INSERT INTO {table} FORMAT JSONEachRow"}
    with ThreadPoolExecutor() as pool:
        running = pool.submit(warehouse.ask, body(), role="writer", query=query)
        wait_until_running(warehouse, query_id)
        warehouse.rows(f"KILL QUERY WHERE query_id = '{query_id}' ASYNC")
        go_on.set()
        answer = running.result(15)
    assert answer.code == 394, answer.text
    assert warehouse.rows(f"SELECT count() FROM {table}") == [["0"]]


def test_writer_kills_its_own_and_no_others(warehouse, query_id) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(warehouse.ask, ENDLESS, role="admin", query={"query_id": query_id})
        wait_until_running(warehouse, query_id)
        refused = warehouse.ask(f"KILL QUERY WHERE query_id = '{query_id}' SYNC", role="writer")
        assert refused.code in {0, 497}
        assert query_id not in refused.text.split()
        wait_until_running(warehouse, query_id)
        warehouse.rows(f"KILL QUERY WHERE query_id = '{query_id}' SYNC")
        assert running.result(10).code == 394
        own = pool.submit(warehouse.ask, ENDLESS, role="writer", query={"query_id": query_id})
        wait_until_running(warehouse, query_id)
        killed = warehouse.rows(f"KILL QUERY WHERE query_id = '{query_id}' SYNC", role="writer")
        assert killed[0][0] == "finished"
        assert own.result(10).code == 394


def test_a_query_id_runs_once_at_a_time(warehouse, query_id) -> None:
    with ThreadPoolExecutor() as pool:
        running = pool.submit(warehouse.ask, "SELECT sleep(3)", query={"query_id": query_id})
        wait_until_running(warehouse, query_id)
        assert warehouse.ask("SELECT 1", query={"query_id": query_id}).code == 216
        assert running.result(10).status == 200
    assert warehouse.ask("SELECT 1", query={"query_id": query_id}).text == "1\n"


def test_max_execution_time_ends_a_read(warehouse) -> None:
    begun = time.monotonic()
    answer = warehouse.ask(ENDLESS, role="reader", query={"max_execution_time": 1})
    assert (answer.status, answer.code) == (408, 159), answer.text
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("sql", [ENDLESS, "SELECT number FROM numbers(1000000000000)"])
def test_a_client_that_hangs_up_ends_its_read(warehouse, query_id, sql) -> None:
    connection = http.client.HTTPConnection(warehouse.host, warehouse.port, timeout=30)
    named = {"query_id": query_id, "cancel_http_readonly_queries_on_client_close": 1}
    connection.request("POST", "/?" + urlencode(named), sql, warehouse.auth("admin"))
    wait_until_running(warehouse, query_id)
    connection.close()
    until(lambda: gone(warehouse, query_id), within_s=5, what="it ends")


def test_many_readers_at_once(warehouse) -> None:
    def ask(n: int) -> str:
        return warehouse.ask(f"SELECT {n}, count() FROM numbers(1000000)", role="reader").text

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ask, range(64))) == [f"{n}\t1000000\n" for n in range(64)]


def test_admin_ends_a_mutation_and_nobody_else(warehouse) -> None:
    warehouse.rows("CREATE TABLE stuck (n UInt8) ENGINE = MergeTree ORDER BY ()")
    try:
        warehouse.rows("INSERT INTO stuck VALUES (7)")
        warehouse.rows("ALTER TABLE stuck UPDATE n = throwIf(1) WHERE 1 SETTINGS mutations_sync = 0")
        sql = "KILL MUTATION WHERE database = currentDatabase() AND table = 'stuck' SYNC"
        for role in ("writer", "analyst", "reader"):
            assert warehouse.ask(sql, role=role).status != 200
        assert len(warehouse.rows(sql)) == 1
        assert warehouse.rows(sql) == []
    finally:
        warehouse.rows("DROP TABLE stuck")
