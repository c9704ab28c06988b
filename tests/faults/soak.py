"""The long kill campaign: `PYTHONPATH=tests .venv/bin/python -m faults.soak`, as `make soak` runs it.

At least 200 kills, outages of a minute and more, minutes of rebalancing, ever more days; then ten minutes
without a broker (faults/long_outage.py). Results go to benchmarks/results/soak, without a word of the
machine's name or its folders. Exits with 1 when anything does not add up; the data then stays where the last
line says.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any

from faults import long_outage
from faults.campaign import FREEZES, INSIDE_AN_INSERT, Campaign, Plan, Result
from services import ROOT

RESULT = ROOT / "benchmarks" / "results" / "soak" / "campaign.json"

# In a hundred kills.
SHARES = {
    "etl": 30,
    "warehouse": 12,
    INSIDE_AN_INSERT: 24,
    "broker": 8,
    "collector": 6,
    "etl+warehouse": 4,
    "etl+etl": 3,
    "broker+etl": 2,
    "warehouse+broker": 1,
}
OUTAGES_S = {"warehouse": [60.0, 75.0], "broker": [60.0, 75.0]}
# Minutes without a broker, and events before that.
LONG_OUTAGE, SHORT_OUTAGE = (10.0, 1_000_000), (0.5, 20_000)


def plan(seed: int, *, kills: int, long_outages: bool) -> Plan:
    """So many kills and more; what meets two processes counts twice."""
    part = kills / sum(SHARES.values())
    return Plan(
        seed=seed,
        kills={each: max(1, round(share * part)) for each, share in SHARES.items()},
        freezes=dict.fromkeys(FREEZES, max(1, round(kills / 40))),
        outages_s=OUTAGES_S if long_outages else {},
        rebalancing_s=120 if long_outages else 10,
        pause_s=(0.8, 4.0),
        events_per_s=800,
        days_first=2,
        days_last=25,
    )


def document(result: Result) -> dict[str, Any]:
    """What is kept of it."""
    return {
        "what": "kill campaign: every event answered 202 is stored once and counted once",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(result),
        "passed": not result.mismatches,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200, help="at least so many")
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier order of events")
    parser.add_argument("--short", action="store_true", help="no outages of a minute; for trying it out")
    parser.add_argument("--result", type=Path, default=RESULT, help="where its JSON goes")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("UGC_")]:
        del os.environ[name]
    seed = SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    directory = Path(tempfile.mkdtemp(prefix="ugc-soak-"))
    campaign = Campaign(
        directory / "data", plan(seed, kills=asked.kills, long_outages=not asked.short), say=say
    )
    result = campaign.run()
    asked.result.parent.mkdir(parents=True, exist_ok=True)
    asked.result.write_text(json.dumps(document(result), indent=2) + "\n", encoding="utf-8")
    say(f"{result.killed_processes} kills, {result.acknowledged} events, {len(result.mismatches)} mismatches")
    for mismatch in result.mismatches:
        say(mismatch)
    if result.mismatches:
        say(f"data and logs stay in {directory}")
    else:
        shutil.rmtree(directory)
    minutes, events = SHORT_OUTAGE if asked.short else LONG_OUTAGE
    file = asked.result.with_name(long_outage.RESULT.name)
    grown = long_outage.soak(file, minutes=minutes, events=events, seed=seed, say=say)
    return 1 if result.mismatches else grown


def say(text: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
