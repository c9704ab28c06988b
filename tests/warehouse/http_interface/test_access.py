"""Who comes in, and what each role may do."""

import base64

import pytest


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize("role", ["admin", "writer", "reader", "analyst"])
def test_three_ways_to_say_who_one_is(warehouse, role) -> None:
    password = warehouse.passwords[role]
    own = {"X-ClickHouse-User": role, "X-ClickHouse-Key": password.encode().decode("latin-1")}
    for how in (
        {"headers": own},
        {"query": {"user": role, "password": password}},
        {"headers": warehouse.auth(role)},
    ):
        answer = warehouse.ask("SELECT 1", auth=False, **how)
        assert (answer.status, answer.text) == (200, "1\n"), how


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"headers": basic("admin", "wrong")},
        {"headers": basic("admin", "")},
        {"headers": basic("nobody", "admin")},
        {"headers": {"X-ClickHouse-User": "reader", "X-ClickHouse-Key": "x"}},
        {"query": {"user": "admin", "password": "adm"}},
        {"headers": basic("default", "")},
    ],
)
def test_nobody_else_comes_in(warehouse, how) -> None:
    answer = warehouse.ask("SELECT 1", auth=False, **how)
    assert (answer.status, answer.code) == (403, 516)
    assert "Code: 516. DB::Exception" in answer.text


def test_two_ways_at_once_are_refused(warehouse) -> None:
    answer = warehouse.ask("SELECT 1", query={"user": "admin", "password": "x"})
    assert (answer.status, answer.code) == (403, 516)


@pytest.mark.parametrize("role", ["admin", "writer", "reader", "analyst"])
def test_get_only_reads(warehouse, table, role) -> None:
    assert (
        warehouse.ask(method="GET", role=role, query={"query": f"SELECT count() FROM {table}"}).text == "0\n"
    )
    for sql in (
        f"INSERT INTO {table} VALUES (1, 'x')",
        f"TRUNCATE TABLE {table}",
        "CREATE TABLE nope (a Int8) ENGINE = Memory",
    ):
        answer = warehouse.ask(method="GET", role=role, query={"query": sql})
        assert answer.status >= 400
        assert answer.code in {164, 392, 497}, answer.text
    assert warehouse.rows(f"SELECT count() FROM {table}") == [["0"]]


READS = [
    "SELECT count() FROM {t}",
    "WITH x AS (SELECT a FROM {t}) SELECT count() FROM x",
    "SELECT count() FROM {t} WHERE a IN (SELECT a FROM {t}) AND s NOT IN ('DROP TABLE x', 'file(1)')",
    "SELECT 'INSERT INTO OUTFILE url() file() KILL QUERY', a AS file FROM {t}",
    "SELECT a, sum(a) OVER (ORDER BY a) FROM {t} UNION ALL SELECT 1, 2",
    "SELECT arrayMap(x -> x + 1, groupArray(a)) FROM {t}",
    "SELECT * EXCEPT (s) APPLY toString FROM {t}",
    "SELECT t.a FROM {t} AS t LEFT JOIN {t} AS u ON t.a = u.a WHERE t.a IN (1, 2)",
    "DESCRIBE TABLE {t}",
    "SHOW TABLES",
    "SHOW CREATE TABLE {t}",
    "EXISTS TABLE {t}",
    "EXPLAIN SELECT count() FROM {t}",
    "SELECT name FROM system.columns WHERE table = '{t}'",
    "SELECT toDate('2026-01-01') + 1 FORMAT JSON",
]


@pytest.mark.parametrize("role", ["reader", "analyst", "writer", "admin"])
@pytest.mark.parametrize("sql", READS)
def test_everybody_reads(warehouse, table, role, sql) -> None:
    answer = warehouse.ask(sql.format(t=table), role=role)
    assert answer.status == 200, answer.text


WRITES = [
    "INSERT INTO {t} VALUES (1, 'x')",
    "INSERT INTO {t} SELECT 1, 'x'",
    "CREATE TABLE nope (a Int8) ENGINE = Memory",
    "CREATE DATABASE nope",
    "DROP TABLE {t}",
    "TRUNCATE TABLE {t}",
    "ALTER TABLE {t} ADD COLUMN b Int8",
    "ALTER TABLE {t} DELETE WHERE 1",
    "DELETE FROM {t} WHERE 1",
    "RENAME TABLE {t} TO nope",
    "OPTIMIZE TABLE {t} FINAL",
    "KILL QUERY WHERE 1",
    "SYSTEM FLUSH LOGS",
    "SYSTEM STOP MERGES",
    "CREATE USER mallory",
    "GRANT ALL ON *.* TO reader",
    "BACKUP TABLE {t} TO Disk('default', 'b')",
]


@pytest.mark.parametrize("role", ["reader", "analyst"])
@pytest.mark.parametrize("sql", WRITES)
def test_readers_write_nothing(warehouse, table, role, sql) -> None:
    answer = warehouse.ask(sql.format(t=table), role=role)
    assert answer.status >= 400
    assert answer.code in {164, 497, 392}, answer.text
    assert warehouse.rows(f"SELECT count() FROM {table}") == [["0"]]


REACHES_FURTHER = [
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT file('/etc/hostname')",
    "SELECT FILE('/etc/hostname')",
    "SELECT a FROM {t} ORDER BY file('/etc/hostname')",
    "SELECT * APPLY file FROM (SELECT '/etc/hostname' AS p)",
    "SELECT * APPLY (x -> file(x)) FROM (SELECT '/etc/hostname' AS p)",
    "SELECT * REPLACE (file('/etc/hostname') AS a) FROM {t}",
    "SELECT arrayMap(x -> file(x), ['/etc/hostname'])",
    "WITH (SELECT file('/etc/hostname')) AS f SELECT f",
    "SELECT * FROM view(SELECT file('/etc/hostname'))",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "DESCRIBE file('/etc/passwd', 'LineAsString')",
    "DESCRIBE TABLE url('http://127.0.0.1:1/', 'LineAsString')",
    "DESC (SELECT * FROM file('/etc/passwd', 'LineAsString'))",
    "EXPLAIN SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM merge('system', 'processes')",
    "SELECT 1 INTO OUTFILE '/tmp/nope.tsv'",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.parts",
    "SELECT 1 WHERE 1 IN (SELECT memory_usage FROM system.processes)",
    "SELECT 1 WHERE 'x' IN system.processes",
    "SELECT 1; DROP TABLE {t}",
    "SELECT dictGet('d', 'a', 1)",
    "SHOW PROCESSLIST",
    "SHOW TABLES FROM information_schema_not_ours",
]


@pytest.mark.parametrize("role", ["reader", "analyst", "writer"])
@pytest.mark.parametrize("sql", REACHES_FURTHER)
def test_nobody_but_admin_reaches_beyond_our_tables(warehouse, table, role, sql) -> None:
    answer = warehouse.ask(sql.format(t=table), role=role)
    assert answer.status >= 400, answer.text
    assert answer.code in {62, 81, 164, 291, 358, 497}, answer.text
    assert "root:" not in answer.text


def test_unqualified_names_are_judged_where_they_are_looked_up(warehouse) -> None:
    for how in ({"database": "system"}, {"headers": {"X-ClickHouse-Database": "system"}, "database": ""}):
        answer = warehouse.ask("SELECT * FROM processes", role="reader", **how)
        assert answer.code == 497, answer.text
    answer = warehouse.ask(
        "SELECT * FROM {d:Identifier}.{t:Identifier}",
        role="reader",
        query={"param_d": "system", "param_t": "processes"},
    )
    assert answer.code == 497, answer.text
    answer = warehouse.ask(
        "SELECT * FROM {t:Identifier}", role="reader", query={"param_t": "system.processes"}
    )
    assert answer.code in {60, 497}, answer.text


def test_a_name_made_by_with_opens_nothing_and_the_way_out_is_told(warehouse) -> None:
    sql = "WITH a AS (SELECT 1) SELECT * FROM a"
    answer = warehouse.ask(sql, role="reader", database="default")
    assert answer.code == 497, answer.text
    assert "database=ugc" in answer.text
    assert warehouse.ask(sql, role="reader", database="ugc").text == "1\n"


def test_writer_inserts_and_changes_no_schema(warehouse, table) -> None:
    assert warehouse.ask(f"INSERT INTO {table} VALUES (1, 'x')", role="writer").status == 200
    for sql in (
        "DROP TABLE {t}",
        "TRUNCATE TABLE {t}",
        "ALTER TABLE {t} DELETE WHERE 1",
        "CREATE TABLE nope (a Int8) ENGINE = Memory",
        "OPTIMIZE TABLE {t}",
    ):
        answer = warehouse.ask(sql.format(t=table), role="writer")
        assert answer.code in {392, 497}, answer.text
    for sql in (
        "INSERT INTO FUNCTION file('/tmp/nope.tsv', 'TSV', 'a Int8') VALUES (1)",
        "INSERT INTO default.nope VALUES (1)",
    ):
        answer = warehouse.ask(sql, role="writer")
        assert answer.code in {60, 497}, answer.text
    assert warehouse.rows(f"SELECT count() FROM {table}") == [["1"]]


@pytest.mark.parametrize(
    ("role", "name", "value", "code"),
    [
        ("reader", "max_execution_time", "5", 0),
        ("reader", "max_execution_time", "301", 452),
        ("reader", "max_execution_time", "0", 452),
        ("reader", "readonly", "0", 164),
        ("reader", "max_memory_usage", "1", 164),
        ("analyst", "max_result_rows", "10", 0),
        ("analyst", "max_result_rows", "1000001", 452),
        ("analyst", "max_execution_time", "61", 452),
        ("writer", "max_memory_usage", "2000000000", 452),
        ("writer", "max_insert_block_size", "1000", 0),
        ("admin", "max_memory_usage", "2000000000", 0),
    ],
)
def test_settings_move_only_within_their_bounds(warehouse, role, name, value, code) -> None:
    answer = warehouse.ask("SELECT 1", role=role, query={name: value})
    assert answer.code == code, answer.text
    if not code and name == "max_execution_time":
        assert warehouse.rows(f"SELECT getSetting('{name}')", role=role, query={name: value}) == [[value]]


def test_readers_change_settings_by_no_other_way(warehouse) -> None:
    for sql in (
        "SET readonly = 0",
        "SET max_memory_usage = 0",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT * FROM (SELECT 1 SETTINGS readonly = 0)",
    ):
        answer = warehouse.ask(sql, role="reader", query={"session_id": "hostile"})
        assert answer.code == 164, (sql, answer.text)


def test_what_limits_a_reader(warehouse) -> None:
    too_many = warehouse.ask(
        "SELECT number FROM numbers(1100000)", role="analyst", query={"wait_end_of_query": 1}
    )
    assert too_many.code == 396, too_many.text
    too_large = warehouse.ask(
        "SELECT length(groupArray(toString(number))) FROM numbers(100000000)", role="analyst"
    )
    assert too_large.code == 241, too_large.text
