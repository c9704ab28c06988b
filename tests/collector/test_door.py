"""What Flask is spared: nobody has a session here, and no view or hook is looked at twice."""

from typing import Any

import pytest
from flask import Flask, session

from ugc_api.door import Door


@pytest.fixture
def door() -> Door:
    return Door("trial")


def test_nobody_has_a_session(door: Door) -> None:
    def write() -> str:
        with pytest.raises(RuntimeError):
            session["a"] = 1
        return "served"

    # With a key, Flask's own would be written and sent.
    door.secret_key = "not a secret"
    door.add_url_rule("/", "write", write)
    answer = door.test_client().get("/")
    assert answer.text == "served"
    assert "Set-Cookie" not in answer.headers
    assert "Vary" not in answer.headers


HOSTS = [
    "events.example:8443",
    "EVENTS.example:80",
    "[2001:db8::1]",
    "127.0.0.1:9001",
    'x"><script>',
    "",
    "ä.b",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("path", ["/docs", "/docs?a=%C3%BC&b=+", "//docs", "/docs/", "/nothing", "/a/b%20c"])
def test_addresses_are_found_as_flask_finds_them_whatever_the_host(door: Door, host: str, path: str) -> None:
    plain = Flask("plain", static_folder=None)
    for app in (plain, door):
        app.add_url_rule("/docs/", "docs", lambda: "docs")
        app.add_url_rule("/a/<what>", "a", lambda what: what)
    asked = [app.test_client().get(path, headers={"Host": host}) for app in (plain, door, door)]
    said = [(answer.status_code, answer.location, answer.text) for answer in asked]
    assert said == said[:1] * 3


def test_a_host_that_no_name_can_be_is_refused_each_time(door: Door) -> None:
    door.add_url_rule("/", "root", lambda: "root")
    for _ in range(2):
        assert door.test_client().get("/", headers={"Host": "a" * 70 + ".b"}).status_code == 400


def test_hooks_and_views_run_as_they_are(door: Door) -> None:
    ran: list[str] = []

    def view() -> str:
        return "view"

    def after(answer: Any) -> Any:
        ran.append("after")
        return answer

    door.before_request(lambda: ran.append("before"))
    door.after_request(after)
    door.add_url_rule("/", "view", view)
    assert door.test_client().get("/").text == "view"
    assert ran == ["before", "after"]
    assert door.ensure_sync(view) is view
