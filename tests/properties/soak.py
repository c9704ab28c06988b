"""The long comparison: `PYTHONPATH=tests .venv/bin/python -m properties.soak`, as `make soak` runs it.

At least 20,000 histories that nobody chose, every answer of each held against that of the oracle. The result
goes to benchmarks/results/soak/answers.json, without a word of the machine. Exits with 1 when any answer
differs; the smallest history that shows it is printed and kept there.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

from hypothesis import HealthCheck, Phase, given, seed, settings
from properties.comparing import mismatches
from properties.loading import Loader, warehouse_on
from properties.questions import Case, cases
from properties.standing import StandingClock
from services import ROOT

from clickhouse.client import connect
from clickhouse.warehouse import Warehouse

RESULT = ROOT / "benchmarks" / "results" / "soak" / "answers.json"
# Hypothesis remembers what it tried; so many at a time keeps that small.
ROUND = 500


@dataclass
class Result:
    """What one process, or all of them, saw."""

    histories: int = 0
    events: int = 0
    with_segments: int = 0
    in_other_zones: int = 0
    seeds: list[int] = field(default_factory=list)
    different: list[str] = field(default_factory=list)

    def add(self, other: "Result") -> None:
        """Take in what another one saw."""
        self.histories += other.histories
        self.events += other.events
        self.with_segments += other.with_segments
        self.in_other_zones += other.in_other_zones
        self.seeds += other.seeds
        self.different += other.different


def compare(first_seed: int, histories: int, folder: Path) -> Result:
    """So many histories and a few more, in a warehouse of its own."""
    result, clock = Result(), StandingClock()
    with warehouse_on(folder / "warehouse") as process:
        loader = Loader(process, quick=True)
        client = connect(process.dsn("reader"))
        warehouse = Warehouse(client, clock=clock)

        def check(case: Case) -> None:
            result.histories += 1
            result.events += len(case.history.events())
            result.with_segments += bool(case.asked.segments)
            result.in_other_zones += case.asked.tz != "UTC"
            loader.load(case.history)
            clock.at = case.history.now
            assert mismatches(case, warehouse) == []

        while result.histories < histories:
            result.seeds.append(first_seed + len(result.seeds))
            _round(result, check, min(ROUND, histories - result.histories))
        loader.close()
        client.close()
    return result


def _round(result: Result, check: Callable[[Case], None], histories: int) -> None:
    """One round; what it found is in the result, never raised."""
    chosen = settings(
        max_examples=histories,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    try:
        seed(result.seeds[-1])(chosen(given(case=cases())(check)))()
    except Exception as error:  # noqa: BLE001 - whatever it is, the others go on and it is reported
        result.different.append("".join(traceback.format_exception_only(error)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=20_000, help="at least so many")
    parser.add_argument("--processes", type=int, default=2, help="each with a warehouse of its own")
    parser.add_argument("--seed", type=int, default=None, help="repeats an earlier run")
    parser.add_argument("--result", type=Path, default=RESULT, help="where its JSON goes")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("UGC_")]:
        del os.environ[name]
    first_seed = SystemRandom().randrange(1_000_000) * 1_000_000 if asked.seed is None else asked.seed
    share, began = -(-asked.histories // asked.processes), time.monotonic()
    whole = Result()
    with (
        tempfile.TemporaryDirectory(prefix="ugc-answers-") as folder,
        ProcessPoolExecutor(asked.processes, mp_context=multiprocessing.get_context("spawn")) as pool,
    ):
        running = []
        for number in range(asked.processes):
            own = Path(folder) / str(number)
            own.mkdir()
            running.append(pool.submit(compare, first_seed + number * 100_000, share, own))
        for each in running:
            whole.add(each.result())
    document = {
        "what": "every answer of the warehouse about generated histories equals the oracle's",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began),
        **asdict(whole),
        "passed": not whole.different,
    }
    asked.result.parent.mkdir(parents=True, exist_ok=True)
    asked.result.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    for different in whole.different:
        sys.stderr.write(different + "\n")
    sys.stderr.write(f"{whole.histories} histories, {len(whole.different)} with a wrong answer\n")
    return 1 if whole.different else 0


if __name__ == "__main__":
    sys.exit(main())
