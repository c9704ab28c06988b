"""One test a problem code, one shape for all of them."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from clickhouse.answers import Answer, DailyRow
from clickhouse.client import QueryFailed, Unavailable
from clickhouse.warehouse import DAILY_ROWS_MAX
from ugc_api.event_log import Reason
from ugc_api.problems import KINDS, MEDIA_TYPE, ProblemCode

JSON = "application/json"


def log_away(api: Any, event: Any) -> Any:
    api.event_log.unavailable = Reason.DEADLINE
    return api.send([event()])


def record_too_large(api: Any, event: Any) -> Any:
    api.event_log._bytes_max = 10
    return api.send([event()])


def warehouse_away(api: Any, _: Any) -> Any:
    api.warehouse.fails = Unavailable("nobody there")
    return api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02")


def too_heavy(api: Any, _: Any) -> Any:
    api.warehouse.fails = Unavailable("Timeout exceeded: elapsed 10 s", code=159)
    return api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02")


def too_many_rows(api: Any, _: Any) -> Any:
    row = DailyRow(date(2026, 11, 1), "click", 1, 0.0, 1)
    api.warehouse.answers["daily"] = Answer([row] * (DAILY_ROWS_MAX + 1))
    return api.client.get("/stats/daily?from=2026-11-01&to=2026-11-02")


def not_ready(api: Any, _: Any) -> Any:
    api.event_log.unavailable = Reason.BROKER_AWAY
    return api.client.get("/health/ready")


def internal(api: Any, _: Any) -> Any:
    api.warehouse.fails = RuntimeError("secret-detail")
    return api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02")


def busy(api: Any, _: Any) -> Any:
    inner: list[Any] = []
    answers = api.warehouse.dau
    question = "/stats/dau?from=2026-11-01&to=2026-11-02"

    def ask_again(*asked: Any) -> Any:
        inner.append(api.client.get(question))
        return answers(*asked)

    api.warehouse.dau = ask_again
    assert api.client.get(question).status_code == 200
    return inner[0]


def limited(api: Any, event: Any) -> Any:
    assert api.send([event() for _ in range(3)]).status_code == 202
    return api.send([event()])


def key_reused(api: Any, event: Any) -> Any:
    api.send([event()], headers={"Idempotency-Key": "k"})
    return api.send([event()], headers={"Idempotency-Key": "k"})


def key_in_use(api: Any, event: Any) -> Any:
    body, append, inner = [event()], api.event_log.append, []

    def send_again(records: Any) -> None:
        inner.append(api.send(body, headers={"Idempotency-Key": "k"}))
        append(records)

    api.event_log.append = send_again
    assert api.send(body, headers={"Idempotency-Key": "k"}).status_code == 202
    return inner[0]


def post(data: bytes, content_type: str | None = JSON, **headers: str) -> Callable[[Any, Any], Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda api, _: api.client.post("/events", data=data, content_type=content_type, headers=named)


def get(url: str) -> Callable[[Any, Any], Any]:
    return lambda api, _: api.client.get(url)


CASES: list[tuple[ProblemCode, Callable[[Any, Any], Any]]] = [
    (ProblemCode.NOT_JSON, post(b"{")),
    (ProblemCode.NOT_JSON, post(b"")),
    (
        ProblemCode.BAD_REQUEST,
        lambda api, _: api.client.post("/events", content_type=JSON, environ_base={"CONTENT_LENGTH": "-5"}),
    ),
    (ProblemCode.BAD_GZIP, post(b"[{}]", Content_Encoding="gzip")),
    (ProblemCode.NOT_FOUND, get("/nothing")),
    (ProblemCode.NOT_FOUND, get("/problems/nothing")),
    (ProblemCode.NOT_FOUND, get("/apidocs/../settings.py")),
    (ProblemCode.METHOD_NOT_ALLOWED, lambda api, _: api.client.delete("/events")),
    (ProblemCode.METHOD_NOT_ALLOWED, lambda api, _: api.client.post("/stats/dau")),
    (ProblemCode.BODY_TOO_LARGE, post(b" " * 2_049)),
    (ProblemCode.TOO_MANY_EVENTS, post(b"[1,2,3,4,5]")),
    (ProblemCode.RECORD_TOO_LARGE, record_too_large),
    (ProblemCode.UNSUPPORTED_MEDIA_TYPE, post(b"{}", "text/csv")),
    (ProblemCode.UNSUPPORTED_MEDIA_TYPE, post(b"{}", None)),
    (ProblemCode.UNSUPPORTED_MEDIA_TYPE, post(b"{}", "application/json; charset=latin-1")),
    (ProblemCode.UNSUPPORTED_ENCODING, post(b"{}", Content_Encoding="br")),
    (ProblemCode.NO_EVENTS, post(b"[]")),
    (ProblemCode.NO_VALID_EVENT, post(b"[{}]")),
    (ProblemCode.UNKNOWN_PARAMETER, lambda api, event: api.send(event(), url="/events?dryrun=1")),
    (ProblemCode.UNKNOWN_PARAMETER, get("/stats/dau?from=2026-11-01&to=2026-11-02&limit=1")),
    (ProblemCode.MISSING_PARAMETER, get("/stats/dau?from=2026-11-01")),
    (ProblemCode.INVALID_PARAMETER, lambda api, event: api.send(event(), url="/events?dry_run=maybe")),
    (ProblemCode.INVALID_PARAMETER, get("/stats/dau?from=2026-11-02&to=2026-11-01")),
    (ProblemCode.INVALID_PARAMETER, get("/stats/dau?from=20261101&to=2026-11-02")),
    (ProblemCode.INVALID_PARAMETER, get("/stats/dau?from=2026-W01-1&to=2026-11-02")),
    (ProblemCode.INVALID_PARAMETER, get("/stats/dau?from=2026-02-30&to=2026-11-02")),
    (ProblemCode.INVALID_PARAMETER, get("/stats/dau?from=2026-11-01&to=2026-11-02&to=2026-11-03")),
    (ProblemCode.RANGE_TOO_LONG, get("/stats/dau?from=2025-11-01&to=2026-11-02")),
    (ProblemCode.OUT_OF_BOUNDS, get("/stats/top-events?from=2026-11-01&to=2026-11-02&limit=1001")),
    (ProblemCode.INVALID_SEGMENT, get("/stats/dau?from=2026-11-01&to=2026-11-02&segment=x")),
    (ProblemCode.TOO_MANY_SEGMENTS, get(f"/stats/dau?from=2026-11-01&to=2026-11-02{'&segment=x' * 6}")),
    (ProblemCode.TOO_MANY_ROWS, too_many_rows),
    (ProblemCode.RATE_LIMITED, limited),
    (ProblemCode.BATCH_EXCEEDS_BURST, lambda api, event: api.send([event() for _ in range(4)])),
    (ProblemCode.IDEMPOTENCY_KEY_INVALID, post(b"[]", Idempotency_Key="a b")),
    (ProblemCode.IDEMPOTENCY_KEY_REUSED, key_reused),
    (ProblemCode.IDEMPOTENCY_KEY_IN_USE, key_in_use),
    (ProblemCode.INTERNAL, internal),
    (ProblemCode.LOG_UNAVAILABLE, log_away),
    (ProblemCode.WAREHOUSE_UNAVAILABLE, warehouse_away),
    (ProblemCode.QUESTION_TOO_HEAVY, too_heavy),
    (ProblemCode.STATS_BUSY, busy),
    (ProblemCode.NOT_READY, not_ready),
]


@pytest.mark.parametrize(("code", "provoke"), CASES, ids=[f"{n}-{code}" for n, (code, _) in enumerate(CASES)])
def test_each_problem_has_its_code_and_the_one_shape(
    make_api: Any, event: Any, code: ProblemCode, provoke: Any
) -> None:
    api = make_api(body_bytes_max=2_048, events_max=4, rate_limit_burst=3, stats_concurrency_max=1)
    answer = provoke(api, event)
    assert answer.mimetype == MEDIA_TYPE
    said = answer.json
    assert said["code"] == code
    assert answer.status_code == said["status"] == KINDS[code].status
    assert said["type"] == f"/problems/{code}"
    assert said["title"] == KINDS[code].title
    assert said["detail"]
    assert said["request_id"] == answer.headers["X-Request-ID"]
    assert ("Retry-After" in answer.headers) == (answer.status_code in (409, 429, 503))
    # What the document points at explains it.
    explained = api.client.get(said["type"])
    assert explained.status_code == 200
    assert explained.json["what_to_do"] == KINDS[code].what_to_do


# Said by the server in front of the application: see real/server/test_senders.py.
IN_FRONT = {ProblemCode.REQUEST_TIMEOUT, ProblemCode.URI_TOO_LONG, ProblemCode.HEADERS_TOO_LARGE}


# By tests/collector/access/test_refusals.py, which has keys to be refused.
WITH_KEYS = {
    ProblemCode.KEY_MISSING,
    ProblemCode.KEY_UNKNOWN,
    ProblemCode.TOKEN_EXPIRED,
    ProblemCode.TOKEN_INVALID,
    ProblemCode.SCOPE_MISSING,
    ProblemCode.ORIGIN_NOT_ALLOWED,
}


def test_every_code_is_provoked_above_and_explained() -> None:
    assert {code for code, _ in CASES} | WITH_KEYS | IN_FRONT == set(ProblemCode) == set(KINDS)


def test_a_fault_of_ours_says_nothing_about_our_insides(api: Any, event: Any, capsys: Any) -> None:
    answer = internal(api, event)
    assert "secret-detail" not in answer.text
    assert "Traceback" not in answer.text
    assert "secret-detail" in capsys.readouterr().out, "but the log has it"


def test_a_wrong_method_is_told_the_right_ones(api: Any) -> None:
    answer = api.client.delete("/events")
    assert set(answer.headers["Allow"].split(", ")) == {"OPTIONS", "POST"}


def test_a_warehouse_without_its_schema_is_not_a_fault_of_ours(api: Any) -> None:
    api.warehouse.fails = QueryFailed("no such table", code=60)
    answer = api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02")
    assert (answer.status_code, "no such table" in answer.text) == (503, False)


@pytest.mark.parametrize("days", [366, 367])
def test_the_longest_range_is_366_days(api: Any, days: int) -> None:
    first = "2025-11-01" if days == 366 else "2025-10-31"
    answer = api.client.get(f"/stats/dau?from={first}&to=2026-11-01")
    assert answer.status_code == (200 if days == 366 else 422)
    if days == 367:
        assert answer.json["limit_days"] == 366
        assert "366" in answer.json["detail"]


@pytest.mark.parametrize("url", ["/events", "/stats/dau", "/"])
def test_options_and_head_have_no_body_and_no_fault(api: Any, url: str) -> None:
    options = api.client.options(url)
    assert (options.status_code, options.data) == (200, b"")
    assert "OPTIONS" in options.headers["Allow"]
    head = api.client.head(url)
    assert head.status_code < 500
    assert head.data == b""
