"""Web pages: which may read an answer, what a preflight hears, and how origins are written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ugc_api.access.origins import matches, parsed, parsed_list
from ugc_api.settings import ApiSettings

SHOP = "https://shop.example.com"
ALLOWED = "Access-Control-Allow-Origin"


def test_a_beacon_needs_no_preflight_and_its_answer_can_be_read(locked: Any, event: Any) -> None:
    key = locked.key(origins=(SHOP,))
    answer = locked.api.send(event(), url=f"/events?key={key}", headers={"Origin": SHOP})
    assert answer.status_code == 202
    assert answer.headers[ALLOWED] == SHOP
    assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_page_can_read_why_it_was_refused(locked: Any, event: Any) -> None:
    key = locked.key(origins=(SHOP,))
    for url in ("/events", f"/events?key={key[:-1]}"):
        answer = locked.api.send(event(), url=url, headers={"Origin": SHOP})
        assert (answer.status_code, answer.headers[ALLOWED]) == (401, SHOP)


def test_another_page_reads_nothing(locked: Any, event: Any) -> None:
    key = locked.key(origins=(SHOP,))
    answer = locked.api.send(event(), url=f"/events?key={key}", headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert ALLOWED not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_a_preflight_is_answered_for_pages_of_keys(locked: Any) -> None:
    locked.key(origins=(SHOP,))
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-write-key"}
    answer = locked.api.client.options("/events", headers={"Origin": SHOP, **asked})
    assert answer.status_code == 200
    assert answer.headers[ALLOWED] == SHOP
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    taken = answer.headers["Access-Control-Allow-Headers"].lower()
    for header in ("content-type", "content-encoding", "idempotency-key", "x-write-key", "authorization"):
        assert header in taken
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    other = locked.api.client.options("/events", headers={"Origin": "https://evil.example", **asked})
    assert ALLOWED not in other.headers


def test_a_key_for_every_page_is_for_every_page(locked: Any, event: Any) -> None:
    key = locked.key()
    answer = locked.api.send(event(), url=f"/events?key={key}", headers={"Origin": "https://any.example"})
    assert (answer.status_code, answer.headers[ALLOWED]) == (202, "https://any.example")


def test_only_the_events_are_open_to_pages(locked: Any) -> None:
    locked.key()
    for url in ("/stats/dau", "/metrics", "/", "/nothing"):
        assert ALLOWED not in locked.api.client.get(url, headers={"Origin": SHOP}).headers


def test_pages_of_the_setting_may_read_with_keys_off_too(make_api: Any, event: Any) -> None:
    api = make_api(cors_origins=f"{SHOP}, https://*.example.org")
    for origin, may in ((SHOP, True), ("https://a.example.org", True), ("https://example.org", False)):
        answer = api.send(event(), headers={"Origin": origin})
        assert answer.status_code == 202
        assert (answer.headers.get(ALLOWED) == origin) is may
    assert api.send(event()).headers.get(ALLOWED) is None


def test_a_page_revoked_with_its_key_reads_no_more(locked: Any, event: Any) -> None:
    key = locked.key(origins=(SHOP,))
    assert locked.api.client.options("/events", headers={"Origin": SHOP}).headers.get(ALLOWED) == SHOP
    locked.revoke(key)
    locked.later()
    assert locked.api.client.options("/events", headers={"Origin": SHOP}).headers.get(ALLOWED) is None


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://Shop.Example.com", SHOP),
        ("https://shop.example.com/", SHOP),
        ("https://shop.example.com:443", SHOP),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("*", "*"),
        ("null", "null"),
    ],
)
def test_an_origin_has_one_spelling(text: str, origin: str) -> None:
    assert parsed(text) == parsed(parsed(text)) == origin


@pytest.mark.parametrize(
    "text",
    [
        "", "shop.example.com", "https://", "https://shop.example.com/path", "https://shop.example.com?x",
        "https://user@shop.example.com", "ftp://x.example", "https://a b", "https://x:99999", "https://*",
        "https://a.*.example.com", "https://shop.example.com#x", "javascript:alert(1)", "https://x.example:",
        "https://x.example\r\nA: b",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it like https://shop\.example\.com"):
        parsed(text)


def test_a_setting_that_is_no_list_of_origins_does_not_start() -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        ApiSettings(cors_origins="https://ok.example,nonsense")
    assert ApiSettings(cors_origins=" HTTPS://A.example , ").cors_origins == "https://a.example"
    assert parsed_list("") == ()


@given(st.text(alphabet="htps:/.*exampl,nu-0 \n", max_size=40))
def test_nothing_unlisted_matches(origin: str) -> None:
    """The rule as one would say it aloud, against the code."""
    listed = ("https://example.com", "https://*.example.com")
    name = origin.removeprefix("https://")
    below = origin.startswith("https://") and name.endswith(".example.com")
    assert matches(origin, listed) == (origin in listed or below)


@given(st.lists(st.sampled_from(["a", "b-c", "example", "com", "evil"]), max_size=5))
def test_names_below_match_and_nothing_else(labels: list[str]) -> None:
    origin = f"https://{'.'.join([*labels, 'example', 'com'])}"
    assert matches(origin, ("https://*.example.com",)) == bool(labels)
    assert not matches(origin + ".evil", ("https://*.example.com",))
    assert not matches(f"https://{'-'.join([*labels, 'x'])}example.com", ("https://*.example.com",))
