"""Where the broker shares out the partitions (KIP-848): a member that is killed is followed by another."""

import signal
import time
from collections.abc import Callable
from random import Random

import pytest
from faults.stand import Child, Stand
from faults.stream import Stream

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

BROKER_SHARES = {"UGC_ETL_GROUP_PROTOCOL": "consumer"}


def test_killed_and_started_again_under_its_name(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    first = etl("first", UGC_ETL_INSTANCE_ID="one", **BROKER_SHARES)
    stream = Stream(stand, random)
    stream.start()
    time.sleep(1)
    first.end(signal.SIGKILL)
    again = stand.etl("again", UGC_ETL_INSTANCE_ID="one", **BROKER_SHARES)
    again.spawn()
    time.sleep(1)
    ids = stream.stop()
    again.wait_ready()
    all_once(ids)
    assert again.runs()
