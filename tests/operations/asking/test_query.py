"""`ugc query`: the questions by name, and what is wrong with how they are put."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from known_day import DAY, EVENTS, Said

from clickhouse import catalog
from ops.asking import calls, questions

pytestmark = pytest.mark.stack

USERS = 101  # a hundred, and the odd one


def test_the_questions_are_listed(ugc: Said) -> None:
    code, out, _ = ugc("query", "--json")
    listed = {each["name"]: each for each in json.loads(out)}
    assert code == 0
    assert {"dau", "top-events", "daily", "retention", "retention-7d", "returning", "dwell"} <= set(listed)
    assert {"from", "to", "tz", "segment"} <= set(listed["dau"]["parameters"])
    assert not {"remembered_ids", "top_events", "dau_in_segment"} & set(listed)
    assert listed["dwell"]["parameters"] == ["first", "last", "tz", "limit"]
    assert listed["dwell"]["defaults"] == {"tz": "UTC", "limit": "100"}
    shown = ugc("query")[1]
    assert all(name in shown for name in listed)
    assert "first, last, tz=UTC, limit=100" in " ".join(shown.split())


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


OF_DAYS = ("dwell", "filter_use", "spending", "video_completion")


@pytest.mark.parametrize("name", OF_DAYS)
def test_days_are_all_that_a_question_needs(ugc: Said, name: str) -> None:
    days = ("-p", f"first={DAY}", "-p", f"last={DAY}")
    answer = ugc("query", name, *days, "--format", "json")
    said = ugc("query", name, *days, "-p", "tz=UTC", "-p", "limit=100", "--format", "json")
    assert answer[0] == said[0] == 0, answer
    assert json.loads(answer[1])["data"] == json.loads(said[1])["data"]
    assert "-- limit (UInt32 = 100): " in ugc("query", name, "--sql")[1]


def test_defaults_are_values_as_if_they_were_given() -> None:
    asked = [catalog.query(name) for name in catalog.names()]
    with_defaults = [each for each in asked if each.defaults]
    assert {each.name for each in with_defaults} == set(OF_DAYS)
    days = [("first", str(DAY)), ("last", str(DAY))]
    for each in with_defaults:
        assert questions.checked(each, days) == questions.checked(each, [*days, *each.defaults.items()])


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


@pytest.mark.parametrize("shown", ["table", "csv", "spreadsheet", "tsv", "ndjson"])
@pytest.mark.parametrize("sum_", [float("inf"), float("-inf"), float("nan")])
def test_a_sum_that_no_number_holds_is_nothing_as_in_the_api(
    capsys: pytest.CaptureFixture[str], shown: str, sum_: float
) -> None:
    calls.SHOWN[shown](("points", "actions"), [{"points": sum_, "actions": 2}])
    said = capsys.readouterr().out.lower()
    assert "2" in said
    assert "inf" not in said
    assert "nan" not in said
