"""Questions that would never end, or never fit: each is ended by a limit, and inserts go on meanwhile."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from warehouse.roles.target import Answer, Target

pytestmark = pytest.mark.stack

TIMEOUT, MEMORY, RESULT, READ_ROWS, TOO_MANY, QUOTA = 159, 241, 396, 158, 202, 201
DENIED, UNKNOWN = 497, 46
# Few rows read and nothing kept: only its time can end it.
ENDLESS = (
    "SELECT count() FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b "
    "WHERE NOT ignore(sipHash64(a.number, b.number))"
)
WITHIN_S = 20
CHAIN = ", a{} AS (SELECT * FROM a{})"

RUNAWAYS = [
    (ENDLESS, {TIMEOUT, READ_ROWS}),
    ("SELECT number FROM system.numbers", {TIMEOUT, RESULT, READ_ROWS}),
    ("SELECT count() FROM numbers_mt(1000000000000)", {TIMEOUT, READ_ROWS}),
    ("SELECT count() FROM system.numbers AS a, system.numbers AS b", {TIMEOUT, MEMORY, READ_ROWS}),
    ("SELECT sum(sleepEachRow(1)) FROM numbers(1000000)", {TIMEOUT, 160, 69}),
    (
        "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count() FROM t",
        {TIMEOUT, 306, 730, MEMORY},
    ),
    ("SELECT length(groupArray(toString(number))) FROM numbers(100000000)", {MEMORY}),
    (
        "SELECT uniqExact(number, number + 1, toString(number)) FROM numbers(1000000000)",
        {MEMORY, TIMEOUT, READ_ROWS},
    ),
    (
        "SELECT number, count() FROM numbers(1000000000) GROUP BY number",
        {MEMORY, TIMEOUT, RESULT, READ_ROWS, 243},
    ),
    (
        "SELECT * FROM numbers(100000000) ORDER BY sipHash64(number) FORMAT Null",
        {MEMORY, TIMEOUT, RESULT, 243},
    ),
    ("SELECT repeat('x', 1000000) FROM numbers(1000000)", {MEMORY, RESULT, TIMEOUT}),
    ("SELECT range(100000000)", {MEMORY, 69}),
    ("SELECT arrayJoin(range(10000000)), arrayJoin(range(10000000))", {MEMORY, RESULT, TIMEOUT}),
    ("SELECT length(replaceAll(repeat('x', 1000000), 'x', repeat('y', 1000000)))", {MEMORY, 131, TIMEOUT}),
    (
        "SELECT count() FROM (SELECT arrayJoin(range(1000000)) FROM numbers(1000000))",
        {TIMEOUT, MEMORY, READ_ROWS},
    ),
    ("SELECT number FROM numbers(1100000)", {RESULT}),
    # A constant would count once a block: 900 MB of one pass, and only time ends more.
    ("SELECT repeat(toString(number % 10), 1000) FROM numbers(900000)", {RESULT}),
]


@pytest.mark.parametrize(("sql", "codes"), RUNAWAYS, ids=[sql[:70] for sql, _ in RUNAWAYS])
def test_a_runaway_question_is_ended(target: Target, sql: str, codes: set[int]) -> None:
    begun = time.monotonic()
    # What only its time can end costs both cores for as long.
    seconds = 1 if TIMEOUT in codes else 2
    answer = target.ask(
        sql, role="analyst", query={"max_execution_time": seconds, "wait_end_of_query": 1}, timeout_s=WITHIN_S
    )
    # On a slow machine its time may be over first. A server shows nobody system.numbers, and its limit of
    # memory comes before that of a result which has to be held.
    others = {TIMEOUT} if target.embedded else {TIMEOUT, DENIED, MEMORY}
    assert answer.code in codes | others, f"{answer.status} {answer.code} {answer.text[:300]}"
    assert time.monotonic() - begun < WITHIN_S
    assert target.value("SELECT 1", role="analyst") == "1"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT {'(' * 3000}1{')' * 3000}",
        f"SELECT {'-' * 100_000}1",
        f"SELECT {'[' * 20_000}1{']' * 20_000}",
        f"SELECT {'NOT ' * 50_000}1",
        f"SELECT {'SELECT ' * 50_000}1",
        f"SELECT {', '.join(['1'] * 100_000)}",
        f"{'SELECT * FROM (' * 2000}SELECT 1{')' * 2000}",
        f"SELECT 1 {'UNION ALL SELECT 1 ' * 30_000}",
        f"WITH a0 AS (SELECT 1){''.join(CHAIN.format(n, n - 1) for n in range(1, 999))} SELECT * FROM a998",
        "SELECT '" + "x" * 5_000_000 + "'",
    ],
    ids=lambda sql: sql[:24],
)
def test_a_statement_made_to_break_the_parser(target: Target, sql: str) -> None:
    begun = time.monotonic()
    answer = target.ask(sql, role="analyst", query={"max_execution_time": 2}, timeout_s=WITHIN_S)
    assert answer.status == 200 or answer.code, answer.text[:300]
    assert time.monotonic() - begun < WITHIN_S
    assert target.value("SELECT 1", role="analyst") == "1"


# What no limit of the engine ends, so that it is not begun: asked small, in case it is.
UNENDING = [
    "SELECT JSON_QUERY(concat('[', repeat('[1],', 100), '1]'), '$[*][*]')",
    "SELECT JSON_VALUE('[1]', '$[0 to 5].b')",
    "SELECT JSON_EXISTS('[1]', '$[*][*]')",
    "SELECT polygonsWithinCartesian([[[(0., 0.), (1., 0.), (1., 1.)]]], [[[(0., 0.), (1., 0.), (1., 1.)]]])",
    "SELECT seriesDecomposeSTL(range(20), 3)",
    "SELECT getTypeSerializationStreams('[1]')",
    "SELECT hierarchicalKMeans(2, 10)([number, 1.]) FROM numbers(10)",
    "SELECT estimateCompressionRatio(1)(number) FROM numbers(10)",
    "SELECT extractTextFromHTML(repeat('<![CDATA[', 100))",
    "SELECT kolmogorovSmirnovTest('two-sided', 'exact')(number, number % 2) FROM numbers(100)",
    "SELECT kolmogorovSmirnovTestIf('two-sided', 'exact')(number, number % 2, 1) FROM numbers(100)",
    "SELECT arrayReduceInRanges('uniqExact', [(1, 5)], range(10))",
    "SELECT arrayReduce('kolmogorovSmirnovTest', [1, 2], [0, 1])",
    "SELECT URLHierarchy('http://a/b/c')",
    "SELECT URLPathHierarchy(materialize('http://a/b/c'))",
    "DESCRIBE format(Form, 'a=1')",
    "DESCRIBE TABLE format(Native, unhex('00'))",
]


@pytest.mark.parametrize("role", ["reader", "analyst"])
@pytest.mark.parametrize("sql", UNENDING)
def test_what_no_limit_holds_is_not_begun(target: Target, sql: str, role: str) -> None:
    if not target.embedded:
        pytest.skip("a server has no list of functions; its limits end what they can")
    assert target.ask(sql, role=role).code in {DENIED, UNKNOWN}


def test_the_next_analyst_waits_his_turn(target: Target) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: target.ask(ENDLESS, role="analyst", query={"max_execution_time": 2}), range(8))
        )
    assert sorted({each.code for each in answers}) == [TIMEOUT, TOO_MANY]
    assert sum(each.code == TIMEOUT for each in answers) == 4


def test_their_memory_is_shared_out_and_never_more_than_the_roles_say(target: Target) -> None:
    """Four that take all they get: all end by their limit, and somebody else's question has room."""
    greedy = "SELECT length(groupArray(toString(number))) FROM numbers(100000000)"
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(target.ask, greedy, role="analyst") for _ in range(4)]
        other = target.ask(
            "SELECT count() FROM (SELECT number FROM numbers(2000000) GROUP BY number)", role="reader"
        )
        codes = {each.result().code for each in running}
    assert other.text == "2000000\n", other.text
    assert codes <= {MEMORY, TIMEOUT, TOO_MANY}, codes


def test_questions_do_not_shut_inserts_out(target: Target) -> None:
    """Every place that questions can take is taken; inserts are answered all the same."""
    stop = threading.Event()

    def ask(role: str) -> Answer:
        answer = Answer(0, 0, b"")
        while not stop.is_set():
            answer = target.ask(ENDLESS, role=role, query={"max_execution_time": 1})
        return answer

    created = target.ask(
        "CREATE TABLE IF NOT EXISTS starved (a UInt64) ENGINE = MergeTree ORDER BY a", role="admin"
    )
    assert created.status == 200, created.text
    try:
        with ThreadPoolExecutor(40) as pool:
            asking = [pool.submit(ask, role) for role in ["reader"] * 30 + ["analyst"] * 6]
            time.sleep(0.5)
            answers = [
                target.ask(f"INSERT INTO starved VALUES ({number})", role="writer") for number in range(10)
            ]
            stop.set()
            codes = {each.result().code for each in asking}
        assert [each.code for each in answers] == [0] * 10, [each.text for each in answers if each.code]
        assert codes <= {TIMEOUT, TOO_MANY}
        assert target.value("SELECT count() FROM starved") == "10"
    finally:
        target.ask("DROP TABLE IF EXISTS starved", role="admin")
