"""Health, metrics, request ids, headers, the log line and the welcome."""

import io
import json
import re
from typing import Any

import pytest

from clickhouse.client import QueryFailed, Unavailable
from telemetry import logs
from ugc_api.event_log import Reason


def test_live_whatever_is_away(api: Any) -> None:
    api.event_log.unavailable = Reason.BROKER_AWAY
    api.warehouse.fails = Unavailable("gone")
    answer = api.client.get("/health/live")
    assert (answer.status_code, answer.json) == (200, {"status": "live"})


def test_who_asks_for_the_head_alone_gets_no_body(api: Any) -> None:
    answer = api.client.head("/health/live")
    assert (answer.status_code, answer.data) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(api.client.get("/health/live").data) > 0


def test_ready_when_both_answer(api: Any) -> None:
    answer = api.client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert set(answer.json["checks"]) == {"broker", "warehouse"}


@pytest.mark.parametrize("missing", ["broker", "warehouse"])
def test_not_ready_names_what_is_missing(api: Any, missing: str) -> None:
    if missing == "broker":
        api.event_log.unavailable = Reason.BROKER_AWAY
    else:
        api.warehouse.fails = Unavailable("the warehouse does not answer")
    answer = api.client.get("/health/ready")
    assert (answer.status_code, answer.json["code"]) == (503, "not_ready")
    states = {name: check["ready"] for name, check in answer.json["checks"].items()}
    assert states == {"broker": missing != "broker", "warehouse": missing != "warehouse"}
    assert answer.json["checks"][missing]["message"]


def test_a_warehouse_without_its_schema_says_what_to_run(api: Any) -> None:
    api.warehouse.fails = QueryFailed("Code: 60. DB::Exception: inner words", code=60)
    answer = api.client.get("/health/ready")
    message = answer.json["checks"]["warehouse"]["message"]
    assert "ugc migrate" in message
    assert "inner words" not in answer.text


@pytest.mark.parametrize("sane", ["abc", "7c1e-7b1a", "A.b_c:9", "x" * 64])
def test_a_sane_request_id_is_kept(api: Any, sane: str) -> None:
    assert api.client.get("/", headers={"X-Request-ID": sane}).headers["X-Request-ID"] == sane


@pytest.mark.parametrize("odd", ["", "x" * 65, "a b", "<script>", "ü"])
def test_an_odd_request_id_is_replaced(api: Any, odd: str) -> None:
    given = api.client.get("/", headers={"X-Request-ID": odd}).headers["X-Request-ID"]
    assert given != odd
    assert len(given) == 32


def test_two_requests_never_share_an_id(api: Any) -> None:
    ids = {api.client.get("/").headers["X-Request-ID"] for _ in range(10)}
    assert len(ids) == 10


@pytest.mark.parametrize("url", ["/", "/nothing", "/openapi.json", "/apidocs/", "/metrics"])
def test_no_answer_is_sniffed(api: Any, url: str) -> None:
    assert api.client.get(url).headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_count_routes_and_never_raw_paths(api: Any) -> None:
    api.client.get("/problems/not_json")
    for number in range(50):
        api.client.get(f"/scan/{number}")
    text = api.client.get("/metrics").text
    assert 'ugc_http_requests_total{route="/problems/<code>",status="200"} 1.0' in text
    assert 'ugc_http_requests_total{route="unmatched",status="404"} 50.0' in text
    assert "/scan/" not in text
    assert 'ugc_http_request_seconds_count{route="unmatched"} 50.0' in text


def test_one_line_a_request_with_its_id_and_its_events(make_api: Any, event: Any) -> None:
    out = io.StringIO()
    logs.configure(process="api", format="json", stream=out)
    api = make_api()
    api.send([event(), event(user_id=None)], headers={"X-Request-ID": "mine"})
    (line,) = [json.loads(text) for text in out.getvalue().splitlines()]
    assert (
        line.items()
        >= {
            "event": "request_served",
            "request_id": "mine",
            "method": "POST",
            "route": "/events",
            "status": 202,
            "accepted": 1,
            "duplicates": 0,
            "rejected": 1,
        }.items()
    )
    assert "user-1" not in out.getvalue()


def test_a_healthy_probe_is_not_worth_a_line(make_api: Any) -> None:
    out = io.StringIO()
    logs.configure(process="api", format="json", stream=out)
    api = make_api()
    api.client.get("/health/live")
    assert out.getvalue() == ""
    api.event_log.unavailable = Reason.BROKER_AWAY
    api.client.get("/health/ready")
    assert '"status":503' in out.getvalue()


def test_the_welcome_leads_to_addresses_that_exist(api: Any) -> None:
    answer = api.client.get("/")
    assert answer.status_code == 200
    for link in answer.json["links"].values():
        method, _, address = link.partition(" ")
        path = address.partition("?")[0].replace("{code}", "not_json")
        given = api.client.open(path, method=method)
        assert given.status_code not in (404, 405, 500), link


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (BROWSER, "text/html"),
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/json, text/html", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_a_browser_is_shown_a_page_and_a_program_is_told_the_same(
    api: Any, accept: str, mimetype: str
) -> None:
    answer = api.client.get("/", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype, answer.headers["Vary"]) == (200, mimetype, "Accept")


def test_what_the_page_says_to_send_is_accepted_and_then_a_duplicate(api: Any) -> None:
    page = api.client.get("/", headers={"Accept": BROWSER}).text
    (sent,) = re.findall(r'<code id="event">(.*)</code>', page)
    assert "'" not in sent, "it stands between single quotes"
    for status in ("accepted", "duplicate"):
        answer = api.client.post("/events", data=sent, content_type="application/json")
        assert answer.json["results"][0]["status"] == status
    for address in re.findall(r'href="([^"]+)"', page):
        given = api.client.get(address)
        assert given.status_code in (200, 503), address
        given.close()
    assert "{" not in page.partition("</style>")[2].replace(sent, "")


def test_nothing_a_sender_says_becomes_part_of_the_page(api: Any) -> None:
    page = api.client.get("/", headers={"Accept": BROWSER, "Host": 'x"><script>alert(1)</script>'})
    assert "<script" not in page.text
