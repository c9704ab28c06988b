"""Who is let in where, by which key, and what is known of him then."""

import base64
import io
import json
from typing import Any

import pytest
import structlog

from telemetry import logs
from ugc_api.access import guard
from ugc_api.access.scopes import NEEDS, Scope

OPEN = ["/", "/health/live", "/health/ready", "/openapi.json", "/apidocs/", "/problems/not_json"]


@pytest.mark.parametrize("url", OPEN)
def test_these_need_no_key(locked: Any, url: str) -> None:
    assert locked.api.client.get(url).status_code == 200


@pytest.mark.parametrize(
    ("method", "url"),
    [("POST", "/events"), ("GET", "/stats/dau"), ("HEAD", "/stats/dau"), ("GET", "/metrics")],
)
def test_these_need_one(locked: Any, method: str, url: str) -> None:
    answer = locked.api.client.open(url, method=method)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_every_route_says_who_may_use_it(locked: Any) -> None:
    app = locked.api.client.application
    assert set(app.view_functions) == set(NEEDS)
    app.view_functions["forgotten"] = lambda: "secret"
    with pytest.raises(LookupError, match="who may use the route forgotten"):
        guard.install(app, object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "writes", "reads"),
    [(Scope.WRITE, 202, 403), (Scope.READ, 403, 200), (Scope.ADMIN, 202, 200)],
)
def test_a_secret_key_does_what_its_scope_says(
    locked: Any, event: Any, scope: Scope, writes: int, reads: int
) -> None:
    key = locked.key(scope)
    assert locked.api.send(event(), headers={"X-API-Key": key}).status_code == writes
    assert locked.api.send(event(), headers={"Authorization": f"bearer  {key}"}).status_code == writes
    assert locked.ask(X_API_Key=key).status_code == reads
    assert locked.api.client.get("/metrics", headers={"X-API-Key": key}).status_code == reads


def test_a_write_key_sends_events_by_header_and_by_address(locked: Any, event: Any) -> None:
    key = locked.key()
    assert locked.api.send(event(), headers={"X-Write-Key": key}).status_code == 202
    assert locked.api.send(event(), url=f"/events?key={key}&dry_run=1").status_code == 200
    assert locked.api.send(event(), url=f"/events?key={key}").status_code == 202
    assert len(locked.api.event_log.records) == 2
    assert locked.ask(X_Write_Key=key).status_code == 403
    assert locked.api.client.get("/metrics", headers={"X-Write-Key": key}).status_code == 403


def test_the_caller_is_known_by_his_key_and_quota(locked: Any, event: Any) -> None:
    key = locked.key(Scope.WRITE, per_minute=60)
    seen = []
    app = locked.api.client.application
    app.after_request(lambda answer: seen.append(guard.caller()) or answer)
    locked.api.send(event(), headers={"X-API-Key": key}, environ_base={"REMOTE_ADDR": "203.0.113.7"})
    (caller,) = seen
    assert (caller.address, caller.key_id, caller.per_minute) == ("203.0.113.7", key.split("_")[1], 60)
    assert caller.scopes == {Scope.WRITE}


def test_a_key_revoked_is_refused_within_a_look_and_a_new_one_taken(locked: Any, event: Any) -> None:
    key = locked.key()
    assert locked.api.send(event(), headers={"X-Write-Key": key}).status_code == 202
    locked.revoke(key)
    locked.later(1.0)
    answer = locked.api.send(event(), headers={"X-Write-Key": key})
    assert (answer.status_code, answer.json["code"]) == (401, "key_unknown")
    assert locked.api.send(event(), headers={"X-Write-Key": locked.key()}).status_code == 202


def test_of_two_keys_none_counts(locked: Any, event: Any) -> None:
    one, other = locked.key(Scope.READ), locked.key(Scope.ADMIN)
    answer = locked.ask(X_API_Key=one, Authorization=f"Bearer {other}")
    assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
    # The same one twice leaves nothing open.
    assert locked.ask(X_API_Key=one, Authorization=f"Bearer {one}").status_code == 200


def test_the_body_of_a_stranger_is_not_judged(locked: Any) -> None:
    answer = locked.api.client.post("/events", data=b"{", content_type="text/csv")
    assert answer.json["code"] == "key_missing"


def test_with_keys_off_nothing_is_asked_and_a_key_does_no_harm(api: Any, event: Any, tmp_path: Any) -> None:
    assert api.send(event(), url="/events?key=whatever").status_code == 202
    assert api.send(event(), headers={"Authorization": "Basic x", "X-API-Key": "y"}).status_code == 202
    assert api.client.get("/metrics").status_code == 200
    assert "Access-Control-Allow-Origin" not in api.send(event(), headers={"Origin": "https://a.b"}).headers


class Terminal(io.StringIO):
    """Where tracebacks are drawn for a person, in colours."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("out", [io.StringIO(), Terminal()], ids=["json", "terminal"])
def test_no_key_reaches_the_log_or_an_answer(lock_with_tokens: Any, event: Any, out: io.StringIO) -> None:
    logs.configure(process="api", stream=out)
    locked = lock_with_tokens()
    good, secret, token = locked.key(), locked.key(Scope.READ), locked.signed(sub="analyst@example.com")
    bad = good[:-4] + "AAAA"
    basic = base64.b64encode(b"user:hunter2-password").decode()
    locked.api.warehouse.fails = RuntimeError("a fault of ours, whose traceback is logged")
    locked.api.event_log._bytes_max = "a fault where events are written"
    answers = [
        *(locked.api.send(event(), url=f"/events?key={key}") for key in (good, bad, secret, token)),
        *(locked.api.send(event(), headers={"X-Write-Key": key}) for key in (good, bad, secret)),
        *(locked.ask(X_API_Key=key) for key in (secret, bad, token)),
        *(locked.bearer(key) for key in (secret, bad, token, token[:-3])),
        locked.ask(Authorization=f"Basic {basic}"),
        locked.api.client.get(f"/stats/dau?key={good}", headers={"X-API-Key": secret}),
        locked.api.client.get(f"/nothing/{good}?key={good}"),
    ]
    said = out.getvalue() + "".join(answer.text + str(answer.headers) for answer in answers)
    assert "request_served" in out.getvalue()
    assert "a fault of ours" in out.getvalue()
    assert "TypeError" in out.getvalue()
    for part in (*(key.split("_", 2)[2] for key in (good, bad, secret)), token, "analyst@", basic):
        assert part[:20] not in said, part


def test_the_line_of_a_request_names_the_key_that_sent_it(lock: Any, event: Any) -> None:
    out = io.StringIO()
    logs.configure(process="api", format="json", stream=out)
    locked = lock()
    key = locked.key()
    locked.api.send(event(), headers={"X-Write-Key": key})
    locked.api.client.get("/")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    first, second = [line for line in lines if line["event"] == "request_served"]
    assert first["key"] == key.split("_")[1]
    assert "key" not in second
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "url", ["/", "/nothing", "/events", "/stats/dau", "/metrics", "/apidocs/", "/apidocs/docs.js"]
)
def test_every_answer_keeps_browsers_from_mischief(locked: Any, url: str) -> None:
    answer = locked.api.client.get(url)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert len(answer.headers.getlist("Content-Security-Policy")) == 1
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    (cached,) = answer.headers.getlist("Cache-Control")
    assert ("no-store" in cached) == (url != "/apidocs/docs.js")
    answer.close()
