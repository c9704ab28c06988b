"""`ugc send`: what files it takes, what it says when things go wrong, and that it never shows a traceback."""

import io
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.limits import EVENTS_PER_REQUEST_MAX
from contract.reading import split
from ops.cli import run
from ops.sending.door import Door, SendFailed, retry_after_s

HARMLESS = "sending the file again is harmless"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


class StillClock:
    """A clock that stands, and remembers how long it was asked to wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def accepts(body: bytes) -> tuple[int, dict[str, str], bytes]:
    """As a collector that likes everything."""
    results = [{"status": "accepted", "index": n} for n, _ in enumerate(split(body))]
    return 202, {}, verdicts(results)


def verdicts(results: list[dict[str, Any]]) -> bytes:
    rejected = sum(each["status"] == "rejected" for each in results)
    counts = {"accepted": len(results) - rejected, "duplicates": 0, "rejected": rejected}
    return json.dumps({**counts, "results": results}).encode()


def sent(served: Any) -> list[Any]:
    return [json.loads(raw) for body in served.bodies for raw in split(body)]


def test_markup_in_a_verdict_is_text(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    why = {"status": "rejected", "code": "unknown_field", "pointer": "/[/red]", "message": "no [/] [b]field"}
    served = serve(lambda _: (422, {}, verdicts([why])))
    assert run(["send", "--url", served.url]) == 1
    assert "unknown_field /[/red] no [/] [b]field" in capsys.readouterr().out


@pytest.mark.parametrize(
    "url", ["foo", "ftp://host", "http://", "http://host:port", "http://[::1", "//host:1"]
)
def test_a_url_that_is_none_is_wrong_usage(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", "--url", url]) == 2
    assert "http://127.0.0.1:9001" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--value", "nan"], ["--event-id", "x", "--count", "2"]])
def test_options_that_make_no_event_are_wrong_usage(options: list[str]) -> None:
    assert run(["send", *options]) == 2


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b'{"a": 1}', b"[" * 100_000, b'{"results": [1]}', b"\xff"]
)
def test_an_answer_that_is_not_a_collectors_is_one_line(
    body: bytes, serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    served = serve(lambda _: (200, {}, body))
    assert run(["send", "--url", served.url]) == 1
    assert "is no collector" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["deep.json"], ["--properties", "[" * 100_000]])
def test_deep_nesting_is_one_line(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("deep.json").write_text("[" * 100_000)
    assert run(["send", *options, "--url", "http://127.0.0.1:9"]) == 1
    assert capsys.readouterr().err.startswith("error ")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("Thu, 01 Jan 2026 00:00:05 GMT", 5),
        ("Wed, 31 Dec 2025 00:00:05 GMT", 0),
        ("99999999999", 30),
        ("soon", 1),
        ("nan", 1),
        ("-4", 1),
        (None, 1),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float) -> None:
    assert retry_after_s(header, clock=StillClock()) == pytest.approx(seconds)


def test_a_collector_that_cannot_now_is_asked_again(serve: Any) -> None:
    answers = [(503, {"Retry-After": "Thu, 01 Jan 2026 00:00:03 GMT"}, b"{}"), (202, {}, verdicts([]))]
    served = serve(lambda _: answers.pop(0))
    clock = StillClock()
    assert Door(url=served.url, clock=clock).post([b"{}"]).counts["accepted"] == 0
    assert clock.slept == [pytest.approx(3)]


def test_one_that_never_can_is_given_up(serve: Any) -> None:
    served = serve(lambda _: (503, {}, b'{"detail": "later"}'))
    with pytest.raises(SendFailed, match="answered 503: later"):
        Door(url=served.url, clock=StillClock()).post([b"{}"])


def test_what_is_too_much_at_once_is_sent_in_pieces(serve: Any) -> None:
    def at_most_two(body: bytes) -> tuple[int, dict[str, str], bytes]:
        if len(split(body)) <= 2:
            return accepts(body)
        return 429, {"Retry-After": "60"}, b'{"code": "batch_exceeds_burst", "limit_events": 2}'

    served, clock = serve(at_most_two), StillClock()
    answer = Door(url=served.url, clock=clock).post([b"1", b"2", b"3", b"4", b"5"])
    assert answer.counts == {"accepted": 5, "duplicates": 0, "rejected": 0}
    assert sent(served) == [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]
    assert not clock.slept, "waiting would never have helped"


@pytest.mark.parametrize("most", [b"0", b"1", b'"2"', b"null"])
def test_one_event_that_is_too_much_is_given_up(most: bytes, serve: Any) -> None:
    refusal = b'{"code": "batch_exceeds_burst", "detail": "split", "limit_events": %b}' % most
    served = serve(lambda _: (429, {}, refusal))
    with pytest.raises(SendFailed, match="answered 429: split"):
        Door(url=served.url, clock=StillClock()).post([b"1"])


@pytest.mark.parametrize(
    ("option", "header", "said"),
    [("--key", "Authorization", "Bearer ugc_a_b"), ("--write-key", "X-Write-Key", "ugc_a_b")],
)
@pytest.mark.parametrize("given", ["ugc_a_b", "@key.txt"])
def test_a_key_goes_along(option: str, header: str, said: str, given: str, serve: Any) -> None:
    Path("key.txt").write_text("ugc_a_b\n")
    served = serve(accepts)
    assert run(["send", "--url", served.url, option, given]) == 0
    assert [each[header] for each in served.headers] == [said]


@pytest.mark.parametrize(
    "options", [["--key", "a", "--write-key", "b"], ["--key", "@nowhere"], ["--key", "a\nb"], ["--key", " "]]
)
def test_a_key_that_is_none_is_wrong_usage(options: list[str], serve: Any) -> None:
    served = serve(accepts)
    assert run(["send", "--url", served.url, *options]) == 2
    assert not served.bodies


@pytest.mark.parametrize(
    ("option", "header", "said"),
    [("--key", "Authorization", "Bearer ugc_a_b"), ("--write-key", "X-Write-Key", "ugc_a_b")],
)
def test_generated_events_are_sent_with_a_key_too(option: str, header: str, said: str, serve: Any) -> None:
    served = serve(accepts)
    few = ["generate", "--events", "10", "--users", "2", "--days", "1"]
    assert run([*few, "--send", "--url", served.url, option, "ugc_a_b"]) == 0
    assert [each[header] for each in served.headers] == [said]
    assert run([*few, option, "ugc_a_b"]) == 2, "nobody is there to be shown it"


@pytest.mark.parametrize(
    ("option", "value"),
    [("--count", "3"), ("--user", "u"), ("--value", "1"), ("--event-type", "click"), ("--properties", "{}")],
)
def test_what_the_events_of_a_file_say_themselves_is_not_asked_for_beside_it(
    option: str, value: str, serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("events.json").write_text('{"a": 1}')
    served = serve(accepts)
    assert run(["send", "events.json", "--url", served.url, option, value]) == 2
    assert f"leave out {option}, or FILE" in capsys.readouterr().err
    assert not served.bodies


def test_who_is_not_let_in_hears_how_to_bring_a_key(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    served = serve(lambda _: (401, {}, b'{"detail": "No key came with the request"}'))
    assert run(["send", "--url", served.url]) == 1
    assert "--key" in capsys.readouterr().err


def test_a_full_disk_is_one_line(serve: Any) -> None:
    served = serve(accepts)
    for more in ([], ["--json"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "ops", "send", "--url", served.url, *more],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
                cwd=Path(__file__).parents[2],
                env=dict(os.environ),
            )
        assert (done.returncode, done.stderr) == (1, "error No space left on device\n")


ONE = {"event_id": "a", "properties": {"line": "one\u2028two", "n": 1}}
TWO = {"event_id": "b"}


@pytest.mark.parametrize(
    ("text", "events"),
    [
        (json.dumps(ONE, indent=2), [ONE]),
        (json.dumps(ONE, ensure_ascii=False), [ONE]),
        (json.dumps([ONE, TWO], indent=2), [ONE, TWO]),
        (json.dumps(ONE, ensure_ascii=False) + "\r\n\n" + json.dumps(TWO) + "\n", [ONE, TWO]),
        ('\n{"properties": {"a": 1}\n, "event_id": "x"}\n', [{"properties": {"a": 1}, "event_id": "x"}]),
    ],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_may_be_an_array_an_object_or_lines(
    text: str, events: list[Any], mark: str, serve: Any
) -> None:
    served = serve(accepts)
    Path("events").write_text(mark + text, encoding="utf-8")
    assert run(["send", "events", "--url", served.url]) == 0
    assert sent(served) == events


def test_the_contracts_own_example_can_be_sent(serve: Any, repository: Path) -> None:
    served = serve(accepts)
    file = repository / "contract/examples/accepted/click.json"
    assert run(["send", str(file), "--url", served.url]) == 0
    assert served.bodies == [b"[" + file.read_bytes().strip() + b"]"]


def test_what_is_wrong_with_standard_input_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}\n{"a" 1}\n')))
    assert run(["send", "-"]) == 1
    assert "error standard input: line 2 is not JSON: at byte 5" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "\n \n", "[]", "\ufeff"])
def test_no_event_is_nothing_to_send(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty").write_text(text, encoding="utf-8")
    assert run(["send", "empty"]) == 1
    assert "nothing to send: no event in empty" in capsys.readouterr().err


def test_a_broken_line_says_what_was_accepted_before_it(
    serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    served = serve(accepts)
    Path("events").write_text('{"a": 1}\n' * 2 * EVENTS_PER_REQUEST_MAX + '{"a": 2}\n{"a":\n')
    assert run(["send", "events", "--url", served.url]) == 1
    error = capsys.readouterr().err
    assert "events: line 2002 is not JSON" in error
    assert f"; 2,000 events were accepted before that; {HARMLESS}" in error


def half_way() -> Callable[[bytes], Any]:
    left = [True]
    return lambda body: accepts(body) if left and left.pop() else None


def test_a_collector_that_goes_away_leaves_word_of_what_it_took(
    serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("events").write_text('{"a": 1}\n' * (EVENTS_PER_REQUEST_MAX + 1))
    assert run(["send", "events", "--json", "--url", serve(half_way()).url]) == 1
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert message.endswith(f"; 1,000 events were accepted before that; {HARMLESS}")
    assert run(["send", "--count", "1001", "--url", serve(half_way()).url]) == 1
    # New events have new ids: sent again, they would count again.
    assert capsys.readouterr().err.endswith("; 1,000 events were accepted before that\n")


def test_one_event_made_here_is_named_so_that_it_can_be_sent_again(
    serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    served = serve(accepts)
    assert run(["send", "--url", served.url]) == 0
    made = sent(served)[0]["event_id"]
    assert f"event_id {made}" in capsys.readouterr().out
    assert run(["send", "--url", served.url, "--event-id", made, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["event_id"] == made
    assert [each["event_id"] for each in sent(served)] == [made, made]
    assert run(["send", "--url", serve(lambda _: None).url, "--event-id", str(uuid.UUID(made))]) == 1
    assert f"--event-id {made}" in capsys.readouterr().err
