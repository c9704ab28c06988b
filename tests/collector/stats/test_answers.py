"""Each stats call: what reaches the warehouse, and what its rows become."""

import math
from datetime import date
from typing import Any

import pytest

from clickhouse.answers import UNIQ_ERROR_BOUND, Answer, Cohort, DailyRow, Returned, ReturningPage, TopEvent
from clickhouse.scope import Scope
from clickhouse.segments import parse
from clickhouse.warehouse import DAILY_ROWS_MAX

FIRST, LAST = date(2026, 11, 1), date(2026, 11, 2)
RANGE = "from=2026-11-01&to=2026-11-02"
COMMON = {"tz": "UTC", "segment": [], "bots": "exclude", "exact": False}


def csv(api: Any, url: str) -> list[str]:
    answer = api.client.get(url, headers={"Accept": "text/csv"})
    assert answer.mimetype == "text/csv"
    return list(answer.text.splitlines())


@pytest.mark.parametrize(
    ("url", "question"),
    [
        (f"/stats/dau?{RANGE}", ("dau", FIRST, LAST)),
        (f"/stats/top-events?{RANGE}", ("top_events", FIRST, LAST, 10)),
        (f"/stats/top-events?{RANGE}&limit=1000", ("top_events", FIRST, LAST, 1_000)),
        (f"/stats/daily?{RANGE}", ("daily", FIRST, LAST, DAILY_ROWS_MAX)),
        ("/stats/retention?start_date=2026-11-01", ("retention", FIRST, 3, "day")),
        ("/stats/retention?start_date=2026-11-01&windows=30&period=week", ("retention", FIRST, 30, "week")),
        (f"/stats/retention-7d?{RANGE}", ("retention_7d", FIRST, LAST)),
        ("/stats/returning?date=2026-11-01", ("returning", FIRST, 7, 100, None)),
        (
            "/stats/returning?date=2026-11-01&days=30&limit=1&cursor=Ym9i",
            ("returning", FIRST, 30, 1, "Ym9i"),
        ),
    ],
)
def test_the_warehouse_is_asked_what_was_asked(api: Any, url: str, question: tuple[Any, ...]) -> None:
    assert api.client.get(url).status_code == 200
    name, *parameters = question
    assert api.warehouse.asked == [(name, Scope(), *parameters)]


def test_every_call_takes_zone_segments_bots_and_exactness(api: Any) -> None:
    segments = "segment=event_type:click&segment=properties.country%20in%20DE,FR"
    rest = f"tz=Asia/Kathmandu&exact=true&bots=include&{segments}"
    scope = Scope(
        tz="Asia/Kathmandu",
        segments=(parse("event_type:click"), parse("properties.country in DE,FR")),
        bots=True,
        exact=True,
    )
    urls = [
        *(f"/stats/{name}?{RANGE}" for name in ("dau", "top-events", "daily", "retention-7d")),
        "/stats/retention?start_date=2026-11-01",
        "/stats/returning?date=2026-11-01",
    ]
    for url in urls:
        answer = api.client.get(f"{url}&{rest}")
        assert answer.status_code == 200
        assert {name: answer.json["query"][name] for name in COMMON} == {
            "tz": "Asia/Kathmandu",
            "segment": ["event_type:click", "properties.country in DE,FR"],
            "bots": "include",
            "exact": True,
        }
    assert {asked[1] for asked in api.warehouse.asked} == {scope}
    assert len(api.warehouse.asked) == len(urls)


def test_top_events(api: Any) -> None:
    api.warehouse.answers["top_events"] = Answer([TopEvent("click", 5), TopEvent("page_view", 5)])
    answer = api.client.get(f"/stats/top-events?{RANGE}&limit=2")
    assert answer.json["query"] == {"from": "2026-11-01", "to": "2026-11-02", "limit": 2, **COMMON}
    assert answer.json["data"] == [
        {"event_type": "click", "count": 5},
        {"event_type": "page_view", "count": 5},
    ]
    assert csv(api, f"/stats/top-events?{RANGE}") == ["event_type,count", "click,5", "page_view,5"]


def test_daily_says_by_which_method_and_how_far_off(api: Any) -> None:
    api.warehouse.answers["daily"] = Answer(
        [DailyRow(FIRST, "purchase", 2, 19.98, 3)], "uniq", UNIQ_ERROR_BOUND
    )
    answer = api.client.get(f"/stats/daily?{RANGE}")
    assert answer.json["data"] == [
        {"date": "2026-11-01", "event_type": "purchase", "users": 2, "points": 19.98, "actions": 3}
    ]
    assert answer.json["meta"]["method"] == "uniq"
    assert answer.json["meta"]["error_bound"] == UNIQ_ERROR_BOUND
    assert csv(api, f"/stats/daily?{RANGE}")[1] == "2026-11-01,purchase,2,19.98,3"


@pytest.mark.parametrize("points", [math.inf, -math.inf, math.nan])
def test_a_sum_that_no_double_holds_is_none_in_either_form(api: Any, points: float) -> None:
    api.warehouse.answers["daily"] = Answer(
        [DailyRow(FIRST, "purchase", 2, points, 3)], "uniq", UNIQ_ERROR_BOUND
    )
    assert api.client.get(f"/stats/daily?{RANGE}").json["data"][0]["points"] is None
    assert csv(api, f"/stats/daily?{RANGE}")[1] == "2026-11-01,purchase,2,,3"


def test_the_longest_daily_answer_is_given(api: Any) -> None:
    api.warehouse.answers["daily"] = Answer([DailyRow(FIRST, "click", 1, 0.0, 1)] * DAILY_ROWS_MAX)
    assert len(api.client.get(f"/stats/daily?{RANGE}").json["data"]) == DAILY_ROWS_MAX


# The clock stands at 2026-11-21.
def test_retention_marks_what_runs_and_leaves_out_what_has_not_begun(api: Any) -> None:
    api.warehouse.answers["retention"] = Answer(
        [
            Cohort(date(2026, 11, 19), 3, (3, 2, 1)),
            Cohort(date(2026, 11, 20), 0, (0, 0, None)),
            Cohort(date(2026, 11, 21), 7, (7, None, None)),
        ]
    )
    answer = api.client.get("/stats/retention?start_date=2026-11-19&windows=2")
    assert answer.json["query"] == {"start_date": "2026-11-19", "windows": 2, "period": "day", **COMMON}
    assert [(row["cohort"], row["size"]) for row in answer.json["data"]] == [
        ("2026-11-19", 3),
        ("2026-11-20", 0),
        ("2026-11-21", 7),
    ]
    cells = [
        [
            tuple(window[name] for name in ("window", "users", "percent", "running"))
            for window in row["windows"]
        ]
        for row in answer.json["data"]
    ]
    assert cells == [
        [(0, 3, 100.0, False), (1, 2, 66.67, False), (2, 1, 33.33, True)],
        [(0, 0, None, False), (1, 0, None, True), (2, None, None, False)],
        [(0, 7, 100.0, True), (1, None, None, False), (2, None, None, False)],
    ]
    assert answer.json["meta"]["complete"] is False
    lines = csv(api, "/stats/retention?start_date=2026-11-19&windows=2")
    assert lines[:2] == ["cohort,size,window,users,percent,running", "2026-11-19,3,0,3,100.0,false"]
    assert "2026-11-21,7,0,7,100.0,true" in lines
    assert lines[-1] == "2026-11-21,7,2,,,false"
    assert len(lines) == 1 + 9


@pytest.mark.parametrize(
    ("start", "period", "more", "complete"),
    [
        (date(2026, 11, 18), "day", "", True),
        (date(2026, 11, 19), "day", "", False),
        (date(2026, 10, 31), "week", "", True),
        (date(2026, 11, 1), "week", "", False),
        (date(2026, 5, 26), "day", "", True),
        (date(2026, 5, 25), "day", "", False),
        (date(2026, 10, 22), "day", "&segment=event_type:click", False),
        (date(2026, 10, 23), "day", "&segment=event_type:click", True),
    ],
)
def test_retention_is_complete_when_every_window_is_over_and_held(
    api: Any, start: date, period: str, more: str, complete: bool
) -> None:
    api.warehouse.answers["retention"] = Answer([Cohort(start, 1, (1, 1, 1))])
    answer = api.client.get(f"/stats/retention?start_date={start}&period={period}{more}")
    assert answer.json["meta"]["complete"] is complete


def test_retention_from_tomorrow_on_has_no_rows_and_is_not_complete(api: Any) -> None:
    answer = api.client.get("/stats/retention?start_date=2026-11-22")
    assert (answer.json["data"], answer.json["meta"]["complete"]) == ([], False)


def test_retention_within_seven_days(api: Any) -> None:
    api.warehouse.answers["retention_7d"] = Answer([Returned(FIRST, 8, 1), Returned(LAST, 0, 0)])
    answer = api.client.get(f"/stats/retention-7d?{RANGE}")
    assert answer.json["data"] == [
        {
            "date": "2026-11-01",
            "total_users_day_0": 8,
            "returned_in_7_days": 1,
            "retention_7d_percent": 12.5,
        },
        {
            "date": "2026-11-02",
            "total_users_day_0": 0,
            "returned_in_7_days": 0,
            "retention_7d_percent": None,
        },
    ]
    assert csv(api, f"/stats/retention-7d?{RANGE}")[1:] == ["2026-11-01,8,1,12.5", "2026-11-02,0,0,"]


@pytest.mark.parametrize(("last", "complete"), [("2026-11-13", True), ("2026-11-14", False)])
def test_a_day_whose_seven_days_are_not_over_is_not_complete(api: Any, last: str, complete: bool) -> None:
    answer = api.client.get(f"/stats/retention-7d?from=2026-11-01&to={last}")
    assert answer.json["meta"]["complete"] is complete


def test_returning_gives_the_number_and_leads_to_the_next_page(api: Any) -> None:
    api.warehouse.answers["returning"] = ReturningPage(3, ["alice", "bob"], "Ym9i")
    url = "/stats/returning?date=2026-11-08&limit=2&segment=properties.a%3E1&segment=event_type:click"
    answer = api.client.get(url)
    assert answer.json["data"] == {"count": 3, "users": ["alice", "bob"], "next_cursor": "Ym9i"}
    link = answer.headers["Link"]
    assert link.endswith('>; rel="next"')
    api.warehouse.answers["returning"] = ReturningPage(3, ["carol"], "Y2Fyb2w")
    second = api.client.get(link.removeprefix("<").split(">")[0])
    link = second.headers["Link"]
    assert link.count("cursor=") == 1
    api.warehouse.answers["returning"] = ReturningPage(3, ["carol"], None)
    last = api.client.get(link.removeprefix("<").split(">")[0])
    assert last.json["query"] == {**answer.json["query"], "cursor": "Y2Fyb2w"}
    assert last.json["data"] == {"count": 3, "users": ["carol"], "next_cursor": None}
    assert "Link" not in last.headers


def test_returning_as_csv_names_users_whatever_they_are_called(api: Any) -> None:
    api.warehouse.answers["returning"] = ReturningPage(9, ["a,b", 'say "hi"', "two\nlines", "ü"], "w7w")
    answer = api.client.get("/stats/returning?date=2026-11-08&limit=4", headers={"Accept": "text/csv"})
    assert answer.text == 'user_id\r\n"a,b"\r\n"say ""hi"""\r\n"two\nlines"\r\nü\r\n'
    assert '"count":9' in answer.headers["X-Answer-Meta"]
    assert "Link" in answer.headers


@pytest.mark.parametrize(
    ("day", "back", "complete"),
    [
        ("2026-11-20", 7, True),
        ("2026-11-21", 7, False),
        ("2026-06-02", 7, True),
        ("2026-06-01", 7, False),
        ("0001-01-01", 30, False),
        ("9999-12-31", 1, False),
    ],
)
def test_returning_is_complete_when_all_its_days_are_over_and_held(
    api: Any, day: str, back: int, complete: bool
) -> None:
    answer = api.client.get(f"/stats/returning?date={day}&days={back}")
    assert answer.json["meta"]["complete"] is complete


@pytest.mark.parametrize(
    "url", ["dau?from=0001-01-01&to=0001-01-02", "retention-7d?from=9999-12-30&to=9999-12-31"]
)
def test_days_at_the_ends_of_the_calendar_are_days(api: Any, url: str) -> None:
    answer = api.client.get(f"/stats/{url}&tz=Pacific/Kiritimati")
    assert (answer.status_code, answer.json["meta"]["complete"]) == (200, False)
