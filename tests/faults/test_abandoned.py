"""Partitions that the group has left to nobody are found by whoever comes back under its name."""

import subprocess
import sys
from collections.abc import Callable
from random import Random

import pytest
from faults import happenings
from faults.group import Group
from faults.stand import Child, Stand
from services import ROOT

from contract.topics import EVENTS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

# So long its name is kept; longer than another process takes to start.
KEPT_MS = 20_000
# A member of the group that has all its partitions, and dies when it is told to give some of them away.
DIES_GIVING = """
import os, signal, sys
from contract.topics import EVENTS
from etl.settings import EtlSettings
from etl.source import KafkaSource, open_source
from telemetry.clock import SystemClock

KafkaSource._on_revoke = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
bootstrap, session_ms = sys.argv[1:]
settings = EtlSettings(kafka_bootstrap=bootstrap, etl_instance_id="one", etl_session_timeout_ms=session_ms)
source = open_source(settings, EVENTS, clock=SystemClock())
while True:
    source.poll(0.1)
    if len(source.assignments) == EVENTS.partitions:
        print("has all", flush=True)
"""


def test_killed_while_it_gave_partitions_away(
    stand: Stand,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
) -> None:
    command = [sys.executable, "-c", DIES_GIVING, stand.settings.bootstrap(), str(KEPT_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as dying:
        assert dying.stdout is not None
        assert b"has all\n" in dying.stdout
        etl("two")
        assert dying.wait(30) == -9
    back = etl("one", UGC_ETL_INSTANCE_ID="one")
    records = {partition: happenings.records(random, 20) for partition in range(EVENTS.partitions)}
    group.send_by_partition(records)
    all_once({each for some in records.values() for each in happenings.ids(some)})
    assert any("has left events" in line.get("reason", "") for line in back.said())
