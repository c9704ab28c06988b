"""Whatever is killed, whenever: what was answered 202 is stored once, and counted once, everywhere."""

import sys
from pathlib import Path
from random import SystemRandom

import pytest
from faults.campaign import Campaign, Plan

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

KILLS = {
    "etl": 6,
    "warehouse": 2,
    "warehouse inside an insert": 5,
    "broker": 2,
    "collector": 2,
    "etl+warehouse": 2,
    "etl+etl": 1,
}
FREEZES = {
    "etl frozen, longer than its session": 1,
    "etl frozen, shorter than its session": 2,
    "warehouse frozen": 1,
    "broker frozen": 1,
    "collector frozen": 1,
}


def test_twenty_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    plan = Plan(seed=SystemRandom().randrange(1_000_000), kills=KILLS, freezes=FREEZES)
    result = Campaign(tmp_path / "data", plan, say=lambda text: sys.stderr.write(f"{text}\n")).run()
    assert not result.mismatches, "\n".join([*result.mismatches, str(result)])
    assert result.clients.other == []
    assert result.killed_processes >= 20
    # Or the kills met nobody at work, and this proved nothing.
    assert result.redone_ranges > 0
    assert result.shot_inside_an_insert > 0
    assert result.acknowledged > 5_000
