"""POST /events: every status an event can get, what is written, and when 202 is said."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from contract import wire
from ugc_api.event_log import Reason

SAME_ID = "0190c5a4-7c1e-7b1a-9a53-0242ac120002"


def test_an_accepted_event_is_in_the_log_and_its_verdict_says_so(api: Any, event: Any) -> None:
    sent = event(value=2.5)
    answer = api.send([sent])
    assert answer.status_code == 202
    assert answer.json == {
        "accepted": 1,
        "duplicates": 0,
        "rejected": 0,
        "results": [
            {
                "index": 0,
                "event_id": sent["event_id"],
                "status": "accepted",
                "code": None,
                "pointer": None,
                "message": None,
            }
        ],
    }
    (record,) = api.event_log.records
    written = wire.decode(record.value, record.headers)
    assert (record.key.decode(), written.user_id) == (sent["event_id"], "user-1")
    assert datetime.fromtimestamp(record.timestamp_ms / 1000, UTC) == api.clock.at


def test_one_object_is_an_array_of_one(api: Any, event: Any) -> None:
    answer = api.send(event())
    assert (answer.status_code, answer.json["accepted"], len(api.event_log.records)) == (202, 1, 1)


def test_a_bad_event_costs_only_itself_and_the_order_is_kept(api: Any, event: Any) -> None:
    sent = [event(), event(user_id=None), event(), 17, event()]
    answer = api.send(sent)
    assert answer.status_code == 202
    results = answer.json["results"]
    assert [each["index"] for each in results] == [0, 1, 2, 3, 4]
    assert [each["status"] for each in results] == [
        "accepted",
        "rejected",
        "accepted",
        "rejected",
        "accepted",
    ]
    refused = results[1]
    assert (refused["event_id"], refused["pointer"]) == (sent[1]["event_id"], "/user_id")
    assert refused["code"]
    assert "user_id" in refused["message"]
    assert results[3]["event_id"] is None
    keys = [record.key.decode() for record in api.event_log.records]
    assert keys == [sent[0]["event_id"], sent[2]["event_id"], sent[4]["event_id"]]
    assert (answer.json["accepted"], answer.json["rejected"]) == (3, 2)


def test_of_equal_ids_in_one_request_the_first_valid_one_wins(api: Any, event: Any) -> None:
    spelt_otherwise = SAME_ID.upper().replace("-", "")
    answer = api.send(
        [
            event(event_id=SAME_ID, user_id=None),
            event(event_id=SAME_ID, user_id="first"),
            event(event_id=spelt_otherwise, user_id="second"),
        ]
    )
    statuses = [each["status"] for each in answer.json["results"]]
    assert (answer.status_code, statuses) == (202, ["rejected", "accepted", "duplicate"])
    repeated = answer.json["results"][2]
    assert (repeated["code"], repeated["pointer"], repeated["event_id"]) == (
        "repeated_in_request",
        "/event_id",
        SAME_ID,
    )
    assert "index 1" in repeated["message"]
    (record,) = api.event_log.records
    assert wire.decode(record.value, record.headers).user_id == "first"


def test_no_valid_event_is_422_with_the_same_results(api: Any, event: Any) -> None:
    answer = api.send([event(user_id=None), {}])
    assert (answer.status_code, answer.json["code"]) == (422, "no_valid_event")
    assert (answer.json["accepted"], answer.json["rejected"]) == (0, 2)
    assert [each["status"] for each in answer.json["results"]] == ["rejected", "rejected"]
    assert api.event_log.records == []


@pytest.mark.parametrize("flag", ["1", "true"])
def test_a_dry_run_judges_and_leaves_no_trace(api: Any, event: Any, flag: str) -> None:
    answer = api.send([event(), event(user_id=None)], url=f"/events?dry_run={flag}")
    assert answer.status_code == 200
    assert (answer.json["accepted"], answer.json["rejected"], answer.json["dry_run"]) == (1, 1, True)
    assert api.event_log.records == []
    assert api.value("ugc_events_accepted_total") == 0
    assert api.value("ugc_events_rejected_total", code=answer.json["results"][1]["code"]) == 0


def test_a_dry_run_needs_no_log(api: Any, event: Any) -> None:
    api.event_log.unavailable = Reason.BROKER_AWAY
    assert api.send([event()], url="/events?dry_run=1").status_code == 200


def test_dry_run_switched_off_is_a_real_run(api: Any, event: Any) -> None:
    assert api.send([event()], url="/events?dry_run=0").status_code == 202


@pytest.mark.parametrize("reason", list(Reason))
def test_no_acknowledgement_is_503_and_never_202(api: Any, event: Any, reason: Reason) -> None:
    sent = event()
    api.event_log.unavailable = reason
    answer = api.send([sent])
    assert (answer.status_code, answer.json["code"]) == (503, "log_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "same request again" in answer.json["detail"]
    assert api.value("ugc_events_accepted_total") == 0
    api.event_log.unavailable = None
    assert api.send([sent]).status_code == 202


def test_what_happened_is_counted(api: Any, event: Any) -> None:
    twice = event()
    answer = api.send([twice, twice, event(), event(user_id=None)])
    code = answer.json["results"][3]["code"]
    assert api.value("ugc_events_accepted_total") == 2
    assert api.value("ugc_events_duplicate_total") == 1
    assert api.value("ugc_events_rejected_total", code=code) == 1


def test_the_address_is_cut_before_it_is_written(api: Any, event: Any) -> None:
    api.send(
        [event()],
        environ_base={"REMOTE_ADDR": "203.0.113.77"},
        headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"},
    )
    (record,) = api.event_log.records
    written = wire.decode(record.value, record.headers)
    assert (written.ip, written.user_agent_family) == ("203.0.113.0", "firefox")
    assert b"203.0.113.77" not in record.value


def test_an_event_exactly_at_the_limits_of_a_request_passes(make_api: Any, event: Any) -> None:
    api = make_api(events_max=3)
    assert api.send([event() for _ in range(3)]).status_code == 202
    assert api.send([event() for _ in range(4)]).status_code == 413


def test_a_body_exactly_at_the_limit_passes_and_one_byte_more_does_not(make_api: Any, event: Any) -> None:
    api = make_api(body_bytes_max=1_024)
    padded = json.dumps([event()]).ljust(1_024)
    assert api.client.post("/events", data=padded, content_type="application/json").status_code == 202
    answer = api.client.post("/events", data=padded + " ", content_type="application/json")
    assert (answer.status_code, answer.json["limit_bytes"]) == (413, 1_024)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", 'Application/JSON; charset="UTF-8"'],
)
def test_json_is_json_in_any_spelling(api: Any, event: Any, content_type: str) -> None:
    body = orjson.dumps([event()])
    assert api.client.post("/events", data=body, content_type=content_type).status_code == 202


@pytest.mark.parametrize("raw_id", ["x" * 65, 5, {"a": 1}, None])
def test_a_refused_event_is_not_a_way_to_have_anything_echoed(api: Any, event: Any, raw_id: Any) -> None:
    answer = api.send([{**event(), "event_id": raw_id}, event()])
    assert answer.json["results"][0]["event_id"] is None


@pytest.mark.parametrize(
    "hostile",
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'[{"event_id":"\\ud800"}]',
        b"[NaN, Infinity]",
        b"\xff\xfe[]",
        b"[" + b"1," * 400_000 + b"1]",
        b"",
        b"null",
        b'"text"',
    ],
)
def test_hostile_bodies_are_refused_by_name(api: Any, hostile: bytes) -> None:
    answer = api.client.post("/events", data=hostile, content_type="application/json")
    assert 400 <= answer.status_code < 500
    assert answer.json["code"] != "internal"
    assert api.event_log.records == []


def test_ids_of_every_version_are_taken(api: Any, event: Any) -> None:
    ids = [str(uuid.uuid1()), str(uuid.uuid4()), SAME_ID, str(uuid.uuid5(uuid.NAMESPACE_DNS, "x"))]
    assert api.send([event(event_id=each) for each in ids]).json["accepted"] == len(ids)
