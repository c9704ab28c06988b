"""A process that is closed while the group shares its partitions anew leaves it, and at once."""

import subprocess
import sys
import time
import uuid
from dataclasses import replace

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from services import ROOT, until

from contract.topics import EVENTS

PARTITIONS = 2
LEFT_WITHIN_S = 5.0

# In a process of its own: what is tested against keeps the interpreter's lock for ever.
LEAVES = """
import faulthandler, sys
from dataclasses import replace
from contract.topics import EVENTS
from etl.settings import EtlSettings
from etl.source import open_source
from telemetry.clock import SystemClock

bootstrap, topic, instance, protocol = sys.argv[1:]
settings = EtlSettings(
    kafka_bootstrap=bootstrap, etl_group_id=topic, etl_instance_id=instance, etl_group_protocol=protocol
)
faulthandler.dump_traceback_later(60, exit=True)
source = open_source(settings, replace(EVENTS, name=topic), clock=SystemClock())
# Partitions come to librdkafka meanwhile; we are told of them by polls, and there are none.
sys.stdin.readline()
source.close()
print("left", source.assignments)
"""


@pytest.mark.stack
@pytest.mark.parametrize(
    ("instance", "protocol"),
    [("", "classic"), ("one", "classic"), ("", "consumer")],
    ids=["a member", "a static member", "kip-848"],
)
def test_closed_while_partitions_wait_to_be_taken_over(
    kafka_bootstrap: str, instance: str, protocol: str
) -> None:
    topic = replace(EVENTS, name=f"events-{uuid.uuid4().hex[:8]}", partitions=PARTITIONS)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(topic.name, PARTITIONS, 1)])[topic.name].result(10)

    def shared_out() -> bool:
        group = admin.describe_consumer_groups([topic.name])[topic.name].result(10)
        return any(member.assignment.topic_partitions for member in group.members)

    with subprocess.Popen(
        [sys.executable, "-c", LEAVES, kafka_bootstrap, topic.name, instance, protocol],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    ) as process:
        try:
            until(shared_out, within_s=30, what="partitions for the member")
            # From the coordinator's answer to the callback that waits in the member's queue.
            time.sleep(0.5)
            began = time.monotonic()
            said, _ = process.communicate("now\n", timeout=90)
            took = time.monotonic() - began
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert said.endswith("left {}\n")
    assert took < LEFT_WITHIN_S
