"""GET /stats/dau: the answer, what every answer says about itself, and CSV."""

import threading
from datetime import date
from typing import Any

import orjson
import pytest

from clickhouse.answers import Freshness
from clickhouse.client import Unavailable


def test_every_day_is_there_and_zeros_too(api: Any) -> None:
    api.warehouse.users = {date(2026, 11, 1): 3, date(2026, 11, 3): 1}
    answer = api.client.get("/stats/dau?from=2026-11-01&to=2026-11-03")
    assert answer.status_code == 200
    assert answer.json["query"] == {
        "from": "2026-11-01",
        "to": "2026-11-03",
        "tz": "UTC",
        "segment": [],
        "bots": "exclude",
        "exact": False,
    }
    assert answer.json["data"] == [
        {"date": "2026-11-01", "users": 3},
        {"date": "2026-11-02", "users": 0},
        {"date": "2026-11-03", "users": 1},
    ]
    meta = answer.json["meta"]
    assert (meta["method"], meta["error_bound"], meta["complete"]) == ("exact", 0, True)
    assert meta["freshness"] == {"last_ingested_at": "2026-11-21T11:59:57.250Z", "lag_seconds": 0.75}
    assert meta["elapsed_ms"] >= 0


def test_a_warehouse_that_saw_nothing_yet_says_so(api: Any) -> None:
    api.warehouse.freshness_is = Freshness(None, None)
    answer = api.client.get("/stats/dau?from=2026-11-01&to=2026-11-01")
    assert answer.json["meta"]["freshness"] == {"last_ingested_at": None, "lag_seconds": None}


def test_freshness_is_asked_beside_the_question(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, honest = threading.Event(), api.warehouse.dau

    def freshness() -> Freshness:
        asked.set()
        return Freshness(None, None)

    def dau(*question: Any) -> Any:
        assert asked.wait(10), "it is asked when the answer is there"
        return honest(*question)

    monkeypatch.setattr(api.warehouse, "freshness", freshness)
    monkeypatch.setattr(api.warehouse, "dau", dau)
    assert api.client.get("/stats/dau?from=2026-11-01&to=2026-11-01").status_code == 200


def test_no_answer_without_its_freshness(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def freshness() -> Freshness:
        raise Unavailable("the warehouse went away")

    monkeypatch.setattr(api.warehouse, "freshness", freshness)
    answer = api.client.get("/stats/dau?from=2026-11-01&to=2026-11-01")
    assert (answer.status_code, answer.json["code"]) == (503, "warehouse_unavailable")


# The clock stands at 2026-11-21 12:00 UTC; the warehouse holds 180 days, and 30 for a segment.
@pytest.mark.parametrize(
    ("first", "last", "more", "complete"),
    [
        ("2026-11-19", "2026-11-20", "", True),
        ("2026-11-19", "2026-11-21", "", False),
        ("2026-11-21", "2026-11-21", "&tz=Pacific/Kiritimati", True),
        ("2026-11-20", "2026-11-20", "&tz=Etc/GMT%2B12", True),
        ("2026-11-22", "2026-11-23", "", False),
        ("2026-05-26", "2026-05-26", "", True),
        ("2026-05-25", "2026-05-26", "", False),
        ("2026-10-23", "2026-10-23", "&segment=event_type:click", True),
        ("2026-10-22", "2026-10-23", "&segment=event_type:click", False),
    ],
)
def test_complete_is_said_only_of_days_that_are_over_and_still_held(
    api: Any, first: str, last: str, more: str, complete: bool
) -> None:
    answer = api.client.get(f"/stats/dau?from={first}&to={last}{more}")
    assert answer.json["meta"]["complete"] is complete


@pytest.mark.parametrize(
    "accept",
    [
        "text/csv",
        "text/csv, application/json;q=0.5",
        "text/csv; charset=utf-8",
        "text/csv;header=present;q=0.9, */*;q=0.1",
    ],
)
def test_rows_as_csv_and_the_meta_beside_them(api: Any, accept: str) -> None:
    api.warehouse.users = {date(2026, 11, 1): 3}
    answer = api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02", headers={"Accept": accept})
    assert answer.mimetype == "text/csv"
    assert answer.text == "date,users\r\n2026-11-01,3\r\n2026-11-02,0\r\n"
    assert answer.headers["Vary"] == "Accept"
    said = orjson.loads(answer.headers["X-Answer-Meta"])
    assert (said["method"], said["error_bound"], said["complete"]) == ("exact", 0, True)


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "text/html", "text/csv; charset=utf-8;q=0.1, */*"]
)
def test_json_unless_csv_is_preferred(api: Any, accept: str) -> None:
    answer = api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02", headers={"Accept": accept})
    assert answer.mimetype == "application/json"


def test_a_place_at_the_warehouse_is_given_back_after_a_failure(make_api: Any) -> None:
    api = make_api(stats_concurrency_max=1)
    question = "/stats/dau?from=2026-11-01&to=2026-11-01"
    api.warehouse.fails = RuntimeError("broken")
    assert api.client.get(question).status_code == 500
    api.warehouse.fails = None
    assert api.client.get(question).status_code == 200
