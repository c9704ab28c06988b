"""What is asked of a running stack, on one of them: the README's commands first, then `ugc audit`, `ugc dlq`.

A stack takes many seconds to start, and nothing here kills any of it. The README shows what the very first
event looks like, so its commands come first; the others count from what they find.
"""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer
from services import ROOT, LocalStack, click, logging_as_it_was, until

from contract.events import Event
from contract.topics import DEAD, EVENTS, PARTITIONER
from contract.wire import Arrival, encode
from ops.cli import run
from telemetry.clock import SystemClock

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

NOW_MS = int(SystemClock().now().timestamp() * 1000)
SENT = 40
BLOCK = re.compile(
    r"<!-- run: (?P<name>\w+) -->\n```console\n(?P<command>.*?)```"
    r"(?:\n\n```\w+\n(?P<shown>.*?)```)?",
    re.DOTALL,
)
CLIENT = re.compile(r"<!-- client: (?P<name>\w+) -->\n```\w+\n(?P<program>.*?)```", re.DOTALL)
INTERPRETERS = {"python": [sys.executable, "-"], "javascript": ["node", "--input-type=module", "-"]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    made = LocalStack(tmp_path_factory.mktemp("stack") / "data")
    made.start()
    yield made
    made.stop()


def put(stack: LocalStack, topic: str, **record: Any) -> None:
    """Write a record straight into the log."""
    bootstrap = f"127.0.0.1:{stack.environment['UGC_KAFKA_PORT']}"
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER})
    producer.produce(topic, **record)
    assert producer.flush(10) == 0


def rows(stack: LocalStack) -> int:
    return int(stack.query("SELECT count() FROM events_raw"))


@pytest.fixture(scope="module")
def blocks() -> dict[str, re.Match[str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = {match["name"]: match for match in BLOCK.finditer(text)}
    assert set(found) == {"send", "dau", "sql"}
    return found


def typed(stack: LocalStack, block: re.Match[str]) -> str:
    """What the command prints, with the README's addresses replaced by this stack's."""
    command = block["command"].removeprefix("$ ")
    command = command.replace(":9001", f":{stack.api_port}")
    command = command.replace(":8123", f":{stack.environment['UGC_WAREHOUSE_PORT']}")
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=True,
        env=stack.environment,
        cwd=ROOT,
        timeout=60,
    )
    return done.stdout


def shape(value: Any) -> Any:
    """The keys and kinds of a JSON value: what stays when ids and times differ."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def test_an_event_is_sent_counted_and_found(stack: LocalStack, blocks: dict[str, re.Match[str]]) -> None:
    sent = json.loads(typed(stack, blocks["send"]))
    assert shape(sent) == shape(json.loads(blocks["send"]["shown"]))
    assert sent["results"][0]["status"] == "accepted"
    until(lambda: stack.users_today() == 1, within_s=15, what="alice is counted")
    counted = json.loads(typed(stack, blocks["dau"]))
    shown = json.loads(blocks["dau"]["shown"])
    assert shape(counted) == shape(shown)
    assert counted["data"][0]["users"] == shown["data"][0]["users"] == 1
    assert typed(stack, blocks["sql"]).strip() == blocks["sql"]["shown"].strip()


@pytest.mark.parametrize("name", INTERPRETERS)
def test_a_program_of_the_readme_sends_an_event(stack: LocalStack, name: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    programs = {match["name"]: match["program"] for match in CLIENT.finditer(text)}
    assert set(programs) == set(INTERPRETERS)
    interpreter = INTERPRETERS[name]
    if shutil.which(interpreter[0]) is None:
        pytest.skip(f"no {interpreter[0]} on this machine")
    before = rows(stack)
    done = subprocess.run(
        interpreter,
        input=programs[name].replace(":9001", f":{stack.api_port}"),
        capture_output=True,
        text=True,
        check=True,
        env=stack.environment,
        timeout=60,
    )
    assert done.stdout == "202 accepted\n"
    until(lambda: rows(stack) == before + 1, within_s=15, what="its event is stored")


def audit(stack: LocalStack) -> tuple[int, dict[str, Any]]:
    done = stack.ugc("audit", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_stack_at_work_is_audited_broken_and_mended(stack: LocalStack) -> None:
    expected = rows(stack) + SENT
    assert stack.post([click(f"user-{number}") for number in range(SENT)])["accepted"] == SENT
    # Straight into the log: a record that nobody can read.
    put(stack, EVENTS.name, value=b"\xff not ours", key=b"k")
    # Asked of the warehouse: an audit is a process for each look.
    until(
        lambda: rows(stack) == expected and stack.query("SELECT sum(dead) FROM ranges_moved") == "1",
        within_s=60,
        what="all is read",
    )
    code, found = audit(stack)
    assert (code, found["wrong"]) == (0, [])
    assert sum(each["in_raw"] for each in found["tables"] if each["table"] == "events_raw") == expected
    assert sum(each["inserted"] for each in found["log"]) == expected
    assert sum(each["dead"] for each in found["log"]) == 1
    assert all(
        each["read"] == each["inserted"] + each["duplicates"] + each["dead"] + each["canaries"]
        for each in found["log"]
    )

    users = stack.users_today()
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    stack.query("ALTER TABLE user_activity DELETE WHERE user_id = 'user-7'", role="admin", mutations_sync="2")
    cells = f"events_by_quarter_hour WHERE toDate(bucket_at) = '{today}'"
    stack.query(f"INSERT INTO events_by_quarter_hour SELECT * FROM {cells}", role="admin")
    code, broken = audit(stack)
    assert code == 1
    assert {line.split()[0] for line in broken["wrong"]} == {"user_activity", "events_by_quarter_hour"}
    for day in broken["days_wrong"]:
        stack.ugc("rollup", "rebuild", "--day", day)
    assert audit(stack)[0] == 0
    # The next day begins with none of them.
    assert stack.users_today() in {users, 0}


def test_what_forgets_by_age_is_watched(stack: LocalStack) -> None:
    address = f"http://127.0.0.1:{stack.environment['UGC_ETL_METRICS_PORT']}/metrics"

    def told() -> bool:
        with urllib.request.urlopen(address, timeout=10) as response:
            return 'ugc_warehouse_oldest_row_at_seconds{table="user_activity"}' in response.read().decode()

    until(told, within_s=30, what="the age of the oldest rows")
    checks = json.loads(stack.ugc("doctor", "--json", check=False).stdout)["checks"]
    retention = next(each for each in checks if each["check"] == "retention")
    assert (retention["ok"], retention["found"]) == (True, "no table holds rows beyond their time")
    assert json.loads(stack.ugc("janitor", "--json").stdout) == {"dropped": []}


@pytest.fixture
def dlq(
    stack: LocalStack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Any]]:
    """`ugc dlq … --json` against the stack, in this process: its document."""
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> Any:
        code = run(["dlq", *arguments, "--json"])
        shown = capsys.readouterr()
        assert code == 0, shown
        return json.loads(shown.out)

    with logging_as_it_was():
        call("discard", "--all")
        yield call


def record_of(user: str) -> Any:
    event = Event(str(uuid.uuid4()), NOW_MS, user, "click", b'{"element":"play"}', 0.0, None, None)
    return encode(event, Arrival(NOW_MS, "192.0.2.0", "Firefox", ()))


def counts(stack: LocalStack, user: str) -> str:
    return stack.query(f"SELECT count(), uniqExact(event_id) FROM events_raw WHERE user_id = '{user}'")


def letters(dlq: Callable[..., Any], count: int) -> list[Any]:
    def listed() -> Any:
        document = dlq("list")
        return document["newest"] if document["letters"] == count else None

    return list(until(listed, within_s=30, what=f"{count} letters"))


def test_a_letter_of_a_good_event_retried_twice_is_one_row(stack: LocalStack, dlq: Any) -> None:
    made = record_of("back-again")
    headers = {
        "ugc-contract": b"1",
        "ugc-dead-headers": b"1",
        "ugc-dead-reason": b"version_unknown",
        "ugc-dead-message": b"a release before did not read it",
        "ugc-dead-topic": EVENTS.name.encode(),
        "ugc-dead-timestamp-ms": str(NOW_MS).encode(),
        "ugc-dead-first-seen-at": SystemClock().now().isoformat().encode(),
        "ugc-dead-key": made.key,
    }
    put(stack, DEAD.name, key=b"older-topic:0:1", value=made.value, headers=list(headers.items()))
    letters(dlq, 1)
    for _ in range(2):
        assert dlq("retry", "older-topic:0:1")["sent_again"] == 1
    until(lambda: counts(stack, "back-again") == "1\t1", within_s=30, what="the row")
    # Something sent after both copies, in their partition: when it is there, they have been looked at.
    put(stack, EVENTS.name, key=made.key, value=b"after them")
    letters(dlq, 1)
    assert counts(stack, "back-again") == "1\t1"
    dlq("discard", "--all")


def test_a_bad_record_retried_dies_again_under_a_new_id_that_names_the_first(
    stack: LocalStack, dlq: Any
) -> None:
    put(stack, EVENTS.name, key=b"k", value=b"\xff foreign", headers=[("mine", b"\x00")])
    (first,) = letters(dlq, 1)
    assert (first["reason"], first["retry_of"]) == ("version_missing", None)
    dlq("retry", first["id"])
    (again,) = letters(dlq, 1)
    assert again["id"] != first["id"]
    assert again["retry_of"] == first["id"]
    assert dlq("show", first["id"])["state"] == "retried"
    shown = dlq("show", again["id"])
    assert [each["name"] for each in shown["headers"]] == ["mine", "ugc-retry-of"]
    assert dlq("discard", again["id"])["discarded"] == 1
    assert dlq("list")["letters"] == 0


def test_canaries_are_no_letters(stack: LocalStack) -> None:
    canaries = "SELECT sum(canaries) > 0 FROM ranges_moved"
    until(lambda: stack.query(canaries) in ("1", "true"), within_s=30, what="a canary stored")
    listed = json.loads(stack.ugc("dlq", "list", "--settled", "--json").stdout)
    assert listed["not_letters"] == 0
    assert listed["newest"]
    assert not any(
        each["reason"] == "version_missing" and each["value_bytes"] == 0 for each in listed["newest"]
    )
