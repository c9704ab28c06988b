"""Whether partitions are nobody's: asked of real groups, at told times."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AdminClient, NewTopic
from pipeline.told import ToldClock
from services import until

from contract.topics import EVENTS
from embedded.ports import free_port
from etl import abandoned, placing
from etl.abandoned import Abandonment
from etl.errors import Abandoned, Retryable

SESSION_S = 30.0
PARTITIONS = 2


class Shared:
    """A group, and two topics of as many partitions that it may read."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.name = f"left-{uuid.uuid4().hex[:8]}"
        self.topics = [replace(EVENTS, name=f"{self.name}-{n}", partitions=PARTITIONS).name for n in range(2)]
        made = self.admin.create_topics([NewTopic(each, PARTITIONS, 1) for each in self.topics])
        for each in made.values():
            each.result(10)
        self._members: list[Consumer] = []

    def member(self, *topics: str) -> Consumer:
        """One that has all partitions of these topics."""
        consumer = Consumer({"bootstrap.servers": self._bootstrap, "group.id": self.name})
        self._members.append(consumer)
        consumer.subscribe(list(topics))
        self.until_it_has(consumer, len(topics) * PARTITIONS)
        return consumer

    @staticmethod
    def until_it_has(consumer: Consumer, count: int) -> None:
        def has() -> bool:
            consumer.poll(0.05)
            return len(consumer.assignment()) == count

        until(has, within_s=20, what=f"the member has {count} partitions")

    def close(self) -> None:
        for each in self._members:
            each.close()


@pytest.fixture
def group(kafka_bootstrap: str) -> Iterator[Shared]:
    group = Shared(kafka_bootstrap)
    yield group
    group.close()


@pytest.fixture
def clock() -> ToldClock:
    return ToldClock()


def looking(admin: AdminClient, group: Shared, clock: ToldClock) -> Abandonment:
    """Whether the first of the two topics has been left."""
    return Abandonment(admin, group=group.name, topic=group.topics[0], session_s=SESSION_S, clock=clock)


@pytest.mark.stack
def test_what_is_nobodys_a_session_later_is_abandoned(group: Shared, clock: ToldClock) -> None:
    # Partitions of the same numbers, of another topic, are not these.
    group.member(group.topics[1])
    abandonment = looking(group.admin, group, clock)
    assert not abandonment.ruled_out()
    clock.sleep(SESSION_S - 0.1)
    assert not abandonment.ruled_out()
    clock.sleep(0.1)
    with pytest.raises(Abandoned, match=rf"{group.name} has left {group.topics[0]} \[0, 1\] to nobody"):
        abandonment.ruled_out()


@pytest.mark.stack
def test_what_somebody_takes_within_a_session_is_not(group: Shared, clock: ToldClock) -> None:
    """So a living member that is about to join again is not taken for a dead one."""
    member = group.member(group.topics[1])
    abandonment = looking(group.admin, group, clock)
    assert not abandonment.ruled_out()
    member.subscribe(group.topics)
    group.until_it_has(member, 2 * PARTITIONS)
    clock.sleep(SESSION_S)
    assert abandonment.ruled_out()


@pytest.mark.stack
def test_nothing_is_left_where_all_is_taken(group: Shared, clock: ToldClock) -> None:
    group.member(group.topics[0])
    assert looking(group.admin, group, clock).ruled_out()


@pytest.mark.stack
def test_nothing_is_left_by_a_group_that_is_not_stable(group: Shared, clock: ToldClock) -> None:
    """It is about to share out everything; here it has no members yet."""
    assert looking(group.admin, group, clock).ruled_out()


@pytest.mark.stack
def test_where_the_broker_does_not_say_it_is_asked_again(
    group: Shared, clock: ToldClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (abandoned, placing):
        monkeypatch.setattr(module, "ASK_TIMEOUT_S", 0.5)
    silent = AdminClient({"bootstrap.servers": f"127.0.0.1:{free_port()}", "log_level": 0})
    abandonment = looking(silent, group, clock)
    for _ in range(2):
        with pytest.raises(Retryable, match=f"cannot look at the group {group.name}"):
            abandonment.ruled_out()
