"""`ugc etl` as a process, with a real broker and a real warehouse, killed and starved as it will be."""

import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import orjson
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from services import ROOT, free_port, until

from clickhouse import migrate
from clickhouse.client import connect
from contract.topics import DEAD, EVENTS, PARTITIONER
from embedded import passwords, stack
from embedded.stack_settings import StackSettings
from embedded.supervisor import Service
from ops.upkeep import topics
from telemetry.clock import SystemClock
from telemetry.settings import load

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

STEP_S = 60


@dataclass
class Child:
    """A service that may be killed and started again."""

    service: Service
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.service.command,
                stdout=log,
                stderr=log,
                env=clean_environment() | dict(self.service.environment),
                cwd=ROOT,
            )
        until(self.service.ready, within_s=STEP_S, what=f"{self.service.name} serves")

    def end(self, number: int = signal.SIGKILL) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(STEP_S)
        self.process = None
        return code


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("UGC_")}


@dataclass
class Stand:
    """A broker and a warehouse of our own, and ETL processes that come and go."""

    settings: StackSettings
    directory: Path
    broker: Child
    warehouse: Child
    children: list[Child] = field(default_factory=list)

    def etl(self, **environment: str) -> Child:
        """An ETL that is ready."""
        child = self.etl_command(**environment)
        child.start()
        return child

    def etl_command(self, **environment: str) -> Child:
        port = free_port()
        settings = {
            "UGC_DATA_DIR": str(self.directory),
            "UGC_KAFKA_PORT": str(self.settings.kafka_port),
            "UGC_WAREHOUSE_PORT": str(self.settings.warehouse_port),
            "UGC_ETL_METRICS_PORT": str(port),
            "UGC_ETL_INSTANCE_ID": "one",
            "UGC_LOG_FORMAT": "json",
            "UGC_LOG_LEVEL": "debug",
            **environment,
        }
        service = Service(
            name=f"etl-{port}",
            command=[sys.executable, "-m", "ops", "etl"],
            environment=settings,
            ready=lambda: answers(f"http://127.0.0.1:{port}/health/ready"),
        )
        self.children.append(Child(service, self.directory / f"etl-{port}.log"))
        return self.children[-1]

    def tidy(self) -> None:
        for child in self.children:
            if child.process is not None:
                child.end()
        self.children.clear()

    def producer(self) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.settings.bootstrap(),
                "partitioner": PARTITIONER,
                "enable.idempotence": True,
                "linger.ms": 5,
                "log_level": 0,
            }
        )

    def counts(self, ids: Sequence[str]) -> tuple[int, int]:
        """Of these ids: their rows, and how many of them are there at all."""
        client = connect(self.settings.dsn("admin"))
        rows = distinct = 0
        for start in range(0, len(ids), 2_000):
            found = client.query(
                "SELECT count(), uniqExact(event_id) FROM events_raw WHERE event_id IN {ids:Array(UUID)}",
                parameters={"ids": list(ids[start : start + 2_000])},
            ).first_row
            rows, distinct = rows + found[0], distinct + found[1]
        client.close()
        return rows, distinct

    def whole_table(self) -> tuple[int, int, int]:
        """Rows, distinct ids, and what the aggregate counts."""
        client = connect(self.settings.dsn("admin"))
        raw, distinct = client.query("SELECT count(), uniqExact(event_id) FROM events_raw").first_row
        counted = client.query("SELECT countMerge(actions) FROM events_by_quarter_hour").first_row[0]
        client.close()
        return raw, distinct, counted

    def all_land_once(self, ids: Sequence[str]) -> None:
        until(lambda: self.counts(ids)[1] == len(ids), within_s=STEP_S, what="every id has a row")
        # What is stored twice would be so by a later range: wait until nothing is under way.
        time.sleep(1.5)
        assert self.counts(ids) == (len(ids), len(ids))
        raw, distinct, counted = self.whole_table()
        assert raw == distinct == counted


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    directory = tmp_path_factory.mktemp("stand")
    ports = {"kafka_port": free_port(), "warehouse_port": free_port()}
    passwords.make_once(directory / "local.env")
    settings = load(StackSettings, data_dir=directory, **ports)
    services = stack.services(settings, clock=SystemClock(), out=io.StringIO())
    by_name = {service.name: Child(service, directory / f"{service.name}.log") for service in services}
    for child in by_name.values():
        child.start()
    topics.ensure(settings.bootstrap(), retention_days=1)
    migrate.apply(settings.dsn("admin"))
    yield Stand(settings, directory, by_name["broker"], by_name["warehouse"])
    for child in by_name.values():
        if child.process is not None:
            child.end()


@pytest.fixture(autouse=True)
def _no_etl_left(stand: Stand) -> Iterator[None]:
    yield
    stand.tidy()


def produce(stand: Stand, records: Sequence[Any]) -> None:
    producer = stand.producer()
    for record in records:
        producer.produce(EVENTS.name, record.value, key=record.key, headers=record.headers)
    assert producer.flush(30) == 0


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def fresh(record: Callable[..., Any]) -> Callable[[int], list[Any]]:
    """Records of events of now, with ids that are nowhere yet."""

    def make(count: int) -> list[Any]:
        at_ms = now_ms()
        return [record(uuid.uuid4().int, occurred_at_ms=at_ms, received_at_ms=at_ms) for _ in range(count)]

    return make


def ids(records: Sequence[Any]) -> list[str]:
    return [record.key.decode() for record in records]


class Traffic(threading.Thread):
    """Sends about 2,000 records a second, one in five again, until told to stop."""

    def __init__(self, stand: Stand, fresh: Callable[[int], list[Any]]) -> None:
        super().__init__(daemon=True)
        self._producer = stand.producer()
        self._fresh = fresh
        self._random = random.Random(7)
        self._done = threading.Event()
        self.sent: list[Any] = []

    def run(self) -> None:
        while not self._done.wait(0.05):
            batch = self._fresh(80)
            self.sent += batch
            for record in (*batch, *self._random.choices(self.sent, k=20)):
                self._producer.produce(
                    EVENTS.name,
                    record.value,
                    key=record.key,
                    headers=record.headers,
                )
                self._producer.poll(0)

    def stop(self) -> list[str]:
        """The ids of all that was sent and acknowledged."""
        self._done.set()
        self.join()
        assert self._producer.flush(60) == 0
        return ids(self.sent)


def test_events_land_once_and_foreign_bytes_become_dead_letters(stand: Stand, fresh: Any) -> None:
    records = fresh(3_000)
    producer = stand.producer()
    foreign = [(b"\x00\xffnot json", b"k1"), (None, b"tombstone"), (b"{}", None)]
    for record in (*records[:1_500], *records[:500]):
        producer.produce(EVENTS.name, record.value, key=record.key, headers=record.headers)
    for value, key in foreign:
        producer.produce(EVENTS.name, value, key=key, headers=records[0].headers)
    producer.produce(EVENTS.name, records[0].value, key=b"k2", headers=[("ugc-contract", b"999")])
    for record in records[1_500:]:
        producer.produce(EVENTS.name, record.value, key=record.key, headers=record.headers)
    assert producer.flush(30) == 0
    etl = stand.etl()
    stand.all_land_once(ids(records))
    letters = until(lambda: read_letters(stand, 4), within_s=20, what="the dead letters are there")
    # Of a record without a value the letter has an empty one: a letter without a value settles another.
    assert {letter.value() for letter in letters} == {value or b"" for value, _ in foreign} | {
        records[0].value
    }
    assert {dict(letter.headers()).get("ugc-dead-key") for letter in letters} == {
        b"k1",
        b"tombstone",
        None,
        b"k2",
    }
    assert all(letter.key().count(b":") == 2 for letter in letters)
    assert etl.end(signal.SIGTERM) == 0


def read_letters(stand: Stand, count: int) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": stand.settings.bootstrap(), "group.id": "letters"})
    place = TopicPartition(DEAD.name, 0, 0)
    _, high = consumer.get_watermark_offsets(place, timeout=10)
    consumer.assign([place])
    found = consumer.consume(high, timeout=10) if high >= count else []
    consumer.close()
    return found


def test_killed_again_and_again_it_leaves_each_event_once(stand: Stand, fresh: Any) -> None:
    chance = random.Random(1)
    traffic = Traffic(stand, fresh)
    traffic.start()
    for _ in range(3):
        etl = stand.etl()
        time.sleep(chance.uniform(0.1, 1.2))
        etl.end(signal.SIGKILL)
    stand.etl()
    stand.all_land_once(traffic.stop())


def test_a_killed_warehouse_delays_and_loses_nothing(stand: Stand, fresh: Any) -> None:
    chance = random.Random(2)
    etl = stand.etl()
    traffic = Traffic(stand, fresh)
    traffic.start()
    for _ in range(2):
        time.sleep(chance.uniform(0.5, 1.5))
        stand.warehouse.end(signal.SIGKILL)
        until(lambda: not etl.service.ready(), within_s=10, what="it says that it cannot work")
        stand.warehouse.start()
    stand.all_land_once(traffic.stop())
    until(etl.service.ready, within_s=10, what="it says that it works again")
    assert etl.process is not None
    assert etl.process.poll() is None
    assert b'"step_failed"' in etl.log.read_bytes()


def test_a_killed_broker_delays_and_loses_nothing(stand: Stand, fresh: Any) -> None:
    etl = stand.etl()
    traffic = Traffic(stand, fresh)
    traffic.start()
    time.sleep(1)
    stand.broker.end(signal.SIGKILL)
    time.sleep(0.5)
    stand.broker.start()
    stand.all_land_once(traffic.stop())
    assert etl.process is not None
    assert etl.process.poll() is None


def test_two_processes_share_the_work_and_one_is_killed(stand: Stand, fresh: Any) -> None:
    first = stand.etl(UGC_ETL_INSTANCE_ID="one")
    stand.etl(UGC_ETL_INSTANCE_ID="two", UGC_ETL_SESSION_TIMEOUT_MS="6000")
    traffic = Traffic(stand, fresh)
    traffic.start()
    time.sleep(2)
    first.end(signal.SIGKILL)
    time.sleep(1)
    stand.etl(UGC_ETL_INSTANCE_ID="one")
    stand.all_land_once(traffic.stop())


def test_two_processes_scale_out_and_both_move_events(stand: Stand, fresh: Any) -> None:
    both = [stand.etl(UGC_ETL_INSTANCE_ID=name) for name in ("one", "two")]
    until(
        lambda: len(lags(both[0])) == len(lags(both[1])) == 2, within_s=30, what="they share the partitions"
    )
    traffic = Traffic(stand, fresh)
    traffic.start()
    time.sleep(2)
    stand.all_land_once(traffic.stop())
    for etl in both:
        assert b'"range_moved"' in etl.log.read_bytes()
        assert etl.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_one_that_stands_still_past_its_session_writes_nothing_twice(
    stand: Stand, fresh: Any, protocol: str
) -> None:
    chosen = {"UGC_ETL_GROUP_PROTOCOL": protocol, "UGC_ETL_SESSION_TIMEOUT_MS": "6000"}
    chosen["UGC_ETL_GROUP_ID"] = f"stands-still-{protocol}"
    names = ("one", "two") if protocol == "classic" else ("", "")
    first, second = (stand.etl(UGC_ETL_INSTANCE_ID=name, **chosen) for name in names)
    traffic = Traffic(stand, fresh)
    traffic.start()
    time.sleep(1.5)
    assert first.process is not None
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    sent = traffic.stop()
    # KIP-848 sessions are the broker's: 45 s by default. Shorter than that it merely comes late.
    time.sleep(8 if protocol == "classic" else 2)
    first.process.send_signal(signal.SIGCONT)
    stand.all_land_once(sent)
    for etl in (first, second):
        assert etl.process is not None
        assert etl.process.poll() is None
        assert etl.end(signal.SIGTERM) == 0


def lags(etl: Child) -> dict[str, float]:
    """What it says of its partitions."""
    url = f"http://127.0.0.1:{etl.service.name.removeprefix('etl-')}/metrics"
    with urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith("ugc_etl_lag_events{")]
    return {name: float(value) for name, _, value in found}


def test_sigterm_ends_it_in_time_with_0_and_the_next_goes_on(stand: Stand, fresh: Any) -> None:
    traffic = Traffic(stand, fresh)
    traffic.start()
    for _ in range(2):
        etl = stand.etl()
        time.sleep(0.7)
        started = time.monotonic()
        assert etl.end(signal.SIGTERM) == 0
        assert time.monotonic() - started < 10
        # What was being stored was finished and committed: the next one has nothing to redo.
        assert b'"range_dropped"' not in etl.log.read_bytes()
    last = stand.etl()
    assert b'"redo":{}' in last.log.read_bytes()
    stand.all_land_once(traffic.stop())


def test_sigterm_ends_it_in_time_while_the_warehouse_hangs(stand: Stand, fresh: Any) -> None:
    etl = stand.etl(UGC_ETL_STOP_WITHIN_MS="1500")
    assert stand.warehouse.process is not None
    records = fresh(10)
    stand.warehouse.process.send_signal(signal.SIGSTOP)
    try:
        produce(stand, records)
        time.sleep(2)
        started = time.monotonic()
        assert etl.end(signal.SIGTERM) == 0
        assert 1 < time.monotonic() - started < 3
    finally:
        stand.warehouse.process.send_signal(signal.SIGCONT)
    assert b'"stopped_inside_a_step"' in etl.log.read_bytes()
    stand.etl()
    stand.all_land_once(ids(records))


def test_it_waits_for_a_warehouse_that_is_not_there_yet(stand: Stand, fresh: Any) -> None:
    records = fresh(10)
    produce(stand, records)
    stand.warehouse.end(signal.SIGKILL)
    etl = stand.etl_command()
    with etl.log.open("ab") as log:
        etl.process = subprocess.Popen(
            etl.service.command,
            stdout=log,
            stderr=log,
            env=clean_environment() | dict(etl.service.environment),
            cwd=ROOT,
        )
    until(lambda: b'"step_failed"' in etl.log.read_bytes(), within_s=20, what="it says what it waits for")
    assert etl.process.poll() is None
    stand.warehouse.start()
    stand.all_land_once(ids(records))


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"UGC_WRITER_PASSWORD": "wrong"}, "the warehouse does not let us in"),
        ({"UGC_WAREHOUSE_DSN": "missing"}, "`ugc migrate`"),
    ],
)
def test_what_waiting_does_not_mend_ends_it_with_1_and_one_line(
    stand: Stand, environment: dict[str, str], says: str
) -> None:
    if "UGC_WAREHOUSE_DSN" in environment:
        environment = {"UGC_WAREHOUSE_DSN": stand.settings.dsn("admin").replace("/ugc", "/default")}
    etl = stand.etl_command(UGC_LOG_LEVEL="info", **environment)
    ended = subprocess.run(
        etl.service.command,
        capture_output=True,
        env=clean_environment() | dict(etl.service.environment),
        cwd=ROOT,
        timeout=STEP_S,
        check=False,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    told = orjson.loads(line)
    assert (told["event"], told["level"]) == ("etl_stopped", "error")
    assert says in told["reason"]
