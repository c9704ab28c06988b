"""What a stranger waits for: ready, first event counted, ready again on the same data; and what it weighs.

Each round is a fresh data directory on free ports, run as `ugc up` runs, spoken to over HTTP only.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import urllib.request
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from telemetry.clock import Clock

ROOT = Path(__file__).parents[1]
IDLE_S = 10
WAIT_MAX_S = 60


class BenchmarkError(Exception):
    """A round did not do what it must; its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity over the rounds, and the most it may be."""

    name: str
    unit: str
    target: float
    values: list[float]

    @property
    def median(self) -> float:
        return round(statistics.median(self.values), 2)

    @property
    def reached(self) -> bool:
        return self.median <= self.target

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "median": self.median, "reached": self.reached}


def measure(scratch: Path, *, rounds: int, clock: Clock) -> list[Figure]:
    """Run `rounds` fresh stacks and return the figures. Raises BenchmarkError when one miscounts."""
    ready, first, restart, weight = [], [], [], []
    for number in range(rounds):
        stack = _Stack(scratch / str(number), clock)
        try:
            ready.append(stack.start())
            first.append(ready[-1] + stack.first_event_counted())
            clock.sleep(IDLE_S)
            weight.append(stack.resident_mb())
            stack.stop()
            restart.append(stack.start())
            stack.expect_users(1)
        finally:
            stack.stop()
    return [
        Figure("start → ready", "s", 15, ready),
        Figure("start → first event in /stats/dau", "s", 30, first),
        Figure("start on existing data → ready", "s", 15, restart),
        Figure("whole stack resident, idle", "MiB", 1536, weight),
    ]


class _Stack:
    def __init__(self, data_dir: Path, clock: Clock) -> None:
        self._clock = clock
        self._port = _free_port()
        self._process: subprocess.Popen[str] | None = None
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("UGC_")},
            "UGC_DATA_DIR": str(data_dir),
            "UGC_API_PORT": str(self._port),
            "UGC_KAFKA_PORT": str(_free_port()),
            "UGC_WAREHOUSE_PORT": str(_free_port()),
            "UGC_ETL_METRICS_PORT": str(_free_port()),
        }

    def start(self) -> float:
        """Seconds from the command to its own word that it is ready."""
        began = self._clock.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ops", "up", "--json"],
            stdout=subprocess.PIPE,
            text=True,
            env=self._environment,
            cwd=ROOT,
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise BenchmarkError("the stack did not start; its reason stands above")
        return round(self._clock.monotonic() - began, 2)

    def first_event_counted(self) -> float:
        """Seconds from sending one event to seeing it in /stats/dau."""
        began = self._clock.monotonic()
        event = {
            "event_id": str(uuid.uuid4()),
            "occurred_at": self._clock.now().isoformat(timespec="milliseconds"),
            "user_id": "stranger",
            "event_type": "click",
            "properties": {"element": "play"},
        }
        answer = self._http("/events", json.dumps(event).encode())
        if answer["accepted"] != 1:
            raise BenchmarkError(f"the first event was not accepted: {answer}")
        while self._users() != 1:
            if self._clock.monotonic() - began > WAIT_MAX_S:
                raise BenchmarkError("the first event was never counted")
            self._clock.sleep(0.05)
        return round(self._clock.monotonic() - began, 2)

    def expect_users(self, number: int) -> None:
        """What was counted before the restart still is, once."""
        found = self._users()
        if found != number:
            raise BenchmarkError(f"{found} users after the restart, {number} before it")

    def resident_mb(self) -> float:
        """Every process of the stack, its supervisor too."""
        if self._process is None:
            raise BenchmarkError("nothing runs")
        supervisor = psutil.Process(self._process.pid)
        family = [supervisor, *supervisor.children(recursive=True)]
        return float(round(sum(each.memory_info().rss for each in family) / 2**20))

    def stop(self) -> None:
        """End it in order and wait for it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.wait(WAIT_MAX_S)
        if process.stdout:
            process.stdout.close()

    def _users(self) -> int:
        today = f"{self._clock.now():%Y-%m-%d}"
        return int(self._http(f"/stats/dau?from={today}&to={today}")["data"][0]["users"])

    def _http(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"} if body else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", body, headers)
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - the stack started here
            return dict(json.load(response))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
