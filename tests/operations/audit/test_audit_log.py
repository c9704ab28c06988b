"""`ugc audit` on a real log: each record that was read is accounted for, or it is named."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from services import until
from warehouse_rows import Stand

from contract.topics import DEAD, EVENTS, Topic
from etl.assignment import Assignment
from etl.batch import DeadLetter
from etl.dead_letters import KafkaDeadLetters
from etl.errors import Retryable
from etl.placing import describe
from etl.ports import MovedRange
from etl.ranges import LogRecord, Offset, Position, Range
from etl.settings import EtlSettings
from ops.auditing import audit
from ops.dlq import box as dlq_box
from ops.upkeep import topics
from telemetry.clock import SystemClock

pytestmark = pytest.mark.stack

NOTHING: Mapping[str, int] = {}


@dataclass
class Pipeline:
    """Moves the records of a log by hand, as the ETL would leave it, and as it never should."""

    bootstrap: str
    events: Topic
    dead: Topic
    here: Stand
    moved: int = 0
    sent: int = 0
    group: str = field(default_factory=lambda: f"group-{uuid.uuid4().hex[:8]}")

    @property
    def topic_id(self) -> str:
        return describe(AdminClient({"bootstrap.servers": self.bootstrap}), self.events.name).id

    def send(self, count: int) -> None:
        """Records into partition 0."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for number in range(count):
            producer.produce(self.events.name, value=f"{self.sent + number}", partition=0)
        assert producer.flush(10) == 0
        self.sent += count

    def move(
        self,
        rows: int,
        *,
        duplicates: int = 0,
        dead: int = 0,
        canaries: int = 0,
        ledger: bool = True,
        letters: bool = True,
        told: Mapping[str, int] = NOTHING,
    ) -> None:
        """The next records: so many of each, in that order."""
        records = rows + duplicates + dead + canaries
        first, self.moved = self.moved, self.moved + records
        if rows:
            self.here.topic_id = self.topic_id
            self.here.insert(self.here.batch(rows, first=first))
        if dead and letters:
            self._letters(range(first + rows + duplicates, first + rows + duplicates + dead))
        range_ = Range(self.topic_id, 0, Offset(first), Offset(self.moved - 1))
        entry = {"records": records, "rows": rows, "duplicates": duplicates, "dead": dead, **told}
        if ledger:
            self.here.store.remember(
                MovedRange(
                    range=range_,
                    conflicts=0,
                    canaries=canaries,
                    canary_sent_at=None,
                    moved_at=datetime.now(UTC),
                    **entry,
                )
            )
        self.commit(self.moved)

    def commit(self, offset: int) -> None:
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.group})
        consumer.commit(offsets=[TopicPartition(self.events.name, 0, offset)], asynchronous=False)
        consumer.close()

    def _letters(self, offsets: range) -> None:
        box = KafkaDeadLetters(EtlSettings(kafka_bootstrap=self.bootstrap), self.dead, clock=SystemClock())
        ours = Assignment(topic=self.events.name, topic_id=self.topic_id, partition=0, committed=Position(0))
        letters = [
            DeadLetter(LogRecord(Offset(each), 1_700_000_000_000, None, b"x", ()), "not_json", "at byte 0")
            for each in offsets
        ]

        def written() -> bool:
            try:
                return box.write(ours, letters) >= 0
            except Retryable:
                return False

        until(written, within_s=20, what="the topic known everywhere")
        box.close()


@pytest.fixture
def pipeline(
    kafka_bootstrap: str, here: Stand, ugc: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    tail = uuid.uuid4().hex[:8]
    made = Pipeline(
        kafka_bootstrap, replace(EVENTS, name=f"events-{tail}"), replace(DEAD, name=f"dead-{tail}"), here
    )
    monkeypatch.setattr(topics, "TOPICS", (made.events, made.dead))
    monkeypatch.setattr(dlq_box, "EVENTS", made.events)
    monkeypatch.setattr(dlq_box, "DEAD", made.dead)
    monkeypatch.setattr(audit, "EVENTS", made.events)
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("UGC_ETL_GROUP_ID", made.group)
    topics.ensure(kafka_bootstrap, retention_days=7)
    yield made
    AdminClient({"bootstrap.servers": kafka_bootstrap}).delete_topics([made.events.name, made.dead.name])


Ugc = Callable[..., Any]


def of_partition_0(done: Any) -> dict[str, Any]:
    found = dict(done.json["log"][0])
    assert done.json["wrong"] == found["wrong"]
    return found


def test_nothing_was_sent(pipeline: Pipeline, ugc: Ugc) -> None:
    done = ugc("audit", "--json")
    assert (done.code, done.json["wrong"]) == (0, [])
    assert [each["in_log"] for each in done.json["log"]] == [0] * pipeline.events.partitions


def test_each_record_is_accounted_for(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(50)
    pipeline.move(20)
    pipeline.move(10, duplicates=3, dead=2, canaries=1)
    pipeline.move(0, duplicates=4)
    done = ugc("audit", "--json")
    assert done.code == 0
    assert of_partition_0(done) == {
        "partition": 0,
        "in_log": 50,
        "read": 40,
        "inserted": 30,
        "duplicates": 7,
        "dead": 2,
        "canaries": 1,
        "not_yet_read": 10,
        "wrong": [],
    }
    assert "all agree" in ugc("audit").out


def test_nothing_was_read_yet(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(12)
    done = ugc("audit", "--json")
    assert (done.code, of_partition_0(done)["not_yet_read"]) == (0, 12)


@pytest.mark.parametrize("where", ["at first", "in between", "at last", "everywhere"])
def test_records_that_were_passed_over_are_named(where: str, pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(30)
    for place in ("at first", "in between", "at last"):
        pipeline.move(0, duplicates=10, ledger=where not in (place, "everywhere"))
    done = ugc("audit", "--json")
    assert done.code == 1
    passed = {"at first": (10, 0, 9), "in between": (10, 10, 19), "at last": (10, 20, 29)}
    count, first, last = passed.get(where, (30, 0, 29))
    assert (
        f"{count} records at offsets {first} to {last} were passed over" in of_partition_0(done)["wrong"][0]
    )


def test_a_hole_in_the_log_is_no_loss(pipeline: Pipeline, ugc: Ugc) -> None:
    """A transaction's mark takes an offset and is no record."""
    pipeline.send(5)
    producer = Producer({"bootstrap.servers": pipeline.bootstrap, "transactional.id": pipeline.group})
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce(pipeline.events.name, value=b"5", partition=0)
    producer.commit_transaction()
    pipeline.move(6)
    pipeline.moved = 7
    pipeline.send(3)
    pipeline.move(3)
    done = ugc("audit", "--json")
    assert (done.code, of_partition_0(done)["wrong"]) == (0, [])


def test_rows_whose_ids_are_gone_are_named(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(20)
    pipeline.move(12)
    pipeline.move(8)
    pipeline.here.delete("event_ids", "kafka_offset = 3")
    done = ugc("audit", "--json")
    assert done.code == 1
    said = done.json["log"][0]["wrong"]
    assert len(said) == 1
    assert "1 ranges with fewer ids in event_ids than rows were inserted" in said[0]
    assert "at offset 0: 19 of 20 in all" in said[0]


def test_a_ledger_that_does_not_add_up_is_named(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(10)
    pipeline.move(6, duplicates=4, told={"records": 9})
    said = of_partition_0(ugc("audit", "--json"))["wrong"]
    assert "1 ranges whose records are not rows, duplicates, dead letters and canaries" in said[0]


def test_more_rows_than_the_ledger_tells_are_named(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(10)
    pipeline.move(10, told={"rows": 7, "records": 7})
    said = of_partition_0(ugc("audit", "--json"))["wrong"]
    assert "1 ranges with more ids in event_ids than records could become rows" in said[0]


def test_dead_records_without_a_letter_are_named(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(10)
    pipeline.move(5, dead=3)
    assert ugc("audit", "--json").code == 0
    pipeline.move(0, dead=2, letters=False)
    said = of_partition_0(ugc("audit", "--json"))["wrong"]
    assert "5 records died and 3 dead letters tell of them" in said[0]


def test_a_replay_with_other_cuts_is_no_fault(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(40)
    pipeline.move(25)
    pipeline.move(15)
    pipeline.moved = 10
    pipeline.move(0, duplicates=20)
    pipeline.move(0, duplicates=10)
    done = ugc("audit", "--json")
    assert (done.code, of_partition_0(done)["wrong"]) == (0, [])
    assert of_partition_0(done)["inserted"] == 40


def test_a_range_that_is_cut_off_by_retention_is_no_fault(pipeline: Pipeline, ugc: Ugc) -> None:
    pipeline.send(40)
    pipeline.move(25)
    pipeline.move(15)
    admin = AdminClient({"bootstrap.servers": pipeline.bootstrap})
    place = TopicPartition(pipeline.events.name, 0, 10)
    admin.delete_records([place])[place].result(10)
    done = ugc("audit", "--json")
    assert (done.code, of_partition_0(done)["wrong"]) == (0, [])
    assert of_partition_0(done)["in_log"] == 30
