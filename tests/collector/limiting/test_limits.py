"""POST /events under limits: what is charged, what is refused, what the sender is told."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import request

from telemetry import logs
from telemetry.metrics import Metrics
from ugc_api import security_headers
from ugc_api.caller import Caller
from ugc_api.event_log import Reason
from ugc_api.limiting.buckets import Buckets
from ugc_api.limiting.limits import RateLimits
from ugc_api.problems import Problem, ProblemCode

JSON = "application/json"
# One item of a structured field (RFC 9651): a string with integer and string parameters.
_ITEM = re.compile(r'"(?P<name>[a-z]+)"(?P<parameters>(?:;[a-z-]+=(?:\d+|"[a-z]+"))*)')


def items(field: str) -> dict[str, dict[str, str]]:
    """The header, read strictly."""
    read: dict[str, dict[str, str]] = {}
    for item in field.split(", "):
        found = _ITEM.fullmatch(item)
        assert found, f"{item!r} is no item"
        read[found["name"]] = dict(pair.split("=") for pair in found["parameters"][1:].split(";"))
    return read


def left(answer: Any, name: str = "address") -> int:
    return int(items(answer.headers["RateLimit"])[name]["r"])


@pytest.fixture
def small(make_api: Callable[..., Any]) -> Any:
    """Ten events at once, one a second."""
    return make_api(rate_limit_per_minute=60, rate_limit_burst=10)


@pytest.fixture
def send(event: Any) -> Callable[..., Any]:
    def send(api: Any, events: int, address: str = "203.0.113.7", **more: Any) -> Any:
        body = [event() for _ in range(events)]
        return api.send(body, environ_base={"REMOTE_ADDR": address}, **more)

    return send


def test_every_answer_says_how_much_is_left(api: Any, send: Any) -> None:
    answer = send(api, 100)
    assert answer.status_code == 202
    assert answer.headers["RateLimit-Policy"] == '"address";q=2000;w=20;ugc-unit="events"'
    assert answer.headers["RateLimit"] == '"address";r=1900;t=1'
    assert left(send(api, 1)) == 1899


def test_refusals_of_other_kinds_say_it_too(api: Any, event: Any) -> None:
    assert left(api.send([event(user_id=None)] * 3)) == 1997
    api.event_log.unavailable = Reason.BROKER_AWAY
    answer = api.send([event()])
    assert (answer.status_code, left(answer)) == (503, 1996)


def test_what_is_spent_comes_back_with_time(small: Any, send: Any) -> None:
    assert send(small, 10).status_code == 202
    refused = send(small, 3)
    assert (refused.status_code, refused.json["code"]) == (429, "rate_limited")
    assert (refused.headers["Retry-After"], left(refused)) == ("1", 0)
    small.clock.seconds += 2.0
    refused = send(small, 3)
    assert (refused.headers["Retry-After"], left(refused)) == ("1", 2)
    assert items(refused.headers["RateLimit"])["address"]["t"] == "1"
    small.clock.seconds += 1.0
    assert send(small, 3).status_code == 202
    assert len(small.event_log.records) == 13


def test_a_refused_request_is_charged_nothing(small: Any, send: Any) -> None:
    assert send(small, 6).status_code == 202
    for _ in range(20):
        refused = send(small, 6)
        assert (refused.status_code, left(refused), refused.headers["Retry-After"]) == (429, 4, "2")
    assert send(small, 4).status_code == 202


def test_more_than_a_burst_is_told_to_split_itself(small: Any, send: Any) -> None:
    send(small, 4)
    answer = send(small, 11)
    assert (answer.status_code, answer.json["code"]) == (429, "batch_exceeds_burst")
    assert (answer.json["limit_events"], answer.json["limit"]) == (10, "address")
    assert "at most 10 events" in answer.json["detail"]
    assert left(answer) == 6, "and nothing was charged"
    # Whoever waits so long can send the largest part.
    small.clock.seconds += int(answer.headers["Retry-After"])
    assert send(small, 10).status_code == 202


def test_a_whole_burst_may_come_in_one_request(small: Any, send: Any) -> None:
    assert send(small, 10).status_code == 202


def test_events_that_are_refused_cost_as_much(small: Any, event: Any) -> None:
    assert left(small.send([event(user_id=None)] * 7)) == 3
    assert left(small.send([event(), event(user_id=None)])) == 1


def test_a_dry_run_costs_as_much(small: Any, send: Any) -> None:
    answer = send(small, 7, url="/events?dry_run=1")
    assert (answer.status_code, left(answer)) == (200, 3)
    assert send(small, 7, url="/events?dry_run=1").status_code == 429


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [(b"{", JSON, 400), (b"[]", JSON, 422), (b"[1,2,3,4,5]", JSON, 413), (b"{}", "text/csv", 415)],
)
def test_a_request_that_cannot_be_read_costs_one(
    make_api: Any, body: bytes, content_type: str, status: int
) -> None:
    api = make_api(rate_limit_per_minute=60, rate_limit_burst=3, events_max=4)
    for expected in (2, 1, 0):
        answer = api.client.post("/events", data=body, content_type=content_type)
        assert (answer.status_code, left(answer)) == (status, expected)
    assert api.client.post("/events", data=body, content_type=content_type).status_code == 429


def test_who_has_nothing_left_is_refused_before_his_body_is_read(small: Any, send: Any) -> None:
    class Untouched:
        def read(self, _: int) -> bytes:
            raise AssertionError("read")

    send(small, 10)
    answer = small.client.post(
        "/events",
        environ_base={"wsgi.input": Untouched(), "CONTENT_LENGTH": "5", "REMOTE_ADDR": "203.0.113.7"},
        buffered=False,
    )
    assert answer.status_code == 429


def test_senders_do_not_share(small: Any, send: Any) -> None:
    assert send(small, 10, "203.0.113.7").status_code == 202
    assert send(small, 1, "203.0.113.7").status_code == 429
    assert send(small, 10, "203.0.113.8").status_code == 202
    assert send(small, 10, "2001:db8:1:2::1").status_code == 202
    assert send(small, 1, "2001:db8:1:2:ffff::1").status_code == 429, "the same /64"
    assert send(small, 10, "2001:db8:1:3::1").status_code == 202


def test_a_made_up_header_makes_nobody_else_of_a_sender(small: Any, send: Any) -> None:
    send(small, 10)
    for number in range(5):
        made_up = f"198.51.100.{number}"
        forged = {"X-Forwarded-For": made_up, "X-Real-IP": made_up, "Forwarded": f"for={made_up}"}
        assert send(small, 1, headers=forged).status_code == 429


def test_behind_a_proxy_the_client_counts_and_is_what_is_stored(make_api: Any, send: Any, event: Any) -> None:
    api = make_api(rate_limit_per_minute=60, rate_limit_burst=10, trusted_hops=1)
    through = {"X-Forwarded-For": "6.6.6.6, 198.51.100.77"}
    assert send(api, 10, headers=through).status_code == 202
    assert send(api, 1, headers={"X-Forwarded-For": "7.7.7.7, 198.51.100.77"}).status_code == 429
    assert send(api, 10, headers={"X-Forwarded-For": "198.51.100.78"}).status_code == 202
    value = api.event_log.records[0].value
    assert b"198.51.100.0" in value
    assert b"203.0.113" not in value
    assert b"198.51.100.77" not in value


def test_what_was_refused_is_counted_and_logged_without_the_address(make_api: Any, send: Any) -> None:
    out = io.StringIO()
    logs.configure(process="api", format="json", stream=out)
    api = make_api(rate_limit_per_minute=60, rate_limit_burst=10)
    assert api.value("ugc_events_limited_total", limit="address") == 0
    send(api, 6)
    send(api, 6)
    send(api, 11)
    send(api, 4)
    send(api, 1)
    # Six, eleven, and one of whose events nobody knows.
    assert api.value("ugc_events_limited_total", limit="address") == 6 + 11 + 1
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line.get("limited") for line in lines] == [None, 6, 11, None, 1]
    assert "203.0.113" not in out.getvalue()


def test_zero_a_minute_is_no_limit(make_api: Any, send: Any) -> None:
    api = make_api(rate_limit_per_minute=0, rate_limit_burst=1)
    answer = send(api, 500)
    assert answer.status_code == 202
    assert "RateLimit" not in answer.headers
    assert "RateLimit-Policy" not in answer.headers


def test_other_addresses_of_ours_know_no_limit(small: Any, send: Any) -> None:
    send(small, 10)
    assert small.client.get("/", environ_base={"REMOTE_ADDR": "203.0.113.7"}).status_code == 200


class Door:
    """The limits alone, with callers that have keys."""

    def __init__(self, app: Any, buckets: Buckets) -> None:
        self._app = app
        self.metrics = Metrics()
        self._limits = RateLimits(buckets, per_minute=60, burst=10, metrics=self.metrics)

    def send(self, events: int, *, address: str = "203.0.113.7", key_id: str, per_minute: int) -> Any:
        """The headers; raises Problem."""
        caller = Caller(address, key_id, frozenset({"write"}), per_minute)
        with self._app.test_request_context():
            self._limits.admit(caller).charge(events)
            answer = self._app.process_response(self._app.response_class())
            answer.headers.extend(request.environ[security_headers.SAID])
            return answer


@pytest.fixture
def door(api: Any, make_buckets: Any) -> Door:
    app = api.client.application
    app.after_request_funcs.clear()
    return Door(app, make_buckets())


def test_a_key_has_its_quota_whatever_the_address(door: Door) -> None:
    for number in range(5):
        said = door.send(1, address=f"203.0.113.{number}", key_id="k1", per_minute=6)
    assert items(said.headers["RateLimit"])["key"]["r"] == "1"
    assert items(said.headers["RateLimit-Policy"])["key"] == {"q": "6", "w": "60", "ugc-unit": '"events"'}
    with pytest.raises(Problem) as caught:
        door.send(2, address="203.0.113.99", key_id="k1", per_minute=6)
    assert (caught.value.code, caught.value.headers["Retry-After"]) == (ProblemCode.RATE_LIMITED, "10")
    assert caught.value.detail.startswith("This key ")
    door.send(2, address="203.0.113.99", key_id="k2", per_minute=6)


def test_a_key_with_room_is_no_way_around_the_limit_of_an_address(door: Door) -> None:
    door.send(10, key_id="k1", per_minute=1_000)
    with pytest.raises(Problem) as caught:
        door.send(1, key_id="k1", per_minute=1_000)
    assert caught.value.extensions["limit"] == "address"


@pytest.mark.parametrize("events", [4, 7])
def test_what_one_limit_refuses_the_other_does_not_charge(door: Door, events: int) -> None:
    """Four: the key has three left. Seven: more than the key may ever send at once."""
    door.send(2, key_id="k1", per_minute=5)
    with pytest.raises(Problem) as caught:
        door.send(events, key_id="k1", per_minute=5)
    assert caught.value.extensions["limit"] == "key"
    assert door.metrics.registry.get_sample_value("ugc_events_limited_total", {"limit": "key"}) == events
    said = door.send(3, key_id="k1", per_minute=5)
    assert items(said.headers["RateLimit"])["address"]["r"] == "5"
    with pytest.raises(Problem):
        door.send(1, key_id="k1", per_minute=5)
    assert items(door.send(1, key_id="k2", per_minute=5).headers["RateLimit"])["address"]["r"] == "4"
