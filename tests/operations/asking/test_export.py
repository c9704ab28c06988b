"""`ugc export`: a day as a file, whole, in pieces and for people."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from known_day import DAY, EVENTS, ODD_USER, Said

from ops.asking import export_day
from ops.asking.analyst import Analyst, QuestionFailed
from ops.asking.export import span_of

pytestmark = pytest.mark.stack


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


def test_what_was_there_comes_back_when_the_new_one_cannot_take_its_place(
    ugc: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "day.parquet").write_text("precious")
    replace_it = Path.replace

    def full(self: Path, target: Path) -> Path:
        if self.is_dir():
            raise OSError(28, "No space left on device")
        return replace_it(self, target)

    monkeypatch.setattr(export_day, "PIECE_ROWS", 1_000)
    monkeypatch.setattr(Path, "replace", full)
    assert ugc("export", "--day", str(DAY), "--out", "day.parquet", "--force")[0] == 1
    assert (tmp_path / "day.parquet").read_text() == "precious"
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert [each.name for each in tmp_path.iterdir() if "day.parquet" in each.name] == ["day.parquet"]


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


def test_days_of_two_zones_are_two_files(ugc: Any) -> None:
    names = []
    for zone in ("UTC", "Europe/Berlin"):
        code, out, err = ugc("export", "--day", str(DAY), "--tz", zone, "--json")
        assert code == 0, err
        names += [Path(each).name for each in json.loads(out)["files"]]
    assert names == [f"events-{DAY}.csv", f"events-{DAY}-Europe-Berlin.csv"]


@pytest.mark.parametrize("tz", ["localtime", "Mars/Olympus", "../UTC", "America"])
def test_what_is_no_zone_is_refused(ugc: Any, tz: str) -> None:
    code, _, err = ugc("export", "--day", str(DAY), "--tz", tz)
    assert code == 2
    assert "no such time zone" in err


@pytest.mark.parametrize("command", [["export"], ["rollup", "rebuild"], ["audit"]])
@pytest.mark.parametrize("day", ["20261120", "2026-W47-5", "2026-11-31", "yesterday"])
def test_a_day_has_one_spelling(ugc: Any, command: list[str], day: str) -> None:
    code, _, err = ugc(*command, "--day", day)
    assert code == 2
    assert "write YYYY-MM-DD" in err
