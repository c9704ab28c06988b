"""What goes wrong is told with ClickHouse's code, its HTTP status and one line of text."""

import codecs
import re
import threading
import time
from collections.abc import Iterator

import pytest

from embedded.warehouse.errors import MESSAGE_CHARS_MAX, from_engine
from embedded.warehouse.lost_text import keep_lost_text, take_lost_text


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELEC 1", 62, 400),
        ("", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT 'not closed", 62, 400),
        ("SELECT nope", 47, 404),
        ("SELECT * FROM nope", 60, 404),
        ("SELECT * FROM nope.nope", 81, 404),
        ("SELECT nope()", 46, 404),
        ("SELECT 1 FORMAT Nope", 73, 404),
        ("SELECT 1 FORMAT dataframe", 73, 404),
        ("SELECT 1 FORMAT ArrowTable", 73, 404),
        ("SELECT 1 FORMAT DataStore", 73, 404),
        ("SELECT 1 SETTINGS nope = 1", 115, 404),
        ("SELECT toUInt8('x')", 6, 400),
        ("SELECT throwIf(1, 'because')", 395, 500),
        ("SELECT {a:UInt8}", 456, 500),
        ("SELECT 1 INTO OUTFILE '/tmp/nope.tsv'", 358, 500),
        (
            "SELECT sleep(3) SETTINGS max_execution_time = 1",
            159,
            408,
        ),
        (
            "SELECT groupArray(number) FROM numbers(100000000) SETTINGS max_memory_usage = 50000000",
            241,
            500,
        ),
    ],
)
@pytest.mark.parametrize("wait", [0, 1])
def test_codes_and_statuses(warehouse, sql, code, status, wait) -> None:
    answer = warehouse.ask(sql, query={"wait_end_of_query": wait})
    assert (answer.code, answer.status) == (code, status), answer.text
    assert re.match(
        rf"Code: {code}\. DB::Exception: .*\([A-Z_]+\) \(version \d+\.\d+", answer.text, re.DOTALL
    )


def test_a_wrong_database_or_setting_in_the_url(warehouse) -> None:
    assert warehouse.ask("SELECT 1", database="nope").code == 81
    assert warehouse.ask("SELECT 1", query={"no_such_setting": 1}).code == 115
    assert warehouse.ask("SELECT 1", query={"max_threads": "many"}).status >= 400


def test_the_error_speaks_of_the_query_and_not_of_its_wrapping(warehouse) -> None:
    text = warehouse.ask("SELECT 1 +").text
    assert "position 11" in text
    for foreign in ("parseQueryToJSON", "ugc:", "Streaming"):
        assert foreign not in text


@pytest.mark.parametrize(
    "message",
    [
        "concat('Code: 1. DB::Exception: ', repeat(' (version ', 60000))",
        "concat(repeat('Code: 1. DB::Exception: ', 30000), unhex('00'))",
        "repeat(' (A', 200000)",
        "repeat('In scope SELECT formatQuery', 30000)",
        "repeat('/* ugc:', 100000)",
    ],
)
def test_a_message_of_any_length_is_told_at_once_and_in_short(warehouse, message) -> None:
    begun = time.monotonic()
    answer = warehouse.ask(f"SELECT throwIf(1, {message})")
    # A second is the engine's own; reading it took the square of its length once, and nobody else was served.
    assert time.monotonic() - begun < 4
    assert answer.code in {395, 1}, answer.text[:200]
    assert len(answer.text) < 2 * MESSAGE_CHARS_MAX


VERSION = "(version 26.9.2.1)"


@pytest.mark.parametrize(
    ("said", "code", "name", "message"),
    [
        (f"Code: 60. DB::Exception: No table. (UNKNOWN_TABLE) {VERSION}", 60, "UNKNOWN_TABLE", "No table."),
        ("Code: 60. DB::Exception: No table (UNKNOWN_TABLE)", 60, "UNKNOWN_TABLE", "No table."),
        (f"Query failed: Code: 6. DB::Exception: No (A) b. (C_D) {VERSION}\n", 6, "C_D", "No (A) b."),
        (
            f"Code: 6. DB::Exception: Code: 6. DB::Exception: No. (C_D) {VERSION}. (C_D) {VERSION}",
            6,
            "C_D",
            "No.",
        ),
        ("Code: 6. DB::Exception: Cannot parse 'a", 6, "UNKNOWN_EXCEPTION", "Cannot parse 'a"),
        ("Code: 6. DB::Exception: ", 6, "UNKNOWN_EXCEPTION", "No more is known"),
        ("anything else ", 1002, "UNKNOWN_EXCEPTION", "anything else"),
        ("", 1002, "UNKNOWN_EXCEPTION", "RuntimeError"),
    ],
)
def test_what_the_engine_said_without_its_wrapping(said: str, code: int, name: str, message: str) -> None:
    found = from_engine(RuntimeError(said))
    assert (found.code, found.name, found.message) == (code, name, message)


def test_of_a_long_message_head_and_end_are_told() -> None:
    found = from_engine(RuntimeError(f"Code: 6. DB::Exception: No {'x' * 10**6} y. (C_D) {VERSION}"))
    assert (found.code, found.name) == (6, "C_D")
    assert found.message.startswith("No xxx")
    assert found.message.endswith("xxx y.")
    assert len(found.message) < MESSAGE_CHARS_MAX


@pytest.fixture
def kept() -> Iterator[None]:
    """As in the process of the warehouse: what cannot be decoded is kept."""
    keep_lost_text()
    yield
    codecs.register_error("strict", codecs.strict_errors)
    take_lost_text()


def cannot_be_decoded(said: bytes) -> None:
    with pytest.raises(UnicodeDecodeError, match="invalid start byte"):
        said.decode()


@pytest.mark.parametrize("wrapped", ["", "Streaming insert append failed: "])
def test_an_error_without_a_word_says_what_could_not_be_decoded(kept: None, wrapped: str) -> None:
    cannot_be_decoded(b"Code: 117. DB::Exception: Unknown field s\xff. (INCORRECT_DATA)")
    cannot_be_decoded(b"what somebody sent \xff")
    error = RuntimeError(wrapped)
    error.__cause__ = RuntimeError()
    found = from_engine(error)
    assert (found.code, found.name, found.message) == (117, "INCORRECT_DATA", "Unknown field s\ufffd.")
    assert from_engine(RuntimeError()).code == 1002, "told twice"


def test_what_another_thread_could_not_decode_is_not_told_here(kept: None) -> None:
    other = threading.Thread(target=cannot_be_decoded, args=(b"Code: 117. DB::Exception: \xff",))
    other.start()
    other.join()
    assert from_engine(RuntimeError()).code == 1002


def test_what_cannot_be_encoded_is_refused_as_ever(kept: None) -> None:
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        "Code: \ud800".encode()
    assert take_lost_text() == b""


def test_a_failed_query_leaves_nothing_running(warehouse) -> None:
    for _ in range(3):
        assert warehouse.ask("SELECT throwIf(1)", query={"query_id": "again"}).code == 395
    assert warehouse.ask("SELECT 1", query={"query_id": "again"}).text == "1\n"


def test_other_methods(warehouse) -> None:
    assert warehouse.ask("SELECT 1", method="DELETE").status >= 400


def test_a_text_too_long_to_be_judged_is_refused_with_the_way_out(warehouse) -> None:
    literals = ",1" * (100 * 1024)
    assert warehouse.ask(f"SELECT length([0{literals}])").text == f"{100 * 1024 + 1}\n"
    answer = warehouse.ask(f"SELECT length([0{literals}{literals}])")
    assert (answer.code, answer.status) == (307, 413), answer.text
    assert "larger than 262144 bytes: send long values as parameters" in answer.text
    rows = "(1),(2)," * (100 * 1024)
    warehouse.ask("CREATE TABLE long_ones (a UInt8) ENGINE = Memory")
    try:
        assert warehouse.ask(f"INSERT INTO long_ones VALUES {rows[:-1]}").status == 200
        assert warehouse.ask("SELECT count() FROM long_ones").text == f"{200 * 1024}\n"
    finally:
        warehouse.ask("DROP TABLE long_ones")
