"""`ugc sql`, `ugc query` and `ugc export`: a person asks a real warehouse, and gets answers."""

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
import ready_made
from services import ROOT
from warehouse_process import Process

from clickhouse.client import connect
from ops.asking import export_day
from ops.asking.analyst import Analyst, QuestionFailed, opened
from ops.asking.export import span_of
from ops.asking.prompt import Console
from ops.asking.sql import show
from ops.asking.statements import is_finished, split
from ops.cli import run
from telemetry.settings import Settings

pytestmark = pytest.mark.stack

EVENTS = 2_500
DAY = datetime.now(UTC).date() - timedelta(days=3)
# Few rows read and nothing kept: only its time can end it.
ENDLESS = (
    "SELECT count() FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b "
    "WHERE NOT ignore(sipHash64(a.number, b.number))"
)
ODD_USER = 'line\nbreak, "quoted"; \u001b[31mred\u001b[0m'


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A warehouse with a known day in it, and odd neighbours on both sides of midnight."""
    process = Process(tmp_path_factory.mktemp("asking") / "warehouse")
    ready_made.warehouse_at(process.path)
    process.start()
    admin = connect(process.dsn("admin"))
    columns = "event_id, occurred_at, user_id, event_type, properties, value, received_at, kafka_topic_id"
    midnight = f"toDateTime64('{DAY} 00:00:00', 3, 'UTC')"
    admin.command(
        f"""INSERT INTO events_raw ({columns}, kafka_offset)
        SELECT generateUUIDv4(), {midnight} + toIntervalMillisecond(at_ms) AS at,
            if(number = 7, {_quoted(ODD_USER)}, concat('user-', toString(number % 100))),
            if(number % 3 = 0, 'click', 'custom.made'),
            '{{"n": ' || toString(number) || ', "text": "a\\\\nb"}}',
            number / 4, at + 1, 'topic', number
        FROM (SELECT number, number * 34560 AS at_ms FROM numbers({EVENTS}))"""
    )
    for at in (f"{DAY - timedelta(days=1)} 23:59:59.999", f"{DAY + timedelta(days=1)} 00:00:00.000"):
        admin.command(
            f"INSERT INTO events_raw ({columns}) SELECT generateUUIDv4(), "
            f"toDateTime64('{at}', 3, 'UTC') AS at, 'neighbour', 'click', '{{}}', 0, at + 1, 't'"
        )
    yield process
    process.kill(signal.SIGTERM)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture(autouse=True)
def _as_a_person(process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment(process).items():
        monkeypatch.setenv(name, value)


def environment(process: Process) -> dict[str, str]:
    return {
        "UGC_WAREHOUSE_PORT": str(process.port),
        "UGC_ANALYST_PASSWORD": "of-analyst",
        "UGC_DATA_DIR": "data",
    }


Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ugc(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command; its exit code and what it said on both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def analyst(process: Process) -> Analyst:
    return opened(Settings(warehouse_port=process.port, analyst_password="of-analyst"), timeout_s=20)


# --- sql


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


# --- the console


class Typed:
    """Lines that a person types; an exception is raised where it stands."""

    def __init__(self, *lines: Any) -> None:
        self.lines = list(lines)
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        self.prompts.append(prompt)
        if not self.lines:
            raise EOFError
        line = self.lines.pop(0)
        if isinstance(line, BaseException):
            raise line
        return str(line)


def sit(analyst: Analyst, tmp_path: Path, *lines: Any) -> Typed:
    typed = Typed(*lines)
    Console(analyst, history=tmp_path / "h" / "sql_history", output_format="tsv", read=typed).run()
    return typed


def test_the_console_answers_after_a_semicolon(
    analyst: Analyst, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = sit(analyst, tmp_path, "SELECT 1 AS a,", "  2 AS b;", "SELECT 3; SELECT 4;", "exit", "SELECT 5;")
    assert capsys.readouterr().out == "a\tb\n1\t2\n3\n3\n4\n4\n"
    assert typed.prompts == ["ugc> ", "...> ", "ugc> ", "ugc> "]


def test_the_console_goes_on_after_a_mistake_and_an_interrupt(
    analyst: Analyst, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sit(
        analyst,
        tmp_path,
        "SELECT 'never run",
        KeyboardInterrupt(),
        "DROP TABLE events_raw;",
        "SELECT 6;",
        "\\q",
    )
    said = capsys.readouterr()
    assert said.out == "6\n6\n"
    assert "this console reads" in said.err


def test_the_console_shows_what_is_there(
    analyst: Analyst, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sit(analyst, tmp_path, "\\d", "\\d events_raw;", "\\f csv", "SELECT 1 AS a;", "\\nonsense", "\\?")
    said = capsys.readouterr()
    assert "events_by_quarter_hour" in said.out
    assert "Identity of the event" in said.out
    assert '"a"\n1\n' in said.out
    assert "there is no \\nonsense" in said.err
    assert "Ctrl-D" in said.err


def test_a_person_at_a_terminal(process: Process, tmp_path: Path) -> None:
    """The real thing: a pseudo-terminal, a question that is stopped, and a history that stays."""
    terminal, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if not key.startswith("UGC_")}
    child = subprocess.Popen(
        [sys.executable, "-m", "ops", "sql"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**clean, **environment(process), "PYTHONPATH": str(ROOT), "TERM": "dumb", "COLUMNS": "200"},
    )
    os.close(theirs)
    seen = ""

    def wait_for(text: str) -> None:
        nonlocal seen
        until = time.monotonic() + 30
        while text not in seen:
            assert time.monotonic() < until, f"{text!r} is not in {seen!r}"
            seen += os.read(terminal, 4096).decode("utf-8", "replace")
        seen = seen.partition(text)[2]

    try:
        wait_for("ugc> ")
        os.write(terminal, b"SELECT 40 + 2 AS answer;\n")
        wait_for("│     42 │")
        wait_for("ugc> ")
        os.write(terminal, f"{ENDLESS};\n".encode())
        time.sleep(1.5)
        child.send_signal(signal.SIGINT)
        wait_for("stopped")
        wait_for("ugc> ")
        os.write(terminal, b"\\q\n")
        assert child.wait(20) == 0
    finally:
        os.close(terminal)
        if child.poll() is None:
            child.kill()
            child.wait(10)
    history = tmp_path / "data" / "sql_history"
    assert "SELECT 40 + 2 AS answer;" in history.read_text()
    assert history.stat().st_mode & 0o777 == 0o600


# --- query


USERS = 101  # a hundred, and the odd one


def test_the_questions_are_listed(ugc: Said) -> None:
    code, out, _ = ugc("query", "--json")
    listed = {each["name"]: each for each in json.loads(out)}
    assert code == 0
    assert {"dau", "top-events", "daily", "retention", "retention-7d", "returning", "dwell"} <= set(listed)
    assert {"from", "to", "tz", "segment"} <= set(listed["dau"]["parameters"])
    assert not {"remembered_ids", "top_events", "dau_in_segment"} & set(listed)
    shown = ugc("query")[1]
    assert all(name in shown for name in listed)


def test_a_call_of_the_stats_api_without_the_api(ugc: Said) -> None:
    days = ("-p", f"from={DAY - timedelta(days=1)}", "-p", f"to={DAY}")
    code, out, err = ugc("query", "dau", *days, "--json")
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert answer["data"] == [
        {"date": str(DAY - timedelta(days=1)), "users": 1},
        {"date": str(DAY), "users": USERS},
    ]
    assert answer["query"]["tz"] == "UTC"
    assert set(answer["meta"]) == {"method", "error_bound", "freshness", "complete", "elapsed_ms"}
    assert ugc("query", "dau", *days, "--format", "csv")[1] == (
        f"date,users\n{DAY - timedelta(days=1)},1\n{DAY},{USERS}\n"
    )
    assert ugc("query", "dau", *days, "--format", "ndjson")[1].splitlines()[1] == json.dumps(
        {"date": str(DAY), "users": USERS}, separators=(",", ":")
    )
    assert str(USERS) in ugc("query", "dau", *days, "--format", "table")[1]


def test_segments_zones_and_pages(ugc: Said) -> None:
    day = ("-p", f"from={DAY}", "-p", f"to={DAY}")
    clicks = ugc("query", "top-events", *day, "-p", "segment=event_type:click", "-f", "tsv")
    assert clicks[1] == f"event_type\tcount\nclick\t{-(-EVENTS // 3)}\n"
    few = ugc(
        "query", "daily", *day, "-p", "segment=properties.n<3", "-p", "segment=event_type:click", "-f", "csv"
    )
    assert few[1] == f"date,event_type,users,points,actions\n{DAY},click,1,0.0,1\n"
    code, out, err = ugc(
        "query",
        "returning",
        "-p",
        f"date={DAY + timedelta(days=1)}",
        "-p",
        "days=2",
        "-p",
        "limit=1",
        "-f",
        "csv",
    )
    assert (code, out) == (0, "user_id\nneighbour\n")
    assert "cursor=" not in err
    code, out, err = ugc(
        "query",
        "dau",
        "-p",
        f"from={datetime.now(UTC).date()}",
        "-p",
        f"to={datetime.now(UTC).date()}",
        "-f",
        "csv",
    )
    assert (code, "not complete" in err) == (0, True)


def test_a_file_is_asked_with_its_own_parameters(ugc: Said) -> None:
    answer = ugc("query", "raw_kept_since", "-p", "kept_days=30", "--format", "csv")
    assert answer[0] == 0, answer
    assert re.fullmatch(r'"last_dropping_day"\n"\d{4}-\d\d-\d\d"\n', answer[1])
    data = json.loads(ugc("query", "raw_kept_since", "-p", "kept_days=1", "--json")[1])["data"]
    assert data[0]["last_dropping_day"] < str(datetime.now(UTC).date())
    assert "toIntervalDay" in ugc("query", "raw_kept_since", "--sql")[1]


DWELL = ["dwell", "-p", "tz=UTC", "-p", "limit=3", "-p"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["raw_kept"], "did you mean raw_kept_since?"),
        (["dua"], "did you mean dau?"),
        (["dau"], "it needs --param from=YYYY-MM-DD"),
        (["dau", "-p", "from=2026-11-21", "-p", "to=2026-11-20"], "put the earlier day first"),
        (["dau", "-p", "form=2026-11-21"], "did you mean from?"),
        (["dau", "-p", "from=2026-11-21", "-p", "from=2026-11-21"], "given twice"),
        (["dau", "-p", "from=2026-11-21", "-p", "to=2026-11-21", "-p", "segment=x"], "segment"),
        (["dau", "-p", "from=2025-01-01", "-p", "to=2026-11-21"], "366"),
        (["dau", "-p", "from=2026-11-21", "-p", "to=2026-11-21", "-f", "parquet"], "or json"),
        (["dau_in_segment"], "--param segment="),
        (["raw_kept_since"], "needs --param kept_days="),
        (["raw_kept_since", "-p", "kept_day=1"], "did you mean kept_days?"),
        (["raw_kept_since", "-p", "kept_days"], "write KEY=VALUE"),
        (["raw_kept_since", "-p", "kept_days=1", "-p", "kept_days=2"], "given twice"),
        (["raw_kept_since", "-p", "kept_days=30) OR 1 --"], "kept_days: '30) OR 1 --' is no whole number"),
        (["raw_kept_since", "-p", "kept_days=65536"], "from 0 to 65,535"),
        (["raw_kept_since", "-p", f"kept_days={'9' * 5_000}"], "is no whole number"),
        (["raw_kept_since", "-p", "kept_days=²"], "is no whole number"),
        ([*DWELL, "first=2026-11-02", "-p", "last=2026-11-01"], "put the earlier day first"),
        ([*DWELL, "first=2026-11-02", "-p", "last=2149-06-06"], "from 1970-01-01 to 2149-06-05"),
        ([*DWELL, "first=1969-12-31", "-p", "last=2026-11-01"], "from 1970-01-01 to 2149-06-05"),
        ([*DWELL, "first=20261101", "-p", "last=2026-11-01"], "write YYYY-MM-DD"),
    ],
)
def test_a_question_put_wrongly_is_not_asked(ugc: Said, arguments: list[str], says: str) -> None:
    code, out, err = ugc("query", *arguments)
    assert (code, out) == (2, "")
    assert says in " ".join(err.split())


@pytest.mark.parametrize("asked", [("query", "dau"), ("sql", "-c", "SELECT 1")])
def test_two_formats_at_once_are_none(ugc: Said, asked: tuple[str, ...]) -> None:
    code, out, _ = ugc(*asked, "--json", "--format", "csv")
    assert code == 2
    assert "leave one out" in json.loads(out)["error"]["message"]


def test_a_zone_that_is_none_is_not_asked_for(ugc: Said) -> None:
    dwell = ["query", "dwell", "-p", "first=2026-11-01", "-p", "last=2149-06-05", "-p", "limit=3", "-p"]
    assert ugc(*dwell, "tz=Europe/Berlin")[0] == 0
    code, out, err = ugc(*dwell, "tz=Europe/Berlln")
    assert (code, out) == (2, "")
    assert "did you mean Europe/Berlin?" in " ".join(err.split())


def test_a_value_is_a_value_whatever_it_says(ugc: Said) -> None:
    answer = ugc("query", "left_beside", "-p", "older_than_s=0", "-p", "beginning=x') OR 1 --", "-f", "tsv")
    assert answer == (0, "name\n", "")


def test_the_sql_of_a_call_is_shown_by_the_name_of_the_call(ugc: Said) -> None:
    assert ugc("query", "top-events", "--sql")[1] == ugc("query", "top_events", "--sql")[1] != ""


# --- export


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_a_day_as_csv(ugc: Said, analyst: Analyst, tmp_path: Path) -> None:
    code, out, err = ugc("export", "--day", str(DAY), "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    file = Path(said["files"][0])
    assert file == Path("data/exports") / f"events-{DAY}.csv"
    assert (said["rows"], said["whole"], said["bytes"]) == (EVENTS, True, file.stat().st_size)
    rows = rows_of(file.read_text(encoding="utf-8"))
    assert len(rows) == EVENTS
    wanted = analyst.rows(
        "SELECT toString(event_id), user_id, properties, value FROM events_raw "
        f"WHERE toDate(occurred_at) = '{DAY}'"
    )
    found = {(r["event_id"], r["user_id"], r["properties_json"], float(r["value"])) for r in rows}
    assert found == set(wanted)
    assert rows[0]["occurred_at"].startswith(f"{DAY}T00:")
    assert rows[0]["occurred_at"].endswith("Z")
    assert [r["occurred_at"][:13] for r in rows] == sorted(r["occurred_at"][:13] for r in rows)
    assert list(rows[0])[:6] == [
        "event_id",
        "occurred_at",
        "user_id",
        "event_type",
        "properties_json",
        "value",
    ]
    assert ODD_USER in {row["user_id"] for row in rows}


def test_what_is_there_is_not_replaced_by_accident(ugc: Said, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("precious")
    code, _, err = ugc("export", "--day", str(DAY), "--out", "mine.csv")
    assert code == 1
    assert "--force" in err
    assert (tmp_path / "mine.csv").read_text() == "precious"
    assert ugc("export", "--day", str(DAY), "--out", "mine.csv", "--force")[0] == 0
    assert len(rows_of((tmp_path / "mine.csv").read_text(encoding="utf-8"))) == EVENTS
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".mine")] == []


@pytest.mark.parametrize("piece_rows", [1_000, 100_000])
def test_a_day_as_parquet(
    ugc: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_rows: int
) -> None:
    monkeypatch.setattr(export_day, "PIECE_ROWS", piece_rows)
    code, out, _ = ugc("export", "--day", str(DAY), "--out", "day.parquet", "--json")
    said = json.loads(out)
    assert (code, said["rows"]) == (0, EVENTS)
    assert len(said["files"]) == (3 if piece_rows == 1_000 else 1)
    place = "day.parquet/*.parquet" if piece_rows == 1_000 else "day.parquet"
    with duckdb.connect() as reader:
        found = reader.execute(
            "SELECT count(*), count(DISTINCT event_id), min(occurred_at)::date::text, sum(value) "
            f"FROM '{place}'"
        ).fetchone()
    assert found == (EVENTS, EVENTS, str(DAY), sum(range(EVENTS)) / 4)


def test_pieces_fit_together(analyst: Analyst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    span = span_of(DAY, ZoneInfo("UTC"))
    export_day.to_csv(analyst, span, whole, lambda _: None)
    monkeypatch.setattr(export_day, "PIECE_ROWS", 170)
    steps: list[int] = []
    assert export_day.to_csv(analyst, span, cut, steps.append) == EVENTS
    assert cut.read_bytes() == whole.read_bytes()
    assert len(steps) == -(-EVENTS // 170)


class Narrow(Analyst):
    """An analyst whose answers may have no more rows than this."""

    rows_max = 300

    def ask(self, sql: str, **how: Any) -> Iterator[bytes]:
        text = b"".join(Analyst.ask(self, sql, **how))
        if text.count(b"\n{") + text.count(b'""n""') > self.rows_max:
            raise QuestionFailed("Limit for result exceeded", code=396)
        yield text


def test_a_piece_too_large_for_the_limits_is_halved(
    analyst: Analyst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_day, "PIECE_ROWS_MIN", 10)
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    span, steps = span_of(DAY, ZoneInfo("UTC")), []
    export_day.to_csv(analyst, span, whole, lambda _: None)
    narrow = Narrow(analyst.client, analyst.timeout_s)
    assert export_day.to_csv(narrow, span, cut, steps.append) == EVENTS
    assert cut.read_bytes() == whole.read_bytes()
    assert max(steps) <= Narrow.rows_max
    assert sum(steps) == EVENTS
    monkeypatch.setattr(export_day, "PIECE_ROWS_MIN", 1_000)
    with pytest.raises(QuestionFailed, match="Limit for result"):
        export_day.to_csv(narrow, span, tmp_path / "never.csv", steps.append)
    assert not (tmp_path / "never.csv").exists()


def test_the_day_of_a_zone(ugc: Said, analyst: Analyst) -> None:
    code, out, _ = ugc("export", "--day", str(DAY), "--tz", "Asia/Kathmandu", "--out", "k.csv", "--json")
    assert code == 0
    (wanted,) = analyst.rows(
        f"SELECT count() FROM events_raw WHERE toDate(occurred_at, 'Asia/Kathmandu') = '{DAY}'"
    )
    assert json.loads(out)["rows"] == wanted[0]
    assert 0 < wanted[0] < EVENTS


def test_days_of_23_and_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)):
        span = span_of(day, berlin)
        assert span.until - span.since == timedelta(hours=hours)
        assert span.whole(span.until)
        assert not span.whole(span.until - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--day", "yesterday"], 2, "YYYY-MM-DD"),
        (["--day", str(DAY), "--out", "-"], 2, "so it is a file"),
        (["--day", "2099-01-01"], 2, "has not begun"),
        (["--day", "2020-01-01"], 1, "nothing is left of 2020-01-01"),
        (["--day", str(DAY), "--tz", "Mars/Olympus"], 2, "no such time zone"),
        (["--day", str(DAY), "--out", "nowhere/x.csv"], 1, "no directory"),
        (["--day", str(DAY), "--out", "."], 1, "is a directory"),
        ([], 2, "--day"),
    ],
)
def test_an_export_that_cannot_be(ugc: Said, arguments: list[str], code: int, says: str) -> None:
    found, out, err = ugc("export", *arguments)
    assert (found, out) == (code, "")
    assert says in " ".join(err.split())


def test_an_empty_day_is_a_file_with_its_names(ugc: Said) -> None:
    empty = DAY - timedelta(days=10)
    assert ugc("export", "--day", str(empty), "--out", "empty.csv")[0] == 0
    assert Path("empty.csv").read_text().startswith('"event_id","occurred_at"')
    assert Path("empty.csv").read_text().count("\n") == 1
    assert ugc("export", "--day", str(empty), "--out", "empty.parquet")[0] == 0
    with duckdb.connect() as reader:
        assert reader.execute("SELECT count(*) FROM 'empty.parquet'").fetchone() == (0,)


def test_for_a_spreadsheet_no_text_is_a_formula(ugc: Said, tmp_path: Path) -> None:
    columns = "'=1+1' AS a, -1.5 AS b, '\"=x' AS c, concat('+', char(10), '@') AS d"
    exact = list(csv.reader(io.StringIO(ugc("sql", "-c", f"SELECT {columns}", "-f", "csv")[1])))
    assert exact == [list("abcd"), ["=1+1", "-1.5", '"=x', "+\n@"]]
    mark, _, shown = ugc("sql", "-c", f"SELECT {columns}", "-f", "spreadsheet")[1].partition("\ufeff")
    assert not mark
    assert list(csv.reader(io.StringIO(shown))) == [list("abcd"), ["'=1+1", "-1.5", '"=x', "'+\n@"]]
    # A format that the SQL names is what comes, and comes as it is.
    other = "SELECT ['b', '=c'] AS a FORMAT JSONEachRow"
    assert ugc("sql", "-c", other, "-f", "spreadsheet")[1] == '{"a":["b","=c"]}\n'
    assert ugc("export", "--day", str(DAY), "--out", "exact.csv")[0] == 0
    assert ugc("export", "--day", str(DAY), "--out", "safe.csv", "--format", "spreadsheet")[0] == 0
    assert (tmp_path / "safe.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "exact.csv").read_bytes()


def test_the_place_behind_the_last_id_of_an_hour() -> None:
    place = export_day.Place(datetime(2026, 11, 21, 10, tzinfo=UTC), export_day.ID_MAX)
    assert place.next() == export_day.Place(datetime(2026, 11, 21, 11, tzinfo=UTC), 0)
    assert replace(place, id=0).next().id == 1
