"""Repeats across requests: said only of what was acknowledged, bounded, and harmless to forget."""

import threading
import uuid
from typing import Any

import pytest

from contract.events import Event
from ugc_api.event_log import Reason
from ugc_api.remembered import Remembered, digest

ID = "0190c5a4-7c1e-7b1a-9a53-0242ac120002"


def test_a_repeat_in_a_later_request_is_a_duplicate_and_not_written_again(api: Any, event: Any) -> None:
    first, other = event(event_id=ID), event()
    assert api.send([first]).json["accepted"] == 1
    answer = api.send([first, other, event(user_id=None)])
    assert (answer.status_code, answer.json["accepted"], answer.json["duplicates"]) == (202, 1, 1)
    repeated = answer.json["results"][0]
    assert repeated == {
        "index": 0,
        "event_id": ID,
        "status": "duplicate",
        "code": "already_accepted",
        "pointer": "/event_id",
        "message": "An event with this event_id was accepted before; the first one counts.",
    }
    assert [record.key.decode() for record in api.event_log.records] == [ID, other["event_id"]]
    assert (api.value("ugc_events_accepted_total"), api.value("ugc_events_duplicate_total")) == (2, 1)


def test_a_request_of_duplicates_alone_is_202(api: Any, event: Any) -> None:
    sent = [event(), event()]
    api.send(sent)
    answer = api.send([*sent, event(user_id=None)])
    assert (answer.status_code, answer.json["accepted"], answer.json["duplicates"]) == (202, 0, 2)
    assert len(api.event_log.records) == 2


def test_a_repeat_in_another_spelling_is_one_too(api: Any, event: Any) -> None:
    api.send([event(event_id=ID)])
    answer = api.send([event(event_id=ID.upper().replace("-", ""))])
    assert answer.json["results"][0]["status"] == "duplicate"


@pytest.mark.parametrize("reason", [Reason.DEADLINE, Reason.BROKER_AWAY])
def test_what_was_not_acknowledged_is_never_called_a_duplicate(api: Any, event: Any, reason: Reason) -> None:
    sent = [event()]
    api.event_log.unavailable = reason
    assert api.send(sent).status_code == 503
    api.event_log.unavailable = None
    assert api.send(sent).json["accepted"] == 1


def test_a_dry_run_remembers_nothing_but_tells_what_would_happen(api: Any, event: Any) -> None:
    sent = [event()]
    assert api.send(sent, url="/events?dry_run=1").json["accepted"] == 1
    assert api.send(sent, url="/events?dry_run=1").json["accepted"] == 1
    assert api.send(sent).json["accepted"] == 1
    assert api.send(sent, url="/events?dry_run=1").json["duplicates"] == 1
    assert api.value("ugc_events_duplicate_total") == 0


def test_duplicates_need_no_log(api: Any, event: Any) -> None:
    sent = [event()]
    api.send(sent)
    api.event_log.unavailable = Reason.BROKER_AWAY
    assert api.send(sent).status_code == 202


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("change", [{"user_id": "another"}, {"value": 2}, {"properties": {"element": "x"}}])
def test_an_id_used_twice_is_told_and_counted(api: Any, event: Any, apart: bool, change: Any) -> None:
    first, second = event(event_id=ID), event(event_id=ID, **change)
    if apart:
        api.send([first])
        repeated = api.send([second]).json["results"][0]
    else:
        repeated = api.send([first, second]).json["results"][1]
    assert (repeated["status"], "something else" in repeated["message"]) == ("duplicate", True)
    assert api.value("ugc_events_conflict_total") == 1


@pytest.mark.parametrize("apart", [True, False])
def test_the_same_sent_later_is_no_conflict(api: Any, event: Any, apart: bool) -> None:
    first = event(event_id=ID, sent_at="2026-11-21T12:00:00Z")
    second = event(event_id=ID, sent_at="2026-11-21T12:00:09Z")
    if apart:
        api.send([first])
    repeated = api.send([second] if apart else [first, second]).json["results"][-1]
    assert (repeated["status"], "something else" in repeated["message"]) == ("duplicate", False)
    assert api.value("ugc_events_conflict_total") == 0


def test_forgotten_is_accepted_again(make_api: Any, event: Any) -> None:
    api = make_api(remembered_ids_max=0)
    sent = [event()]
    assert [api.send(sent).json["accepted"] for _ in range(2)] == [1, 1]
    assert len(api.event_log.records) == 2


def made(number: int) -> Event:
    return Event(str(uuid.UUID(int=number)), number, "u", "click", b"{}", 0.0, None, None)


def test_it_is_bounded_and_keeps_the_newest_half() -> None:
    remembered = Remembered(ids_max=100)
    for start in range(0, 10_000, 70):
        newest = [made(n) for n in range(start, start + 70)]
        remembered.add(newest)
        assert len(remembered) <= 100
        assert all(remembered.said(each.event_id) == digest(each) for each in newest[-50:])
    assert remembered.said(made(0).event_id) is None


def test_threads_do_not_make_it_forget_what_fits() -> None:
    remembered = Remembered(ids_max=20_000)
    events = [made(number) for number in range(20_000)]

    def work(first: int) -> None:
        for each in events[first::4]:
            remembered.add([each])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each for each in events if remembered.said(each.event_id) != digest(each)] == []
