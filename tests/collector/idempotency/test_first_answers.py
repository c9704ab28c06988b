"""Idempotency-Key at the door: what is answered again, what is refused, and what is never kept."""

import threading
from typing import Any

import pytest
import structlog

from ugc_api.event_log import Reason
from ugc_api.idempotency.keys import name_of

DAY_S = 24 * 3600


def send(api: Any, body: Any, key: str | None = "key-1", **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key is not None else {}
    return api.send(body, headers={**headers, **more.pop("headers", {})}, **more)


def same(one: Any, other: Any) -> bool:
    return (one.status_code, one.data, one.content_type) == (
        other.status_code,
        other.data,
        other.content_type,
    )


def test_the_first_answer_comes_again_byte_for_byte_and_nothing_is_written_twice(
    api: Any, event: Any
) -> None:
    body = [event(), event(user_id=None)]
    first, again = send(api, body), send(api, body)
    assert first.status_code == 202
    assert same(first, again)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert len(api.event_log.records) == 1
    assert api.value("ugc_events_accepted_total") == 1
    assert api.value("ugc_idempotent_requests_total", outcome="replayed") == 1


def test_without_a_key_every_request_is_a_new_one(api: Any, event: Any) -> None:
    body = [event()]
    first, again = send(api, body, None), send(api, body, None)
    assert (first.get_json()["accepted"], again.get_json()["accepted"]) == (1, 0)
    assert again.get_json()["duplicates"] == 1, "judged anew: the first answer said accepted"
    assert "Idempotent-Replayed" not in again.headers


@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"{", "not_json"), (b"[]", "no_events"), (b"[{}]", "no_valid_event"), (b"[1,2,3]", "too_many_events")],
)
def test_a_refusal_that_the_body_earned_comes_again_with_its_first_id(
    make_api: Any, raw: bytes, code: str
) -> None:
    api = make_api(events_max=2)
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    first, again = (api.client.post("/events", data=raw, headers=headers) for _ in range(2))
    assert first.json["code"] == code
    assert same(first, again)
    assert again.json["request_id"] == first.headers["X-Request-ID"] != again.headers["X-Request-ID"]


def test_another_body_under_the_same_key_is_refused_and_not_written(api: Any, event: Any) -> None:
    send(api, [event()])
    answer = send(api, [event()])
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert len(api.event_log.records) == 1


def test_an_outage_is_not_kept(api: Any, event: Any) -> None:
    body = [event()]
    api.event_log.unavailable = Reason.BROKER_AWAY
    assert send(api, body).status_code == 503
    api.event_log.unavailable = None
    answer = send(api, body)
    assert (answer.status_code, "Idempotent-Replayed" in answer.headers) == (202, False)


def test_a_dry_run_keeps_nothing_and_takes_nothing_from_the_real_one(api: Any, event: Any) -> None:
    body = [event()]
    assert send(api, body, url="/events?dry_run=1").status_code == 200
    assert send(api, body).status_code == 202
    assert send(api, body, url="/events?dry_run=1").status_code == 200


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ключ".encode().decode("latin-1"), "a\tb"])
def test_a_key_that_cannot_be_one_is_refused(api: Any, event: Any, key: str) -> None:
    answer = send(api, [event()], key)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_invalid")
    assert api.event_log.records == []


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5"', "!~"])
def test_a_key_of_visible_characters_is_taken(api: Any, event: Any, key: str) -> None:
    assert send(api, [event()], key).status_code == 202


def test_an_answer_is_kept_for_a_day(api: Any, event: Any) -> None:
    body, day = [event()], api.clock.at
    send(api, body)
    api.clock.at = day.fromtimestamp(day.timestamp() + DAY_S - 1, day.tzinfo)
    assert "Idempotent-Replayed" in send(api, body).headers
    api.clock.at = day.fromtimestamp(day.timestamp() + DAY_S + 1, day.tzinfo)
    assert "Idempotent-Replayed" not in send(api, body).headers


def test_another_process_of_the_host_gives_the_same_answer(make_api: Any, event: Any) -> None:
    here, there = make_api(), make_api()
    body = [event()]
    first, again = send(here, body), send(there, body)
    assert same(first, again)
    assert there.event_log.records == []


def test_while_the_first_is_worked_on_the_second_is_told_to_wait(api: Any, event: Any) -> None:
    body, at_work, go_on = [event()], threading.Event(), threading.Event()
    append = api.event_log.append

    def slow(records: Any) -> None:
        at_work.set()
        assert go_on.wait(10)
        append(records)

    api.event_log.append = slow
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(send(api, body)))
    first.start()
    assert at_work.wait(10)
    waiting = send(api, body)
    other_key = threading.Thread(target=lambda: answers.append(send(api, [event()], "key-2")))
    other_key.start()
    go_on.set()
    first.join()
    other_key.join()
    assert (waiting.status_code, waiting.json["code"]) == (409, "idempotency_key_in_use")
    assert waiting.headers["Retry-After"] == "1"
    assert [answer.status_code for answer in answers] == [202, 202]
    assert "Idempotent-Replayed" in send(api, body).headers


def test_a_fault_of_ours_lets_the_key_go(api: Any, event: Any) -> None:
    body, append = [event()], api.event_log.append
    api.event_log.append = lambda _: 1 / 0
    assert send(api, body).status_code == 500
    api.event_log.append = append
    assert send(api, body).status_code == 202


def test_killed_between_the_log_and_the_store_the_request_runs_again(
    make_api: Any, event: Any, monkeypatch: Any
) -> None:
    body, api = [event()], make_api()
    with monkeypatch.context() as killed:
        killed.setattr("ugc_api.idempotency.answer_store.AnswerStore.keep", lambda *_: 1 / 0)
        assert send(api, body).status_code == 500
    assert len(api.event_log.records) == 1
    answer = send(make_api(), body)
    assert (answer.status_code, answer.json["accepted"]) == (202, 1)


def test_the_key_is_neither_logged_nor_on_the_disk(api: Any, event: Any, tmp_path: Any, capsys: Any) -> None:
    send(api, [event()], "very-private-key")
    assert all(b"very-private-key" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert "very-private-key" not in "".join(capsys.readouterr())


def test_without_a_disk_events_are_taken_all_the_same_and_the_loss_is_said(
    api: Any, event: Any, tmp_path: Any
) -> None:
    (tmp_path / "claims").mkdir()
    body = [event()]
    with structlog.testing.capture_logs() as lines:
        assert [send(api, body).status_code for _ in range(2)] == [202, 202]
    assert api.value("ugc_idempotent_requests_total", outcome="unprotected") == 2
    assert [line["event"] for line in lines].count("idempotency_claims_away") == 1
    assert {line["idempotency"] for line in lines if line["event"] == "request_served"} == {"unprotected"}


def test_a_store_that_cannot_be_opened_is_said_once_and_costs_no_event(
    api: Any, event: Any, tmp_path: Any
) -> None:
    (tmp_path / "answers.sqlite3").mkdir()
    with structlog.testing.capture_logs() as lines:
        assert [send(api, [event()], f"k-{n}").status_code for n in range(3)] == [202] * 3
    assert api.value("ugc_idempotent_requests_total", outcome="unprotected") == 3
    assert [line["event"] for line in lines].count("kept_answers_away") == 1


def test_an_answer_that_could_not_be_kept_is_still_given(api: Any, event: Any, tmp_path: Any) -> None:
    append = api.event_log.append

    def disk_goes(records: Any) -> None:
        append(records)
        for file in tmp_path.glob("answers.sqlite3*"):
            file.unlink()
        (tmp_path / "answers.sqlite3").mkdir()

    api.event_log.append = disk_goes
    assert send(api, [event()]).status_code == 202
    assert api.value("ugc_idempotent_requests_total", outcome="not_kept") == 1


def test_two_callers_never_meet_under_one_key() -> None:
    pairs = [("k", "a"), ("k", "b"), ("k", ""), ("ak", ""), ("b", "a")]
    assert len({name_of(key, caller_id=caller) for key, caller in pairs}) == len(pairs)
