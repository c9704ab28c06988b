"""The kill campaign: processes are killed and frozen at random while clients send, then all must add up.

A campaign is told by its plan and its seed. The moment at which a kill meets a process is not in the seed:
the seed repeats the order and the pauses, not the microsecond.
"""

import importlib.metadata
import os
import platform
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from confluent_kafka import Consumer
from faults.group import ETL_GROUP, Group
from faults.stand import SESSION_MS, Child, Stand, eventually
from faults.traffic import Counts, Traffic
from faults.truth import Comparison, compare

from contract.topics import EVENTS

ETLS = ("etl-one", "etl-two")
# What a step does, to whom. A double kill ends two processes within the same millisecond.
KILLS = (
    *("etl", "warehouse", "broker", "collector"),
    *("etl+warehouse", "etl+etl", "broker+etl", "warehouse+broker"),
)
# Between the line of its deduplication log and the part it announces.
INSIDE_AN_INSERT = "warehouse inside an insert"
FREEZES = {
    "etl frozen, longer than its session": ("etl", SESSION_MS / 1000 + 2.5),
    "etl frozen, shorter than its session": ("etl", 1.5),
    "warehouse frozen": ("warehouse", 2.5),
    "broker frozen": ("broker", 1.5),
    "collector frozen": ("collector", 1.5),
}
MARKSMAN = Path(__file__).with_name("marksman.py")

CAMPAIGN_ETL = {"UGC_ETL_CANARY_INTERVAL_MS": "1000", "UGC_ETL_WAREHOUSE_TIMEOUT_MS": "20000"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How often what happens, and how long clients send."""

    seed: int
    kills: dict[str, int]
    freezes: dict[str, int]
    outages_s: dict[str, list[float]] = field(default_factory=dict)
    rebalancing_s: float = 0
    rebalance_every_s: float = 5
    pause_s: tuple[float, float] = (1.0, 3.0)
    events_per_s: float = 1_000
    days_first: int = 2
    days_last: int = 6

    def steps(self, random: Random) -> list[str]:
        """Everything that is to happen, in an order the seed decides."""
        steps = [each for each, count in {**self.kills, **self.freezes}.items() for _ in range(count)]
        steps += [f"{name} down {s:g} s" for name, those in self.outages_s.items() for s in those]
        if self.rebalancing_s:
            steps.append("rebalancing")
        random.shuffle(steps)
        return steps


@dataclass
class Result:
    """What happened and what did not add up."""

    seed: int
    duration_s: float
    kills: dict[str, int]
    killed_processes: int
    shot_inside_an_insert: int
    freezes: dict[str, int]
    outages_s: dict[str, list[float]]
    rebalances: int
    acknowledged: int
    stored: int
    unacknowledged: int
    unacknowledged_stored: int
    clients: Counts
    redone_ranges: int
    put_in_by_redos: dict[str, int]
    etl_said: dict[str, int]
    ended_themselves: dict[str, dict[str, int]]
    mismatches: list[str]
    versions: dict[str, str]


class Campaign:
    """One campaign on one stand; `run` is called once."""

    def __init__(self, directory: Path, plan: Plan, *, say: Callable[[str], None]) -> None:
        self.stand = Stand(directory)
        self._plan = plan
        self._say = say
        self._random = Random(plan.seed)
        self._done: Counter[str] = Counter()
        self._killed_processes = 0
        self._shot_inside_an_insert = 0
        self._rebalances = 0

    def run(self) -> Result:
        """Start, break, wait, compare. What does not add up is in the result, never an exception."""
        started = time.monotonic()
        stand, plan = self.stand, self._plan
        self._say(f"seed {plan.seed}")
        try:
            stand.start()
            etls = [stand.etl(name, UGC_ETL_INSTANCE_ID=name, **CAMPAIGN_ETL) for name in ETLS]
            collector = stand.collector()
            for child in (*etls, collector):
                child.spawn()
            collector.wait_ready()
            stand.keep(*stand.children.values())
            traffic = Traffic(
                stand.settings.api_port,
                seed=plan.seed,
                events_per_s=plan.events_per_s,
                days_max=plan.days_first,
            ).start()
            self._break(traffic)
            compared, late = self._settle(traffic)
            return self._result(traffic, compared, late, time.monotonic() - started)
        finally:
            stand.stop()

    def _break(self, traffic: Traffic) -> None:
        steps = self._plan.steps(self._random)
        days = self._plan.days_last - self._plan.days_first
        for number, step in enumerate(steps):
            traffic.days_max = self._plan.days_first + round(days * number / len(steps))
            time.sleep(self._random.uniform(*self._plan.pause_s))
            self._say(f"{number + 1}/{len(steps)} {step}; {len(traffic.ledger.acknowledged)} acknowledged")
            self._step(step)
            self._done[step] += 1

    def _step(self, step: str) -> None:
        if step in KILLS:
            self._kill(self._victims(step))
        elif step == INSIDE_AN_INSERT:
            self._shoot(self.stand.warehouse)
        elif step in FREEZES:
            name, seconds = FREEZES[step]
            (victim,) = self._victims(name)
            victim.freeze()
            time.sleep(seconds)
            victim.thaw()
        elif step == "rebalancing":
            self._rebalance(self._plan.rebalancing_s)
        else:
            name, _, seconds, _ = step.split()
            self._outage(self.stand.children[name], float(seconds))

    def _victims(self, step: str) -> list[Child]:
        """Who it meets; both ETLs when it names two, the same process never twice."""
        etls = self._random.sample(ETLS, k=2)
        return [self.stand.children[etls.pop() if name == "etl" else name] for name in step.split("+")]

    def _kill(self, victims: list[Child]) -> None:
        for victim in victims:
            eventually(victim.runs, within_s=30, what=f"{victim.name} runs")
        # The instant matters: somewhere within a few round trips of the pipeline.
        time.sleep(self._random.uniform(0, 0.25))
        for victim in victims:
            victim.send(signal.SIGKILL, group=False)
            self._killed_processes += 1

    def _shoot(self, warehouse: Child) -> None:
        folders = eventually(lambda: token_logs(self.stand), within_s=30, what="the warehouse answers")
        times = self._random.randrange(1, 9)
        command = [sys.executable, "-I", "-S", str(MARKSMAN), str(warehouse.pid), str(times), "20", *folders]
        shot = subprocess.run(command, check=False).returncode == 0
        self._shot_inside_an_insert += shot
        if not shot:
            warehouse.send(signal.SIGKILL, group=False)
        self._killed_processes += 1

    def _outage(self, victim: Child, seconds: float) -> None:
        victim.kept = False
        victim.send(signal.SIGKILL, group=False)
        self._killed_processes += 1
        time.sleep(seconds)
        victim.kept = True

    def _rebalance(self, seconds: float) -> None:
        """A member that handles nothing comes and goes."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with_guest(self.stand.settings.bootstrap(), self._plan.rebalance_every_s / 2)
            self._rebalances += 2
            time.sleep(self._plan.rebalance_every_s / 2)

    def _settle(self, traffic: Traffic) -> tuple[Comparison, list[str]]:
        stand, late = self.stand, []
        for child in stand.children.values():
            child.thaw()
        stand.children["collector"].wait_ready()
        ledger = traffic.stop()
        self._say("quiet; waiting until all is moved")
        group = Group(stand.settings.bootstrap())
        try:
            group.wait_drained(within_s=300)
            # A zombie that was woken late may still act.
            time.sleep(1.5)
            letters = len(group.letters())
            if letters:
                late.append(f"{letters} dead letters of good events")
        except AssertionError as error:
            late.append(f"not drained: {error}; bounds {group.bounds()}, commits {group.commits()}")
        finally:
            group.close()
        client = stand.admin()
        try:
            return compare(client, ledger), late
        finally:
            client.close()

    def _result(self, traffic: Traffic, compared: Comparison, late: list[str], duration_s: float) -> Result:
        children = self.stand.children
        lines = [line for name in ETLS for line in children[name].said()]
        kills = {step: count for step, count in self._done.items() if step in (*KILLS, INSIDE_AN_INSERT)}
        return Result(
            seed=self._plan.seed,
            duration_s=round(duration_s, 1),
            kills=kills,
            killed_processes=self._killed_processes,
            shot_inside_an_insert=self._shot_inside_an_insert,
            freezes={step: count for step, count in self._done.items() if step in FREEZES},
            outages_s=self._plan.outages_s,
            rebalances=self._rebalances,
            acknowledged=len(traffic.ledger.acknowledged),
            stored=compared.rows,
            unacknowledged=len(traffic.ledger.unknown),
            unacknowledged_stored=compared.unknown_stored,
            clients=traffic.counts,
            redone_ranges=sum(len(line.get("redo") or ()) for line in lines),
            put_in_by_redos=dict(_mended(lines)),
            etl_said=dict(Counter(str(line["event"]) for line in lines if "event" in line).most_common()),
            ended_themselves={
                name: {str(code): count for code, count in child.ended_itself.items()}
                for name, child in children.items()
                if child.ended_itself
            },
            mismatches=compared.mismatches + late,
            versions=versions(self.stand),
        )


def _mended(lines: list[dict[str, Any]]) -> Counter[str]:
    """Rows that redos, and inserts whose answer was lost, found missing and put in: by table."""
    mended: Counter[str] = Counter()
    for line in lines:
        if line.get("event") == "range_mended":
            mended["events_raw"] += line["raw"]
            mended.update(line["targets"])
    return mended


def token_logs(stand: Stand) -> list[str]:
    """Where the warehouse remembers the tokens of raw and of what is counted from it."""
    tables = stand.sql(
        "SELECT data_paths FROM system.tables WHERE database = 'ugc' AND engine LIKE '%MergeTree'"
    )
    folders = [f"{path}/deduplication_logs" for (paths,) in tables for path in paths]
    return [folder for folder in folders if Path(folder).is_dir()]


def with_guest(bootstrap: str, seconds: float) -> None:
    """A member of the ETL's group that takes its share of partitions, does nothing, and leaves."""
    guest = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": ETL_GROUP,
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": SESSION_MS,
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    try:
        guest.subscribe([EVENTS.name])
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            guest.poll(0.1)
    finally:
        guest.close()


def versions(stand: Stand) -> dict[str, str]:
    """Of what was proven."""
    return {
        "python": platform.python_version(),
        "cpus": str(os.cpu_count()),
        "clickhouse": str(
            eventually(lambda: stand.sql("SELECT version()"), within_s=10, what="a version")[0][0]
        ),
        **{
            name: importlib.metadata.version(name)
            for name in ("chdb", "confluent-kafka", "clickhouse-connect")
        },
    }
