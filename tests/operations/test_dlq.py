"""`ugc dlq` on a real broker: every verb, what it says, what it leaves, and when it refuses."""

import base64
import csv
import json
import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from services import until

from contract.topics import DEAD, EVENTS, PARTITIONER, Topic
from embedded.ports import free_port
from etl.assignment import Assignment
from etl.batch import DeadLetter
from etl.dead_letters import KafkaDeadLetters
from etl.errors import Retryable
from etl.ranges import LogRecord, Offset, Position
from etl.settings import EtlSettings
from ops.cli import run
from ops.dlq import box as dlq_box
from ops.dlq.showing import plain
from ops.upkeep import topics

NOW = datetime.now(UTC)


class ToldClock:
    """The time that the next letters are first seen."""

    at = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, _: float) -> None:
        return


@dataclass
class Log:
    """The two topics on the real broker, empty, under names of their own."""

    bootstrap: str
    events: Topic
    dead: Topic

    def letters(self, *dead: DeadLetter, partition: int = 0, ago: timedelta = timedelta()) -> list[str]:
        """Write letters; their ids."""
        clock = ToldClock()
        clock.at = NOW - ago
        settings = EtlSettings(kafka_bootstrap=self.bootstrap)
        box = KafkaDeadLetters(settings, self.dead, clock=clock)
        ours = Assignment(topic="events", topic_id=self.id, partition=partition, committed=Position(0))
        until(lambda: _written(box, ours, dead), within_s=20, what="the topic known everywhere")
        box.close()
        return [f"{self.id}:{partition}:{each.record.offset}" for each in dead]

    @property
    def id(self) -> str:
        return self.dead.name.rpartition("-")[2]

    def in_events(self) -> list[Any]:
        """What was sent into events."""
        consumer = Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": "test", "enable.partition.eof": True}
        )
        found: list[Any] = []
        consumer.assign([TopicPartition(self.events.name, n, 0) for n in range(self.events.partitions)])
        ends = 0
        while ends < self.events.partitions:
            message = consumer.poll(10)
            assert message is not None
            ends += message.error() is not None
            found += [message] if message.error() is None else []
        consumer.close()
        return found

    def put(self, **record: Any) -> None:
        """A record into the dead letters' topic, by somebody else."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        producer.produce(self.dead.name, **record)
        assert producer.flush(10) == 0


def _written(box: KafkaDeadLetters, ours: Assignment, dead: Sequence[DeadLetter]) -> bool:
    try:
        return box.write(ours, dead) >= 0
    except Retryable:
        return False


def letter(
    offset: int,
    reason: str = "not_json",
    *,
    value: bytes | None = b"\xffforeign",
    key: bytes | None = b"k",
    headers: Any = (("ugc-contract", b"9"),),
    message: str = "at byte 0",
) -> DeadLetter:
    return DeadLetter(LogRecord(Offset(offset), 1_700_000_000_000, key, value, headers), reason, message)


@pytest.fixture
def log(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Log]:
    tail = uuid.uuid4().hex[:8]
    log = Log(kafka_bootstrap, replace(EVENTS, name=f"events-{tail}"), replace(DEAD, name=f"dead-{tail}"))
    monkeypatch.setattr(topics, "TOPICS", (log.events, log.dead))
    monkeypatch.setattr(dlq_box, "EVENTS", log.events)
    monkeypatch.setattr(dlq_box, "DEAD", log.dead)
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    topics.ensure(kafka_bootstrap, retention_days=7)
    yield log
    AdminClient({"bootstrap.servers": kafka_bootstrap}).delete_topics([log.events.name, log.dead.name])


@pytest.fixture
def dlq(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """`ugc dlq …`: its exit code, what it said, and, with --json, its document."""

    def call(*arguments: str) -> Any:
        code = run(["dlq", *arguments])
        shown = capsys.readouterr()
        document = json.loads(shown.out) if "--json" in arguments else None
        return SimpleNamespace(code=code, out=shown.out, err=shown.err, json=document)

    return call


pytestmark = pytest.mark.stack


def test_an_empty_topic_has_no_letters(log: Log, dlq: Any) -> None:
    assert dlq("list").out == "no dead letters\n"
    assert dlq("list", "--json").json == {
        "letters": 0,
        "reasons": [],
        "newest": [],
        "states": {},
        "not_letters": 0,
    }
    for verb in ("retry", "discard"):
        done = dlq(verb, "--all")
        assert (done.code, done.out) == (0, "no open letter matches: nothing to do\n")


def test_list_counts_by_reason_and_names_the_newest(log: Log, dlq: Any) -> None:
    log.letters(letter(1), letter(2), ago=timedelta(hours=3))
    log.letters(letter(3, "tombstone", value=None), letter(4), partition=1)
    document = dlq("list", "--json", "--limit", "3").json
    assert document["letters"] == 4
    by_reason = [(each["reason"], each["letters"]) for each in document["reasons"]]
    assert by_reason == [("not_json", 3), ("tombstone", 1)]
    first = document["reasons"][0]
    assert datetime.fromisoformat(first["newest_at"]) - datetime.fromisoformat(
        first["oldest_at"]
    ) == timedelta(hours=3)
    assert first["meaning"] == "The value is not JSON in UTF-8."
    assert [(each["partition"], each["offset"]) for each in document["newest"]] == [(1, 4), (1, 3), (0, 2)]
    newest = document["newest"][0]
    assert newest["id"] == f"{log.id}:1:4"
    assert (newest["state"], newest["message"], newest["value_bytes"]) == ("open", "at byte 0", 8)
    shown = dlq("list").out
    assert shown.startswith("4 dead letters\n")
    assert f"{log.id}:1:4" in shown


def test_list_takes_filters(log: Log, dlq: Any) -> None:
    log.letters(letter(1), letter(2, "wrong_shape"), ago=timedelta(hours=3))
    log.letters(letter(3, "tombstone", value=None), letter(4), partition=1)

    def found(*filters: str) -> list[int]:
        return sorted(each["offset"] for each in dlq("list", "--json", *filters).json["newest"])

    assert found("--reason", "not_json") == [1, 4]
    assert found("--reason", "not_json", "--reason", "tombstone") == [1, 3, 4]
    assert found("--reason", "nonsense") == []
    assert found("--partition", "1") == [3, 4]
    assert found("--partition", "1", "--reason", "not_json") == [4]
    assert found("--since", "2h") == [3, 4]
    assert found("--since", "4h") == [1, 2, 3, 4]
    assert found("--since", (NOW - timedelta(hours=1)).isoformat()) == [3, 4]
    assert found("--since", "2020-01-01") == [1, 2, 3, 4]
    assert found("--limit", "0") == []
    assert "no dead letter matches" in dlq("list", "--reason", "too_large").out


@pytest.mark.parametrize("since", ["yesterday", "2x", "", "-1h", "99999999d"])
def test_a_time_that_is_none_is_wrong_usage(since: str, log: Log, dlq: Any) -> None:
    done = dlq("list", "--since", since)
    assert done.code == 2
    assert "is no time" in done.err


def test_show_tells_all_of_a_letter(log: Log, dlq: Any) -> None:
    text, binary = log.letters(
        letter(
            1, "version_unknown", value=b'{"a": "\xc3\xa4"}', headers=(("h", b"\x00\xff"), ("none", None))
        ),
        letter(2, value=bytes(range(256)) * 20, key=None),
    )
    shown = dlq("show", text).out
    for part in (
        "version_unknown",
        "Upgrade the ETL to the release that reads it",
        "events, partition 0, offset 1, written 2023-11-14T22:13:20.000Z",
        "key         k",
        "header      h: 00 ff",
        "header      none: none",
        '{"a": "ä"}',
    ):
        assert part in shown, part
    shown = dlq("show", binary).out
    assert "000010  10 11 12 13" in shown
    assert "… and 3,072 more bytes: --raw writes all of them" in shown
    document = dlq("show", binary, "--json").json
    assert base64.b64decode(document["value_base64"]) == bytes(range(256)) * 20
    assert (document["value"], document["key"], document["key_base64"]) == (None, None, None)
    document = dlq("show", text, "--json").json
    assert document["headers"] == [
        {"name": "h", "value": None, "value_base64": "AP8="},
        {"name": "none", "value": None, "value_base64": None},
    ]


def test_show_raw_writes_the_bytes_and_nothing_else(log: Log, capfdbinary: Any) -> None:
    (one,) = log.letters(letter(1, value=b"\x00\x1b[31m\xff\n"))
    assert run(["dlq", "show", one, "--raw"]) == 0
    assert capfdbinary.readouterr().out == b"\x00\x1b[31m\xff\n"


def test_what_a_stranger_wrote_does_not_command_the_terminal(log: Log, dlq: Any) -> None:
    (one,) = log.letters(
        letter(
            1,
            value=b"\x1b]0;title\x07 [red]x[/]",
            key=b"\x1b[2J",
            headers=(("\x1b[1m[/]", b"\x1b[2J[b]"),),
            message="\x1b[31m [/red] \u202e",
        )
    )
    for shown in (dlq("show", one), dlq("list")):
        assert shown.code == 0
        assert "\x1b" not in shown.out
        assert "\u202e" not in shown.out


def test_half_of_an_emoji_is_shown_as_an_escape() -> None:
    assert plain("a\udc80\n\x9b") == "a\\udc80\\n\\x9b"


def test_ids_that_are_none_or_nobodys_are_told(log: Log, dlq: Any) -> None:
    (one,) = log.letters(letter(1))
    for verb in (["show"], ["retry", "--yes"], ["discard", "--yes"]):
        assert dlq(*verb, "nonsense").code == 2
        done = dlq(*verb, f"{log.id}:0:99")
        assert done.code == 1
        assert f"there is no letter {log.id}:0:99" in done.err
    done = dlq("discard", one, f"{log.id}:0:99")
    assert done.code == 1
    assert dlq("list", "--json").json["letters"] == 1, "none is touched when one is missing"


def test_retry_sends_the_record_as_it_was_to_the_partition_of_its_key(log: Log, dlq: Any) -> None:
    keys = [str(uuid.uuid4()).encode() for _ in range(20)]
    producer = Producer({"bootstrap.servers": log.bootstrap, "partitioner": PARTITIONER})
    for key in keys:
        producer.produce(log.events.name, b"first copy", key)
    producer.flush(10)
    ids = log.letters(*(letter(n, value=b"\x00%d" % n, key=key) for n, key in enumerate(keys)))
    done = dlq("retry", "--reason", "not_json", "--json")
    assert (done.code, done.json) == (
        0,
        {
            "dry_run": False,
            "chosen": 20,
            "reasons": {"not_json": 20},
            "sent_again": 20,
            "left": {},
        },
    )
    partitions: dict[bytes, set[int]] = {}
    for each in log.in_events():
        partitions.setdefault(each.key(), set()).add(each.partition())
    assert all(len(each) == 1 for each in partitions.values())
    again = {each.key(): each for each in log.in_events() if each.value() != b"first copy"}
    assert [again[key].value() for key in keys] == [b"\x00%d" % n for n in range(20)]
    assert again[keys[3]].headers() == [("ugc-contract", b"9"), ("ugc-retry-of", ids[3].encode())]
    age = NOW - datetime.fromtimestamp(again[keys[3]].timestamp()[1] / 1000, UTC)
    assert age < timedelta(hours=1), "or the log's retention would take it away at once"
    assert dlq("list", "--json").json["states"] == {"retried": 20}


def test_a_letter_named_by_its_id_is_sent_again_even_when_it_was_settled(log: Log, dlq: Any) -> None:
    one, two = log.letters(letter(1), letter(2))
    assert dlq("discard", two).out.startswith("1 letter discarded (1 not_json)")
    assert dlq("retry", one, two).out.startswith("2 letters sent again (2 not_json)")
    assert dlq("retry", one, "--json").json["sent_again"] == 1
    assert dlq("retry", "--all", "--json").json["chosen"] == 0
    assert len(log.in_events()) == 3


def test_a_record_that_dies_again_names_its_first_letter(log: Log, dlq: Any) -> None:
    (first,) = log.letters(letter(1))
    dlq("retry", first)
    for offset in (50, 60):
        (sent,) = [each for each in log.in_events() if each.offset() == (0 if offset == 50 else 1)]
        (again,) = log.letters(letter(offset, headers=tuple(sent.headers())))
        document = dlq("show", again, "--json").json
        assert document["retry_of"] == first
        dlq("retry", again)
    assert [each.headers()[-1] for each in log.in_events()] == [("ugc-retry-of", first.encode())] * 3
    assert len(log.in_events()[-1].headers()) == 2


def test_a_record_without_value_or_key_is_sent_as_it_was(log: Log, dlq: Any) -> None:
    (one,) = log.letters(letter(1, "tombstone", value=None, key=None, headers=()))
    assert dlq("retry", one).code == 0
    (sent,) = log.in_events()
    assert (sent.key(), sent.value()) == (None, None)


def test_a_letter_that_is_not_whole_is_left_and_said(log: Log, dlq: Any) -> None:
    cut, _ = log.letters(letter(1, "too_large", value=b"x" * 10_000_000), letter(2))
    done = dlq("retry", "--all", "--json")
    assert (done.code, done.json["sent_again"]) == (1, 1)
    assert done.json["left"] == {"only the beginning of the record is in the letter": 1}
    shown = dlq("retry", "--all")
    assert shown.code == 1
    assert "1 letter left as they are: only the beginning" in shown.out
    assert "value       10,000,000 bytes, of which the first 65,536 are here" in dlq("show", cut).out
    assert dlq("list", "--json").json["newest"][0]["whole"] is False
    assert dlq("discard", cut).code == 0


def test_a_record_larger_than_events_takes_is_left_and_its_neighbours_go(log: Log, dlq: Any) -> None:
    log.letters(letter(1), letter(2, "too_large", value=os.urandom(1_048_500)), letter(3))
    done = dlq("retry", "--all", "--json")
    assert (done.code, done.json["sent_again"]) == (1, 2)
    assert list(done.json["left"].values()) == [1]
    assert dlq("list", "--json").json["newest"][0]["offset"] == 2


def test_discard_hides_letters_and_sends_nothing(log: Log, dlq: Any) -> None:
    one, _, _ = log.letters(letter(1, "tombstone", value=None), letter(2), letter(3))
    assert dlq("discard", "--reason", "tombstone", "--json").json == {
        "dry_run": False,
        "chosen": 1,
        "reasons": {"tombstone": 1},
        "discarded": 1,
        "left": {},
    }
    listed = dlq("list", "--json").json
    assert (listed["letters"], listed["states"]) == (2, {"open": 2, "discarded": 1})
    assert "settled and not yet removed: 1 discarded" in dlq("list").out
    assert dlq("list", "--settled", "--json").json["letters"] == 3
    assert dlq("show", one, "--json").json["state"] == "discarded"
    assert dlq("discard", "--all", "--limit", "1").out.startswith("1 letter discarded")
    assert [each["offset"] for each in dlq("list", "--json").json["newest"]] == [3]
    assert log.in_events() == []


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_a_dry_run_does_nothing(verb: str, log: Log, dlq: Any) -> None:
    log.letters(letter(1), letter(2, "tombstone", value=None))
    assert dlq(verb, "--all", "--dry-run").out.startswith("2 letters would be ")
    assert dlq(verb, "--all", "--dry-run", "--json").json["dry_run"] is True
    assert dlq("list", "--json").json["states"] == {"open": 2}
    assert log.in_events() == []


@pytest.mark.parametrize("verb", ["retry", "discard"])
@pytest.mark.parametrize("which", [[], ["--all", "--reason", "not_json"], ["a:1:1", "--all"]])
def test_which_letters_must_be_said_in_one_way(verb: str, which: list[str], log: Log, dlq: Any) -> None:
    done = dlq(verb, *which)
    assert done.code == 2
    assert "say which" in done.err


@pytest.mark.parametrize(("answer", "outcome"), [("n\n", (130, 1)), ("y\n", (0, 0)), ("", (130, 1))])
def test_on_a_terminal_it_asks_first(
    answer: str, outcome: tuple[int, int], log: Log, dlq: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.letters(letter(1))
    monkeypatch.setattr("ops.dlq.settling.asked", lambda: True)
    answers = iter(answer.splitlines())

    def answered(_: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("click.termui.visible_prompt_func", answered)
    assert (dlq("discard", "--all").code, dlq("list", "--json").json["letters"]) == outcome
    assert dlq("discard", "--all", "--yes").code == 0


def test_of_records_with_one_key_the_last_one_counts(log: Log, dlq: Any) -> None:
    (one,) = log.letters(letter(1))
    log.put(key=one.encode(), value=None)
    assert dlq("list", "--json").json["states"] == {"settled": 1}
    other = replace(log, dead=log.dead)
    producer = Producer({"bootstrap.servers": log.bootstrap})
    for message in ("first", "second"):
        headers = {
            "ugc-dead-headers": "0",
            "ugc-dead-reason": "not_json",
            "ugc-dead-message": message,
            "ugc-dead-topic": "events",
            "ugc-dead-timestamp-ms": "1",
            "ugc-dead-first-seen-at": NOW.isoformat(),
        }
        producer.produce(other.dead.name, key=one.encode(), value=b"x", headers=headers)
    producer.flush(10)
    listed = dlq("list", "--json").json
    assert (listed["letters"], listed["newest"][0]["message"]) == (1, "second")


def test_records_of_somebody_else_are_counted_and_left_alone(log: Log, dlq: Any) -> None:
    log.put(key=b"what", value=b"ever")
    log.put(key=b"a:1:1", value=b"no headers")
    log.letters(letter(1))
    listed = dlq("list", "--json").json
    assert (listed["letters"], listed["not_letters"]) == (1, 2)
    assert "2 records there are no letters" in dlq("list").out
    assert dlq("discard", "--all", "--json").json["discarded"] == 1


def test_export_writes_all_there_is_to_ndjson(log: Log, dlq: Any, tmp_path: Path) -> None:
    log.letters(letter(1, value=b"\x00\xff"), letter(2, value="ä\u2028".encode()), letter(3))
    dlq("discard", f"{log.id}:0:3")
    done = dlq("export", "letters.ndjson", "--json")
    assert (done.code, done.json) == (0, {"exported": 2, "file": "letters.ndjson"})
    lines = (tmp_path / "letters.ndjson").read_text(encoding="utf-8").split("\n")
    documents = [json.loads(line) for line in lines if line]
    assert [base64.b64decode(each["value_base64"]) for each in documents] == [b"\x00\xff", "ä\u2028".encode()]
    assert documents[1]["value"] == "ä\u2028"
    assert dlq("export", "all.ndjson", "--settled", "--json").json["exported"] == 3
    assert json.loads((tmp_path / "all.ndjson").read_text().splitlines()[-1])["state"] == "discarded"


def test_export_writes_csv_that_reads_back(log: Log, dlq: Any, tmp_path: Path) -> None:
    log.letters(letter(1, value=b'a,"b"\r\n\xc3\xa4', message="x\ny"), letter(2, "tombstone", value=None))
    assert "1 letters in letters.csv" in dlq("export", "letters.csv", "--reason", "not_json").out
    with (tmp_path / "letters.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["value"], row["message"], row["offset"]) == ('a,"b"\r\nä', "x\ny", "1")
    assert json.loads(row["headers"])[0]["name"] == "ugc-contract"
    assert dlq("export", "x.txt", "--format", "csv", "--limit", "1").code == 0
    assert (tmp_path / "x.txt").read_text().startswith("id,state,reason")


def test_export_is_whole_or_not_at_all(
    log: Log, dlq: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.letters(letter(1), letter(2))
    Path("there.csv").write_text("mine")
    done = dlq("export", "there.csv")
    assert (done.code, "--force replaces it" in done.err) == (1, True)
    assert dlq("export", "nowhere/x.csv").code == 1
    monkeypatch.setattr("ops.dlq.showing.whole", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    assert dlq("export", "there.csv", "--force").code == 130
    monkeypatch.undo()
    assert [each.name for each in tmp_path.iterdir()] == ["there.csv"]
    assert Path(tmp_path / "there.csv").read_text() == "mine"


def test_export_replaces_when_forced(log: Log, dlq: Any) -> None:
    log.letters(letter(1))
    Path("there.csv").write_text("old")
    assert dlq("export", "there.csv", "--force").code == 0
    assert Path("there.csv").read_text().count("\n") == 2


VERBS = [["list"], ["show", "a:1:1"], ["retry", "--all"], ["discard", "--all"], ["export", "x.csv"]]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_no_broker_is_one_line(
    verb: list[str], dlq: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    where = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", where)
    done = dlq(*verb)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"error no broker answers at {where}; is it up (`ugc up`)?")
    assert done.err.count("\n") == 1
    assert dlq(*verb, "--json").json["error"]["type"] == "DlqFailed"


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_no_topic_is_one_line(
    verb: list[str], kafka_bootstrap: str, dlq: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(topics, "TOPICS", (Topic("never.made", 1, 1_000),))
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", kafka_bootstrap)
    done = dlq(*verb)
    assert done.code == 1
    assert "topic never.made is missing" in done.err
    assert "run `ugc migrate`" in done.err


def test_what_was_sent_before_a_failure_is_told_and_may_be_sent_again(
    log: Log, dlq: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.letters(*(letter(n) for n in range(25)))
    monkeypatch.setattr(dlq_box, "RECORDS_MAX", 10)
    send, calls = dlq_box.Outbox.send, []

    def failing(self: Any, records: Any) -> set[int]:
        calls.append(len(records))
        if len(calls) == 4:
            raise dlq_box.NotTaken("dead does not take the records: away")
        return send(self, records)

    monkeypatch.setattr(dlq_box.Outbox, "send", failing)
    done = dlq("retry", "--all")
    assert done.code == 1
    assert "10 letters were retried before that; give the command again" in done.err
    monkeypatch.setattr(dlq_box.Outbox, "send", send)
    assert dlq("retry", "--all", "--json").json["sent_again"] == 15
    assert len(log.in_events()) == 35, "ten of them twice: deduplication sees to it"


@pytest.mark.parametrize("verb", ["", "list", "show", "retry", "discard", "export"])
def test_every_verb_has_help_with_examples(verb: str, dlq: Any) -> None:
    shown = dlq(*filter(None, [verb]), "--help").out
    assert "Examples:" in shown
    assert "--json" in shown
