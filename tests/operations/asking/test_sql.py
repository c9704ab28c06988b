"""`ugc sql`: statements and their answers, as a program and as a person reads them."""

import io
import json
import time

import pytest
from known_day import ENDLESS, Said

from ops.asking.analyst import Analyst
from ops.asking.sql import show
from ops.asking.statements import is_finished, split

pytestmark = pytest.mark.stack


def test_one_statement_and_its_answer_as_lines(ugc: Said) -> None:
    assert ugc("sql", "-c", "SELECT number AS a, 'x' AS b FROM numbers(2)") == (0, "a\tb\n0\tx\n1\tx\n", "")


@pytest.mark.parametrize(
    "asked", [("sql", "-c", "SELECT '\udcff'"), ("query", "left_beside", "-p", "beginning=\udcff")]
)
def test_what_is_no_utf_8_is_said(ugc: Said, asked: tuple[str, ...]) -> None:
    more = ("-p", "older_than_s=0") if asked[0] == "query" else ()
    code, _, err = ugc(*asked, *more)
    assert code == 1
    assert "is not UTF-8" in err


def test_formats(ugc: Said) -> None:
    question = ("sql", "-c", "SELECT 1 AS a, 'x,y' AS b")
    assert ugc(*question, "--format", "csv")[1] == '"a","b"\n1,"x,y"\n'
    assert ugc(*question, "--format", "ndjson")[1] == '{"a":1,"b":"x,y"}\n'
    assert "│ 1 │ x,y │" in ugc(*question, "--format", "table")[1]
    assert json.loads(ugc(*question, "--json")[1])["data"] == [{"a": 1, "b": "x,y"}]
    assert ugc("sql", "-c", "SELECT 1 FORMAT CSV")[1] == "1\n"


def test_several_statements_stop_at_the_first_that_fails(ugc: Said) -> None:
    code, out, err = ugc("sql", "-c", "SELECT 1 AS a; SELECT ';' AS b; DROP TABLE events_raw; SELECT 4")
    assert (code, out) == (1, "a\n1\nb\n;\n")
    assert "this console reads" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * FROM nothing_there", "nothing_there"),
        ("SELEC 1", "Syntax error"),
        ("SELECT file('/etc/hostname')", "analyst reads the tables"),
        ("SELECT countt(1)", "did you mean count?"),
        ("SELECT number FROM numbers(2000000)", "add a LIMIT"),
        ("SELECT groupArray(toString(number)) FROM numbers(100000000)", "the limit is on memory"),
    ],
)
def test_what_fails_is_one_line_that_says_what_to_do(ugc: Said, sql: str, says: str) -> None:
    code, out, err = ugc("sql", "-c", sql)
    assert (code, out) == (1, "")
    assert says in err
    assert "Traceback" not in err
    assert ugc("sql", "-c", sql, "--json")[0] == 1


def test_a_statement_ends_in_its_time(ugc: Said) -> None:
    begun = time.monotonic()
    code, _, err = ugc("sql", "--timeout", "1", "-c", ENDLESS)
    assert code == 1
    assert "--timeout" in err
    assert time.monotonic() - begun < 15


def test_usage(ugc: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ugc("sql", "-c", " ; -- nothing\n;")[0] == 2
    assert ugc("sql", "--timeout", "61", "-c", "SELECT 1")[0] == 2
    monkeypatch.setattr("sys.stdin", io.StringIO("SELECT 5 AS a;\nSELECT 6 AS b"))
    assert ugc("sql")[1] == "a\n5\nb\n6\n"


def test_nobody_there_is_one_line(ugc: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGC_WAREHOUSE_PORT", "1")
    code, _, err = ugc("sql", "-c", "SELECT 1")
    assert code == 1
    assert "does not answer" in err
    monkeypatch.undo()


def test_statements_are_cut_where_they_end() -> None:
    assert list(split("SELECT ';' ; -- a;b\nSELECT /* ; */ 2;;\n`a;b`")) == [
        "SELECT ';'",
        "-- a;b\nSELECT /* ; */ 2",
        "`a;b`",
    ]
    assert is_finished("SELECT 1; -- done")
    assert not is_finished("SELECT 'a;")
    assert not is_finished("SELECT 1 -- ;")
    assert not is_finished("")


class Terminal(io.BytesIO):
    """Where a person looks."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_obeys_nothing_that_stands_in_the_data(analyst: Analyst, ugc: Said) -> None:
    sql = "SELECT user_id FROM events_raw WHERE user_id LIKE 'line%'"
    shown = Terminal()
    show(analyst.ask(sql, output_format="table"), out=shown)
    assert b"\x1b" not in shown.getvalue()
    assert b"\\x1b[31mred" in shown.getvalue()
    assert (
        "\x1b" in ugc("sql", "-c", sql, "--format", "ndjson")[1]
        or "\\u001B" in ugc("sql", "-c", sql, "-f", "ndjson")[1]
    )
