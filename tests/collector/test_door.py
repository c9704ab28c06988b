"""What Flask is spared: nobody has a session here, and no view or hook is looked at twice."""

from typing import Any

import pytest
from flask import session

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
