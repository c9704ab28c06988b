"""The topics are made once, checked for ever after, and keep messages as long as the setting says."""

import json
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic
from services import until

from contract.topics import Topic
from embedded.ports import free_port
from ops.cli import run
from ops.upkeep import topics
from ops.upkeep.topics import DAY_MS, TopicsFailed, TopicState, ensure, look
from telemetry.settings import Role

ONE = Topic("retained", partitions=2, message_bytes_max=100_000)
OTHER = Topic("retained.too", partitions=1, message_bytes_max=100_000)


@pytest.fixture
def bootstrap(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A broker without the topics; theirs have names that no other test uses."""
    monkeypatch.setattr(topics, "TOPICS", (ONE, OTHER))
    yield kafka_bootstrap
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    mine = [each.name for each in (ONE, OTHER)]
    for answer in admin.delete_topics(mine).values():
        answer.exception(10)
    until(lambda: not set(mine) & set(admin.list_topics().topics), within_s=10, what="topics deleted")


def told(bootstrap: str, topic: Topic) -> dict[str, str]:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    resource = ConfigResource(ResourceType.TOPIC, topic.name)
    values = admin.describe_configs([resource])[resource].result(10)
    return {name: entry.value for name, entry in values.items()}


def _set(bootstrap: str, topic: str, name: str, value: str) -> None:
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.incremental_alter_configs([change])[change].result(10)


@pytest.mark.stack
def test_a_retention_asked_for_later_is_applied_and_told_once(bootstrap: str) -> None:
    assert ensure(bootstrap, retention_days=7) == [
        TopicState("retained", 2, created=True),
        TopicState("retained.too", 1, created=True),
    ]
    assert told(bootstrap, ONE)["retention.ms"] == str(7 * DAY_MS)
    assert not any(each.created or each.retention_changed for each in ensure(bootstrap, retention_days=7))

    changed = ensure(bootstrap, retention_days=2)
    assert changed == [
        TopicState("retained", 2, created=False, retention_changed=True),
        TopicState("retained.too", 1, created=False, retention_changed=True),
    ]
    until(
        lambda: {told(bootstrap, each)["retention.ms"] for each in (ONE, OTHER)} == {str(2 * DAY_MS)},
        within_s=5,
        what="the new retention",
    )
    kept = told(bootstrap, ONE)
    assert (kept["max.message.bytes"], kept["retention.bytes"]) == ("100000", "-1"), "the rest stays"
    assert kept["segment.ms"] == str(DAY_MS), "only whole segments are deleted"
    assert ensure(bootstrap, retention_days=2) == look(bootstrap)


@pytest.mark.stack
def test_the_dead_letters_topic_is_brought_to_what_the_contract_says(
    bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = Topic("retained", 1, message_bytes_max=100_000, days_kept_min=3, compacted=True)
    monkeypatch.setattr(topics, "TOPICS", (Topic("retained", 1, message_bytes_max=50_000),))
    ensure(bootstrap, retention_days=1)
    assert told(bootstrap, letters)["cleanup.policy"] == "delete"
    week = str(7 * DAY_MS)
    _set(bootstrap, ONE.name, "segment.ms", week)
    until(lambda: told(bootstrap, letters)["segment.ms"] == week, within_s=5, what="what was set by hand")
    (state,) = ensure(bootstrap, retention_days=1)
    assert (state.retention_changed, state.config_changed) == (False, True), (
        "one made before is brought to it"
    )
    until(lambda: told(bootstrap, letters)["segment.ms"] == str(DAY_MS), within_s=5, what="shorter segments")
    monkeypatch.setattr(topics, "TOPICS", (letters,))
    (state,) = ensure(bootstrap, retention_days=1)
    assert (state.created, state.retention_changed, state.config_changed) == (False, True, True)
    wanted = {
        "cleanup.policy": "compact,delete",
        "delete.retention.ms": str(3 * DAY_MS),
        "max.message.bytes": "100000",
        "min.compaction.lag.ms": str(DAY_MS),
        "retention.ms": str(3 * DAY_MS),
    }
    until(lambda: wanted.items() <= told(bootstrap, letters).items(), within_s=5, what="the configuration")
    assert ensure(bootstrap, retention_days=2) == look(bootstrap), "and is left alone then"


@pytest.mark.stack
def test_a_topic_with_other_partitions_is_refused_and_none_is_changed(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for topic in (NewTopic(ONE.name, 2, 1), NewTopic(OTHER.name, 3, 1)):
        admin.create_topics([topic])[topic.topic].result(10)
    # The controller has made them; the broker tells of them a moment later.
    until(
        lambda: {ONE.name, OTHER.name} <= set(admin.list_topics().topics), within_s=10, what="both are told"
    )
    before = told(bootstrap, ONE)["retention.ms"]
    with pytest.raises(TopicsFailed, match=r"retained\.too has 3 partitions and the contract says 1"):
        ensure(bootstrap, retention_days=1)
    assert told(bootstrap, ONE)["retention.ms"] == before


@pytest.mark.stack
def test_a_retention_the_broker_refuses_is_one_line(bootstrap: str) -> None:
    ensure(bootstrap, retention_days=7)
    with pytest.raises(
        TopicsFailed, match=r"^cannot set retention\.ms of topic retained to -\d+: .*; allow it"
    ):
        ensure(bootstrap, retention_days=-5)


def test_where_nobody_answers_the_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "TIMEOUT_S", 0.3)
    where = f"127.0.0.1:{free_port()}"
    with pytest.raises(TopicsFailed, match=rf"^no broker answers at {where} .*UGC_KAFKA_BOOTSTRAP"):
        ensure(where, retention_days=7)


def test_a_broker_that_does_not_answer_in_time_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "TIMEOUT_S", 0.3)
    admin = topics._admin(f"127.0.0.1:{free_port()}")
    with pytest.raises(TopicsFailed, match=r"^cannot create topic retained: no answer within"):
        topics._create(admin, ONE, 7)
    with pytest.raises(
        TopicsFailed, match=r"^cannot set retention\.ms of topic retained .*: no answer in time;"
    ):
        topics._held(admin, TopicState(ONE.name, 2, created=False), {"retention.ms": "7"})


@pytest.mark.stack
def test_migrate_says_that_the_retention_changed(
    bootstrap: str,
    warehouse_dsn: Callable[[Role], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ensure(bootstrap, retention_days=7)
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", bootstrap)
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", warehouse_dsn("admin"))
    monkeypatch.setenv("UGC_TOPIC_RETENTION_DAYS", "2")
    assert run(["migrate"]) == 0
    assert "retained (2 partitions) is there, retention changed to 2 d" in capsys.readouterr().out
    monkeypatch.setenv("UGC_TOPIC_RETENTION_DAYS", "3")
    assert run(["migrate", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["topics"][0]
    assert first == {
        "name": "retained",
        "partitions": 2,
        "created": False,
        "retention_changed": True,
        "config_changed": False,
    }
