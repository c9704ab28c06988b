"""More processes than partitions: who has none is ready all the same, and takes over when another leaves."""

import uuid
from dataclasses import replace
from typing import Literal

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from services import until

from contract.topics import EVENTS
from embedded.ports import free_port
from etl.settings import EtlSettings
from etl.source import open_source
from telemetry.clock import SystemClock

Protocol = Literal["classic", "consumer"]


def settings(bootstrap: str, group: str, protocol: Protocol) -> EtlSettings:
    return EtlSettings(kafka_bootstrap=bootstrap, etl_group_id=group, etl_group_protocol=protocol)


@pytest.mark.stack
@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_member_without_a_partition_has_joined(kafka_bootstrap: str, protocol: Protocol) -> None:
    topic = replace(EVENTS, name=f"events-{uuid.uuid4().hex[:8]}", partitions=1)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(topic.name, 1, 1)])[topic.name].result(10)
    two = [
        open_source(settings(kafka_bootstrap, topic.name, protocol), topic, clock=SystemClock())
        for _ in range(2)
    ]

    def shared_out() -> bool:
        for each in two:
            each.poll(0.05)
        return sum(len(each.assignments) for each in two) == 1 and all(each.joined for each in two)

    def taken_over() -> bool:
        spare.poll(0.05)
        return len(spare.assignments) == 1

    try:
        assert not any(each.joined for each in two)
        until(shared_out, within_s=20, what="one has the partition, and both have joined")
        two.sort(key=lambda each: len(each.assignments))
        two.pop().close()
        (spare,) = two
        until(taken_over, within_s=20, what="the other takes it over")
    finally:
        for each in two:
            each.close()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_nobody_has_joined_where_no_broker_is(protocol: Protocol) -> None:
    source = open_source(settings(f"127.0.0.1:{free_port()}", "g", protocol), EVENTS, clock=SystemClock())
    try:
        for _ in range(30):
            source.poll(0.1)
        assert not source.joined
    finally:
        source.close()
