"""Sessions: state from one request to the next, one request at a time."""

import threading
import time
import uuid

import pytest
from services import until


@pytest.fixture
def session() -> dict[str, str]:
    return {"session_id": uuid.uuid4().hex}


def test_set_and_use_last_in_a_session_and_nowhere_else(warehouse, session) -> None:
    assert warehouse.ask("SET max_block_size = 4321", query=session).status == 200
    assert warehouse.rows("SELECT getSetting('max_block_size')", query=session) == [["4321"]]
    assert warehouse.rows("SELECT getSetting('max_block_size')") != [["4321"]]
    assert warehouse.ask("USE system", query=session, database="").status == 200
    assert warehouse.rows("SELECT currentDatabase()", query=session, database="") == [["system"]]


def test_a_request_in_a_session_changes_settings_for_itself_only(warehouse, session) -> None:
    warehouse.ask("SET max_block_size = 4321", query=session)
    now = {**session, "max_block_size": 99, "max_threads": 1}
    assert (
        warehouse.rows("SELECT getSetting('max_block_size'), getSetting('max_threads')", query=now)[0][0]
        == "99"
    )
    assert warehouse.rows("SELECT getSetting('max_block_size')", query=session) == [["4321"]]
    first = {"session_id": uuid.uuid4().hex}
    assert warehouse.ask("SET max_block_size = 77", query={**first, "max_insert_block_size": 5}).status == 200
    assert warehouse.rows("SELECT getSetting('max_insert_block_size')", query=first) != [["5"]]


def test_temporary_tables_live_in_their_session(warehouse, session) -> None:
    assert warehouse.ask("CREATE TEMPORARY TABLE scratch (a UInt8)", query=session).status == 200
    assert warehouse.ask("INSERT INTO scratch VALUES (1), (2)", query=session).status == 200
    assert warehouse.rows("SELECT sum(a) FROM scratch", query=session) == [["3"]]
    assert warehouse.ask("SELECT * FROM scratch").code == 60
    assert warehouse.ask("SELECT * FROM scratch", query={"session_id": "another"}).code == 60


def test_a_session_belongs_to_its_user(warehouse, session) -> None:
    warehouse.ask("CREATE TEMPORARY TABLE scratch (a UInt8)", query=session)
    assert warehouse.ask("SELECT * FROM scratch", query=session, role="writer").code == 60


def test_one_query_at_a_time(warehouse, session) -> None:
    query = {**session, "query_id": "busy"}
    busy = threading.Thread(target=warehouse.ask, args=("SELECT sleep(3)",), kwargs={"query": query})
    busy.start()
    until(lambda: warehouse.rows("KILL QUERY WHERE query_id = 'busy' TEST"), within_s=10, what="it runs")
    answer = warehouse.ask("SELECT 1", query=session)
    assert answer.code == 373, answer.text
    busy.join()
    assert warehouse.ask("SELECT 1", query=session).text == "1\n"


def test_session_check_wants_a_session_that_is_there(warehouse, session) -> None:
    assert warehouse.ask("SELECT 1", query={**session, "session_check": 1}).code == 372
    warehouse.ask("SELECT 1", query=session)
    assert warehouse.ask("SELECT 1", query={**session, "session_check": 1}).text == "1\n"


def test_sessions_expire(warehouse, session) -> None:
    short = {**session, "session_timeout": 1}
    warehouse.ask("CREATE TEMPORARY TABLE scratch (a UInt8)", query=short)
    assert warehouse.ask("SELECT count() FROM scratch", query=short).text == "0\n"
    time.sleep(2.5)
    assert warehouse.ask("SELECT count() FROM scratch", query=short).code == 60


@pytest.mark.parametrize("timeout", ["999999", "x", "-1", "9" * 5_000, "\u0663"])
def test_a_session_timeout_has_bounds(warehouse, session, timeout) -> None:
    assert warehouse.ask("SELECT 1", query={**session, "session_timeout": timeout}).code == 374


def test_a_readers_session_keeps_what_a_reader_may_set(warehouse, session) -> None:
    assert warehouse.ask("SET max_execution_time = 7", query=session, role="reader").status == 200
    assert warehouse.rows("SELECT getSetting('max_execution_time')", query=session, role="reader") == [["7"]]
    assert warehouse.ask("CREATE TEMPORARY TABLE scratch (a UInt8)", query=session, role="reader").code in {
        164,
        497,
    }
