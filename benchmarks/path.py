"""The whole way of an event on a fresh local stack: sent over HTTP, acknowledged, stored, counted, asked for.

What is right is known beforehand: the generator has counted its own events and its own users by day.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.request import urlopen

from clickhouse_connect.driver.client import Client

from benchmarks.events import Known, Plan, bodies
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Cost
from benchmarks.frame.load import http1
from benchmarks.frame.load.apart import Generators
from benchmarks.frame.load.driving import Load
from benchmarks.frame.load.report import Report
from benchmarks.frame.session import Session
from benchmarks.frame.stack import Stack
from clickhouse.client import connect

POLL_S = 0.1
VISIBLE_WITHIN_S = 300
# Times of events end so long before now: the collector's clock is the same, and its future is refused.
AGE_MS = 1_000
_STEP = re.compile(r'^ugc_etl_step_seconds_sum\{step="(?P<step>\w+)"\} (?P<seconds>\S+)$', re.MULTILINE)

STORED = """
SELECT (SELECT count() FROM events_raw), (SELECT countMerge(actions) FROM events_by_quarter_hour)
"""
TIMES_OF_STORING = """
SELECT toUnixTimestamp64Milli(ingested_at) AS at, count() FROM events_raw
WHERE ingested_at >= fromUnixTimestamp64Milli({since:Int64}) GROUP BY at ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class Batch:
    """So many events, so many in a request, from so many connections at once."""

    events: int
    a_request: int
    connections: int

    @property
    def key(self) -> str:
        """How figures call it."""
        return f"b{self.a_request}"


@dataclass(frozen=True, slots=True)
class Sent:
    """One batch on its whole way: the two phases, and what the ETL and the generator said of it."""

    batch: Batch
    sending: Cost
    catching_up: Cost
    stored_a_second: float
    steps_s: dict[str, float]
    report: Report

    @property
    def phases(self) -> list[Cost]:
        return [self.sending, self.catching_up]

    @property
    def end_to_end_s(self) -> float:
        """From the first request to the answer of /stats/dau that was right."""
        return self.sending.wall_s + self.catching_up.wall_s


class Way:
    """A running stack, and what has gone into it so far."""

    def __init__(self, session: Session, stack: Stack, *, users: int) -> None:
        self.stack = stack
        self.known = Known()
        self.accepted = 0
        self._session = session
        self._users = users
        self._sends = 0
        self.reader: Client = connect(stack.dsn("reader"))

    def send(self, batch: Batch) -> Sent:
        """Send it, wait until all of it is counted, and check every count."""
        session = self._session
        before_steps = self.steps_s()
        since_ms = int(session.clock.now().timestamp() * 1000)
        with self.generators([self.load(batch)]) as generators:
            roles = {**self.stack.pids(), **generators.pids()}
            with session.watch(roles) as sending:
                report = generators.run()
            self.accepted += report.total
            with session.watch(roles) as catching_up:
                self._until_answered()
        self.check()
        return Sent(
            batch,
            sending.cost(units=batch.events),
            catching_up.cost(units=batch.events),
            self._stored_a_second(since_ms),
            {step: seconds - before_steps.get(step, 0.0) for step, seconds in self.steps_s().items()},
            report,
        )

    def load(self, batch: Batch) -> Load:
        """Requests with events nobody has sent yet, closed loop."""
        self._sends += 1
        now_ms = int(self._session.clock.now().timestamp() * 1000)
        plan = Plan(
            seed=self._session.seed * 1_000 + self._sends, users=self._users, ends_at_ms=now_ms - AGE_MS
        )
        made = bodies(plan, batch.events, a_request=batch.a_request, known=self.known)
        host = f"127.0.0.1:{self.stack.ports['UGC_API_PORT']}"
        headers = {"Content-Type": "application/json"}
        return Load(
            host="127.0.0.1",
            port=self.stack.ports["UGC_API_PORT"],
            requests=[http1.request("POST", "/events", host=host, body=b, headers=headers) for b in made],
            kind="closed",
            connections=batch.connections,
            total_of="accepted",
        )

    def generators(self, loads: Sequence[Load]) -> Generators:
        """Processes that send them."""
        directory = tempfile.mkdtemp(prefix="load-", dir=self._session.scratch)
        return Generators(loads, directory=Path(directory))

    def counts(self) -> tuple[int, int]:
        """Rows of raw, and events counted in the aggregate."""
        ((raw, counted),) = self.reader.query(STORED).result_rows
        return int(raw), int(counted)

    def dau(self) -> dict[date, int]:
        """What the stats API says of the days the generator's events are in."""
        days = list(self.known.dau)
        answer = self.stack.http_json(f"/stats/dau?from={days[0]}&to={days[-1]}")
        return {date.fromisoformat(day["date"]): int(day["users"]) for day in answer["data"]}

    def check(self) -> None:
        """Every count against the generator's own. Raises Void."""
        check, accepted = self._session.check, self.accepted
        check("events accepted, of those sent", self.known.events, accepted)
        raw, counted = self.counts()
        check("rows in events_raw, of events accepted", accepted, raw)
        check("events in the aggregate, of events accepted", accepted, counted)
        ((distinct,),) = self.reader.query("SELECT uniqExact(event_id) FROM events_raw").result_rows
        check("different ids in events_raw, of events accepted", accepted, int(distinct))
        check("/stats/dau, of the generator's users by day", self.known.dau, self.dau())

    def steps_s(self) -> dict[str, float]:
        """Seconds the ETL says it has spent in each of its steps."""
        url = f"http://127.0.0.1:{self.stack.ports['UGC_ETL_METRICS_PORT']}/metrics"
        with urlopen(url, timeout=10) as answer:
            text = answer.read().decode()
        return {found["step"]: float(found["seconds"]) for found in _STEP.finditer(text)}

    def _until_answered(self) -> None:
        """All of it is in raw and in the aggregate, and the question has been answered from there."""
        clock, accepted = self._session.clock, self.accepted
        deadline = clock.monotonic() + VISIBLE_WITHIN_S
        while min(counts := self.counts()) < accepted:
            if clock.monotonic() > deadline:
                raise BenchFailed(
                    f"after {VISIBLE_WITHIN_S} s {min(counts)} of {accepted} events were counted; "
                    "see the ETL's log"
                )
            clock.sleep(POLL_S)
        self.dau()

    def _stored_a_second(self, since_ms: int) -> float:
        """Rows a second while the ETL was storing: all but the first range, from the first to the last."""
        rows = self.reader.query(TIMES_OF_STORING, parameters={"since": since_ms}).result_rows
        if len(rows) < 2:
            return 0.0
        lasted_s = (int(rows[-1][0]) - int(rows[0][0])) / 1000
        return sum(int(count) for _, count in rows[1:]) / lasted_s


def disk_bytes(directory: Path) -> int:
    """What the files below it take on the disk; of a file with holes that is less than its size."""
    return sum(file.stat().st_blocks * 512 for file in directory.rglob("*") if file.is_file())
