"""One test a refusal of keys, in the one shape of problems, counted by code."""

from collections.abc import Callable
from typing import Any

import pytest

from ugc_api.access.scopes import Scope
from ugc_api.problems import KINDS, MEDIA_TYPE, ProblemCode

Provoke = Callable[[Any, Any], Any]


def with_headers(**headers: Any) -> Provoke:
    return lambda locked, _: locked.ask(**headers)


def tampered(locked: Any, _: Any) -> Any:
    key = locked.key(Scope.READ)
    return locked.ask(X_API_Key=key[:-1] + ("A" if key[-1] != "A" else "B"))


def half(locked: Any, _: Any) -> Any:
    return locked.ask(X_API_Key=locked.key(Scope.READ)[:-10])


def secret_in_address(locked: Any, event: Any) -> Any:
    return locked.api.send(event(), url=f"/events?key={locked.key(Scope.WRITE)}")


def public_as_secret(locked: Any, event: Any) -> Any:
    return locked.api.send(event(), headers={"X-API-Key": locked.key()})


def from_page(origin: str | None) -> Provoke:
    def send(locked: Any, event: Any) -> Any:
        key = locked.key(origins=("https://shop.example.com", "https://*.example.org"))
        return locked.api.send(
            event(), url=f"/events?key={key}", headers={"Origin": origin} if origin else {}
        )

    return send


CASES: list[tuple[ProblemCode, Provoke]] = [
    (ProblemCode.KEY_MISSING, with_headers()),
    (ProblemCode.KEY_MISSING, with_headers(X_API_Key="  ")),
    (ProblemCode.KEY_MISSING, with_headers(Authorization="Basic dXNlcjpwYXNz")),
    (ProblemCode.KEY_MISSING, with_headers(Authorization="Bearer")),
    (ProblemCode.KEY_MISSING, lambda locked, event: locked.api.send(event(), url="/events?key=")),
    (ProblemCode.KEY_UNKNOWN, with_headers(X_API_Key="ugc_nobody_secret")),
    (ProblemCode.KEY_UNKNOWN, with_headers(X_API_Key="ugc__")),
    (ProblemCode.KEY_UNKNOWN, with_headers(X_API_Key="\xff\xfe")),
    (ProblemCode.KEY_UNKNOWN, with_headers(X_API_Key="ugc_a_" + "x" * 7_000)),
    (ProblemCode.KEY_UNKNOWN, tampered),
    (ProblemCode.KEY_UNKNOWN, half),
    (ProblemCode.KEY_UNKNOWN, secret_in_address),
    (ProblemCode.KEY_UNKNOWN, public_as_secret),
    (
        ProblemCode.KEY_UNKNOWN,
        lambda locked, event: locked.api.send(event(), url=f"/events?key={locked.signed(scopes=['write'])}"),
    ),
    (ProblemCode.TOKEN_EXPIRED, lambda locked, _: locked.bearer(locked.signed(exp=1_700_000_000))),
    (ProblemCode.TOKEN_INVALID, with_headers(Authorization="Bearer a.b.c")),
    (ProblemCode.SCOPE_MISSING, lambda locked, _: locked.ask(X_API_Key=locked.key(Scope.WRITE))),
    (ProblemCode.SCOPE_MISSING, lambda locked, _: locked.bearer(locked.signed(scopes=["write"]))),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("https://evil.example")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("https://shop.example.com.evil.example")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("http://shop.example.com")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("https://shop.example.com:444")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("https://example.org")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("https://evilexample.org")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page("null")),
    (ProblemCode.ORIGIN_NOT_ALLOWED, from_page(None)),
]


@pytest.mark.parametrize(("code", "provoke"), CASES, ids=[f"{n}-{code}" for n, (code, _) in enumerate(CASES)])
def test_each_refusal_has_its_code_and_the_one_shape(
    locked: Any, event: Any, code: ProblemCode, provoke: Provoke
) -> None:
    answer = provoke(locked, event)
    assert answer.mimetype == MEDIA_TYPE
    assert answer.json["code"] == code
    assert answer.status_code == answer.json["status"] == KINDS[code].status
    assert answer.json["detail"]
    assert ("WWW-Authenticate" in answer.headers) == (code is not ProblemCode.ORIGIN_NOT_ALLOWED)
    assert locked.api.value("ugc_access_refused_total", code=code) == 1
    assert not locked.api.event_log.records
    assert locked.api.client.get(answer.json["type"]).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://shop.example.com", "https://a.example.org", "https://a.b.example.org"]
)
def test_a_page_that_the_key_names_may(locked: Any, event: Any, origin: str) -> None:
    assert from_page(origin)(locked, event).status_code == 202
