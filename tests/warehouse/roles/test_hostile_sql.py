"""Hostile SQL as analyst: no file is read or written, nobody is called, nothing changes."""

import gzip
import re

import pytest
from warehouse.roles.attempts import (
    ALREADY_SO_IN_LOCAL,
    FILE_OF_LOCAL,
    HARMLESS,
    LIFTED_BEFORE_26_9,
    ONLY_PARSED,
    WITHOUT_EFFECT,
    Attempt,
    hostile,
)
from warehouse.roles.target import Target

pytestmark = pytest.mark.stack

OF_LOCAL = re.compile(f"{FILE_OF_LOCAL.pattern}|{ALREADY_SO_IN_LOCAL.pattern}", re.IGNORECASE)
LIFTED_WHY = "ClickHouse before 26.9 lets everybody put a setting back to its default"
OF_LOCAL_WHY = "clickhouse-local lets everybody do what a server asks a right for"
# What a refusal may be called. 1xx of ours would be a crash; 0 would be success.
REFUSALS = {
    *(46, 47, 48, 60, 62, 63, 73, 78, 81, 36, 42, 43, 44, 115, 117, 121, 164, 233, 243, 291, 344),
    *(358, 374, 392, 452, 456, 457, 497, 511, 516, 584, 636, 645),
}


@pytest.mark.parametrize("role", ["analyst", "reader"])
def test_what_the_canary_would_show(target: Target, role: str) -> None:
    """The same statements do read the file and call the listener when nobody judges them."""
    names = target.canary.names()
    secret = target.canary.secret.strip()
    read = "SELECT * FROM file('{near}', 'LineAsString')".format(**names)
    assert secret in target.ask(read, role="admin").text
    before = target.canary.listener.callers
    assert "reached" in target.ask(f"SELECT * FROM url('{names['url']}', 'LineAsString')", role="admin").text
    assert target.canary.listener.callers > before
    # From here on every caller counts.
    target.canary.listener.callers = 0
    assert target.ask(read, role=role).status != 200


def test_there_are_more_than_three_hundred() -> None:
    assert len({each.id for each in hostile()}) > 300


@pytest.mark.parametrize("attempt", list(hostile()), ids=lambda each: each.id)
def test_an_analyst_gets_nowhere(target: Target, attempt: Attempt) -> None:
    if attempt.own and not target.embedded:
        pytest.skip("a server lets everybody do that")
    if target.kind == "listening" and OF_LOCAL.search(attempt.text):
        pytest.skip(OF_LOCAL_WHY)
    if target.kind == "listening" and LIFTED_BEFORE_26_9.search(attempt.text):
        pytest.skip(LIFTED_WHY)
    names = target.canary.names()
    beside = {key: value.format(**names) for key, value in attempt.query.items()}
    answer = target.ask(attempt.sql.format(**names), role="analyst", query=beside)
    if target.embedded:
        assert answer.code in REFUSALS, f"{answer.status} {answer.code} {answer.text[:500]}"
    elif not (attempt.sql.upper().startswith(ONLY_PARSED) or WITHOUT_EFFECT.search(attempt.text)):
        assert answer.code, f"{answer.status} {answer.text[:500]}"
    assert target.canary.secret.strip() not in answer.text
    target.canary.assert_untouched()


@pytest.mark.parametrize("setting", [{}, {"input_format_values_interpret_expressions": "1"}])
def test_the_values_of_a_writer_are_values(target: Target, setting: dict[str, str]) -> None:
    sql = "INSERT INTO events_raw (user_id) VALUES (file('{canary}'))".format(**target.canary.names())
    answer = target.ask(sql, role="writer", query=setting)
    # Expressions are disabled, the grant is missing, or the setting is fixed.
    assert answer.code in {344, 452, 497}, answer.text
    assert target.canary.secret.strip() not in answer.text
    target.canary.assert_untouched()


@pytest.mark.parametrize("alias", ["SELECT 1 AS other,", "WITH 1 AS other SELECT"])
def test_an_alias_does_not_open_the_database_of_its_name(target: Target, alias: str) -> None:
    target.ask("CREATE DATABASE other", role="admin")
    try:
        target.ask("CREATE TABLE other.t (a String) ENGINE = Memory", role="admin")
        assert target.ask("SELECT 'secret' IN other.t", role="admin").text == "0\n"
        assert target.ask(f"{alias} 'secret' IN other.t", role="analyst").code == 497
    finally:
        target.ask("DROP DATABASE other", role="admin")


def test_nothing_has_changed_after_all_of_them(target: Target) -> None:
    """In this file's order: after the attempts."""
    tables = target.value(
        "SELECT groupArray(name) FROM (SELECT name FROM system.tables WHERE database = 'ugc')"
    )
    for name in ("events_raw", "events_by_quarter_hour", "events_by_quarter_hour_mv", "event_ids"):
        assert f"'{name}'" in tables
    assert "'x'" not in tables
    assert target.value("SELECT count() FROM events_raw") == "0"
    assert target.value("SELECT count() FROM system.databases WHERE name = 'x'") == "0"
    for name, value in (("max_execution_time", "30"), ("readonly", "1"), ("max_rows_to_read", "500000000")):
        assert target.value(f"SELECT getSetting('{name}')", role="analyst") == value


@pytest.mark.parametrize("sql", HARMLESS)
def test_a_word_alone_forbids_nothing(target: Target, sql: str) -> None:
    answer = target.ask(sql.format(), role="analyst")
    assert answer.status == 200, answer.text


HTTP = [
    {"sql": "DROP TABLE events_raw", "query": {"query": "SELECT 1 /*"}},
    {"sql": "*/; DROP TABLE events_raw", "query": {"query": "SELECT 1 /*"}},
    {"sql": "('{canary}', 'LineAsString')", "query": {"query": "SELECT * FROM file"}},
    {
        "sql": "SELECT * FROM processes",
        "headers": {"X-ClickHouse-Database": "system"},
        "query": {"database": ""},
    },
    {"sql": "SELECT 1", "query": {"user": "admin", "password": ""}},
    {"sql": "SELECT 1", "query": {"role": "admin"}},
    {"sql": "SELECT 1", "headers": {"X-ClickHouse-User": "admin"}},
    {"sql": "SELECT 1", "headers": {"X-ClickHouse-SSL-Certificate-Auth": "on", "X-ClickHouse-User": "admin"}},
    {"sql": "SELECT 1", "query": {"session_id": "s", "session_timeout": "999999999"}},
]


@pytest.mark.parametrize("how", HTTP, ids=str)
def test_nor_by_the_way_it_is_sent(target: Target, how: dict) -> None:
    names = target.canary.names()
    sent = Target(target.dsns, target.canary, target.kind, how.get("headers", {}))
    answer = sent.ask(how["sql"].format(**names), role="analyst", query=how.get("query"))
    assert answer.code in REFUSALS | {516, 62, 194, 192, 511}, f"{answer.code} {answer.text}"
    assert target.canary.secret.strip() not in answer.text
    target.canary.assert_untouched()


def test_nor_in_a_compressed_body(target: Target) -> None:
    if target.kind == "listening":
        pytest.skip(OF_LOCAL_WHY)
    sent = Target(target.dsns, target.canary, target.kind, {"Content-Encoding": "gzip"})
    body = gzip.compress("SELECT file('{canary}')".format(**target.canary.names()).encode())
    answer = sent.ask(body, role="analyst")
    assert answer.code == 497, answer.text


def test_nor_across_the_requests_of_a_session(target: Target) -> None:
    session = {"session_id": "hostile"}
    steps = (
        "SET param_t = 'processes'",
        "USE system",
        "SET param_d = 'system'",
    )
    for each in steps:
        target.ask(each, role="analyst", query=session)
    for sql in (
        "SELECT * FROM processes",
        "SELECT * FROM system.{t:Identifier}",
        "SELECT * FROM {d:Identifier}.{t:Identifier}",
    ):
        answer = target.ask(sql, role="analyst", query=session)
        assert answer.code in REFUSALS, f"{sql}: {answer.code} {answer.text}"
