"""A real broker: it keeps what it acknowledged through any death of its process, and says what is wrong."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from services import until

from embedded.broker.config import BrokerConfig
from embedded.broker.download import MavenDownload
from embedded.broker.jars import pinned_jars
from embedded.broker.java import java_environment
from embedded.broker.node import Broker
from embedded.broker.probe import serves
from embedded.broker.properties import properties, render
from embedded.broker.start import class_archive
from embedded.broker.storage import cluster_id_of, new_cluster_id
from embedded.ports import free_port
from telemetry.clock import SystemClock

CACHE = Path("~/.cache/ugc").expanduser()
TOPIC = "kept"
COMES_BACK_WITHIN_S = 8


class Running:
    """A broker and the process that is it."""

    def __init__(self, config: BrokerConfig) -> None:
        self._clock = SystemClock()
        self.config = config
        self.broker = Broker(config, clock=self._clock, fetch=MavenDownload(clock=self._clock))
        self.output = config.data_dir / "output.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                self.broker.command(), stdout=output, stderr=output, start_new_session=True
            )
        deadline = self._clock.monotonic() + COMES_BACK_WITHIN_S
        while not self.broker.serves():
            assert self.process.poll() is None, self.output.read_text()
            assert self._clock.monotonic() < deadline, f"no service within {COMES_BACK_WITHIN_S} s"
            self._clock.sleep(0.05)

    def end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(BrokerConfig(data_dir=tmp_path, cache_dir=CACHE, port=free_port()))
    made.broker.prepare(out=io.StringIO())
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)


def create_topic(config: BrokerConfig) -> None:
    admin = AdminClient({"bootstrap.servers": config.bootstrap})
    admin.create_topics([NewTopic(TOPIC, 2, 1)])[TOPIC].result(10)


def produce(config: BrokerConfig, count: int) -> set[bytes]:
    """Send and wait for every acknowledgement; returns the ids."""
    refused: list[object] = []
    ids = {uuid.uuid4().bytes for _ in range(count)}
    producer = Producer({"bootstrap.servers": config.bootstrap, "acks": "all", "log_level": 0})
    for each in ids:
        producer.produce(TOPIC, each, on_delivery=lambda error, _: refused.append(error) if error else None)
    assert producer.flush(20) == 0
    assert not refused
    return ids


def stored(config: BrokerConfig) -> list[bytes]:
    """Everything in the topic, read from its beginning to its end."""
    consumer = Consumer({"bootstrap.servers": config.bootstrap, "group.id": "reader", "log_level": 0})
    found: list[bytes] = []
    for partition in range(2):
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, partition), timeout=10)
        consumer.assign([TopicPartition(TOPIC, partition, 0)])
        read = 0
        while read < end:
            for message in consumer.consume(end - read, 5):
                assert message.error() is None
                found.append(message.value() or b"")
                read += 1
    consumer.close()
    return found


@pytest.mark.stack
def test_what_was_acknowledged_outlives_a_stop_and_a_kill(running: Running) -> None:
    create_topic(running.config)
    cluster = cluster_id_of(running.config.log_dir)
    sent = produce(running.config, 500)

    assert running.end(signal.SIGTERM) == 128 + signal.SIGTERM
    running.start()
    sent |= produce(running.config, 500)
    running.end(signal.SIGKILL)
    running.start()

    found = stored(running.config)
    assert len(found) == len(sent) == 1000
    assert set(found) == sent
    assert cluster_id_of(running.config.log_dir) == cluster


@pytest.mark.stack
def test_what_java_unpacks_stays_with_the_data_and_is_swept_after_a_kill(running: Running) -> None:
    """lz4 unpacks its library at every start; in /tmp each kill would leave one more, for ever."""
    create_topic(running.config)
    producer = Producer({"bootstrap.servers": running.config.bootstrap, "compression.type": "lz4"})
    producer.produce(TOPIC, b"x" * 1000)
    assert producer.flush(20) == 0

    def unpacked() -> set[str]:
        return {each.name for each in running.config.scratch_dir.glob("liblz4*")}

    first = until(unpacked, within_s=10, what="a library in the scratch directory")
    running.end(signal.SIGKILL)
    assert unpacked() == first
    running.start()
    assert not unpacked() & first


@pytest.mark.stack
def test_a_group_keeps_its_place_and_its_note_through_a_kill(running: Running) -> None:
    create_topic(running.config)
    produce(running.config, 10)
    client = {"bootstrap.servers": running.config.bootstrap, "group.id": "g", "log_level": 0}
    note = "intent " + "x" * 4000
    consumer = Consumer({**client, "enable.auto.commit": False})
    consumer.commit(offsets=[TopicPartition(TOPIC, 0, 3, note)], asynchronous=False)
    consumer.close()

    running.end(signal.SIGKILL)
    running.start()

    reader = Consumer(client)
    kept = reader.committed([TopicPartition(TOPIC, 0)], timeout=10)[0]
    reader.close()
    assert (kept.offset, kept.metadata) == (3, note)


@pytest.mark.stack
def test_it_stays_small_listens_on_this_machine_alone_and_makes_no_topic_unasked(running: Running) -> None:
    assert running.process is not None
    process = psutil.Process(running.process.pid)
    assert process.name() == "java", "our own process became java, so signals reach it"
    assert process.memory_info().rss < 400 * 2**20
    listening = {c.laddr.ip for c in process.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}

    admin = AdminClient({"bootstrap.servers": running.config.bootstrap})
    assert "misspelt" not in admin.list_topics("misspelt", timeout=5).topics or (
        admin.list_topics("misspelt", timeout=5).topics["misspelt"].error is not None
    )
    answers = admin.describe_configs([ConfigResource(ResourceType.BROKER, "1")])
    told = next(iter(answers.values())).result(10)
    assert told["log.retention.ms"].value == str(7 * 24 * 3600 * 1000)
    assert told["broker.session.timeout.ms"].value == "2000"


@pytest.mark.stack
def test_a_prepared_broker_is_formatted_once_and_half_a_format_is_redone(tmp_path: Path) -> None:
    config = BrokerConfig(data_dir=tmp_path, cache_dir=CACHE, port=free_port())
    half = config.home / ".formatting" / "kafka" / "data"
    half.mkdir(parents=True)
    (half / "meta.properties").write_text("cluster.id=of-a-killed-run\n")
    broker = Running(config).broker
    broker.prepare(out=io.StringIO())
    first = cluster_id_of(config.log_dir)
    assert first not in {None, "of-a-killed-run"}
    assert not (config.home / ".formatting").exists()
    out = io.StringIO()
    broker.prepare(out=out)
    assert cluster_id_of(config.log_dir) == first
    assert out.getvalue() == "", "nothing to download or to make: nothing to say"


@pytest.mark.stack
def test_a_port_taken_behind_its_back_ends_it_with_the_reason_in_its_log(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        running = Running(BrokerConfig(data_dir=tmp_path, cache_dir=CACHE, port=taken.getsockname()[1]))
        running.broker.prepare(out=io.StringIO())
        done = subprocess.run(
            running.broker.command(), capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode != 0
    assert "Address already in use" in done.stdout


@pytest.mark.stack
def test_a_jar_damaged_after_all_was_prepared_is_named_before_java_runs(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    Running(BrokerConfig(data_dir=tmp_path / "a", cache_dir=CACHE, port=1)).broker.prepare(out=io.StringIO())
    shutil.copytree(CACHE / "jars", cache / "jars")
    victim = cache / "jars" / "kafka-clients-4.3.0.jar"
    with victim.open("r+b") as file:
        file.seek(5_000_000)
        file.write(b"?")
    running = Running(BrokerConfig(data_dir=tmp_path / "b", cache_dir=cache, port=free_port()))
    done = subprocess.run(running.broker.command(), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"broker: {victim} is not the file that was pinned; start again")
    assert not (tmp_path / "b" / "kafka").exists()


@pytest.mark.stack
def test_the_class_archive_is_made_once_and_java_takes_it(running: Running) -> None:
    archive = class_archive(running.config, pinned_jars()).find()
    assert archive is not None
    assert running.process is not None
    mapped = {each.path for each in psutil.Process(running.process.pid).memory_maps()}
    assert str(archive) in mapped


def test_the_configuration_goes_through_one_argument_unharmed(tmp_path: Path) -> None:
    config = BrokerConfig(data_dir=tmp_path / "a b", cache_dir=tmp_path, port=9092, java=Path("/opt/java"))
    assert BrokerConfig.from_json(config.to_json()) == config
    assert BrokerConfig.from_json(replace(config, java=None).to_json()).java is None


def test_every_limit_of_the_broker_follows_its_configuration(tmp_path: Path) -> None:
    config = BrokerConfig(
        data_dir=tmp_path, cache_dir=tmp_path, port=9092, retention_days=3, message_bytes_max=99
    )
    told = properties(config, controller_port=4)
    assert told["log.retention.ms"] == str(3 * 86_400_000)
    assert told["message.max.bytes"] == "99"
    assert told["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:4"
    assert all(value == "1" for name, value in told.items() if name.endswith("replication.factor"))
    assert "log.dirs=C:\\\\x\n" in render({"log.dirs": "C:\\x"})


def test_nothing_in_the_environment_slips_options_into_java() -> None:
    given = {"JAVA_TOOL_OPTIONS": "-javaagent:x", "CLASSPATH": "y", "HOME": "/h"}
    assert java_environment(given) == {"HOME": "/h", "MALLOC_ARENA_MAX": "2"}


def test_a_silent_listener_is_no_broker() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not serves(silent.getsockname()[1])
    assert not serves(free_port())


def test_cluster_ids_are_what_kafka_reads() -> None:
    ids = {new_cluster_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(each) == 22 and not each.startswith("-") for each in ids)


def test_what_runs_before_every_start_loads_no_client_and_no_network_library() -> None:
    code = "import sys, embedded.broker.__main__; print(*sys.modules)"
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert not {"confluent_kafka", "requests", "rich", "jgo", "structlog"} & set(done.stdout.split())
