"""A broker away for minutes under load: `PYTHONPATH=tests .venv/bin/python -m faults.long_outage`.

First a million events, so that whatever grows with events has grown. Then the broker hangs, and after a while
is killed: every request must be answered within its deadline with 503 and Retry-After, in the same memory and
threads all the while. Then it comes back, and the same processes must accept events within seconds.
"""

import argparse
import http.client
import json
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import orjson
import psutil
from faults import happenings
from faults.stand import Stand
from services import ROOT

from ugc_api.settings import ApiSettings

RESULT = ROOT / "benchmarks" / "results" / "soak" / "outage.json"
MIB = 2**20
# One collector process, with the settings it has by default.
SETTINGS = {"UGC_REMEMBERED_IDS_MAX": "100000"}
ACK_DEADLINE_S = 5.0
# What a busy machine may add to the deadline.
GRACE_S = 1.0
WORKER_MIB_MAX = 150.0
ACCEPTED_AGAIN_S_MAX = 5.0
# Shares of the outage: so long the broker takes connections and answers nothing, then it is gone; and what
# was needed by then must do for the rest.
HANGING = 0.25
SETTLED_AFTER = 0.4
GROWTH_MIB_MAX = 8.0
# Those that answer requests come one by one, each when all others are busy: the last one may come late.
ANSWERING_MAX: int = ApiSettings.model_fields["api_threads"].default
# More than the collector has threads, each with a pause; before that some that send as fast as they can.
CLIENTS, PAUSE_S, BATCH = 40, 0.2, 20
WARM_CLIENTS, WARM_BATCH = 8, 100
# Then some seconds of requests about as large as they may be.
LARGE_CLIENTS, LARGE_BATCH, LARGE_NOTE_CHARS, LARGE_S = 40, 900, 800, 15.0
CLIENT_TIMEOUT_S = 30
SAMPLE_EVERY_S = 1.0
AFTERWARDS_S = 10.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What the worker is at a moment."""

    at: float
    rss_mib: float
    threads: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Before:
    """What the worker was when the broker went, and how many threads it may have at most."""

    threads: int
    threads_max: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer, as its client saw it."""

    at: float
    status: int
    took_s: float
    retry_after: bool


@dataclass
class Result:
    """What was measured, and what of it is not as promised."""

    outage_s: float
    requests_during: int
    statuses_during: dict[str, int]
    slowest_s: float
    accepted_again_s: float
    rss_mib: dict[str, float]
    threads: dict[str, int]
    descriptors: dict[str, int]
    cut_off: int
    events_before: int = 0
    mismatches: list[str] = field(default_factory=list)


class Clients:
    """Some that send until told to stop; every answer is kept."""

    def __init__(
        self, port: int, *, count: int, batch: int, seed: int, pause_s: float = 0.0, note_chars: int = 0
    ) -> None:
        self.seen: list[Seen] = []
        self.cut_off: list[str] = []
        self._port, self._batch, self._pause_s = port, batch, pause_s
        self._properties = {"element": "play", "note": "x" * note_chars}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._send, args=(Random(f"{seed}-{number}"),), daemon=True)
            for number in range(count)
        ]

    def start(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(CLIENT_TIMEOUT_S)

    def accepted(self) -> int:
        return sum(each.status == 202 for each in self.seen) * self._batch

    def _send(self, random: Random) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=CLIENT_TIMEOUT_S)
        # Made once and then only renamed: what is measured is the collector.
        properties = self._properties
        documents = [happenings.event(random, days_max=2, properties=properties) for _ in range(self._batch)]
        while not self._stopping.is_set():
            for document in documents:
                document["event_id"] = happenings.an_id(random)
            started = time.monotonic()
            try:
                connection.request(
                    "POST", "/events", orjson.dumps(documents), {"Content-Type": "application/json"}
                )
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.cut_off.append(repr(error))
                connection.close()
            else:
                now = time.monotonic()
                told = answer.headers["Retry-After"] is not None
                self.seen.append(Seen(now, answer.status, now - started, told))
            time.sleep(self._pause_s)
        connection.close()


class Watch:
    """Looks at the worker every second."""

    def __init__(self, worker: psutil.Process) -> None:
        self.samples: list[Sample] = []
        self._worker = worker
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def now(self) -> Sample:
        worker = self._worker
        rss = worker.memory_info().rss / MIB
        return Sample(time.monotonic(), rss, worker.num_threads(), worker.num_fds())

    def between(self, start: float, end: float) -> list[Sample]:
        return [each for each in self.samples if start <= each.at <= end]

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(SAMPLE_EVERY_S):
            self.samples.append(self.now())


def run(directory: Path, *, outage_s: float, events: int, seed: int, say: Any) -> Result:
    """One outage on a stack of its own."""
    stand = Stand(directory)
    try:
        stand.start()
        collector = stand.collector(**SETTINGS)
        collector.start()
        below = psutil.Process(collector.pid).children(recursive=True)
        watch = Watch(max(below, key=lambda each: each.memory_info().rss))
        begun = watch.now()
        rss = {"at the start": begun.rss_mib}
        port = stand.settings.api_port
        warming = Clients(port, count=WARM_CLIENTS, batch=WARM_BATCH, seed=seed).start()
        while warming.accepted() < events:
            time.sleep(0.2)
        warming.stop()
        rss["after the events"] = watch.now().rss_mib
        say(f"{warming.accepted()} events, {rss['after the events']:.1f} MiB")
        large = Clients(
            port, count=LARGE_CLIENTS, batch=LARGE_BATCH, seed=seed + 2, note_chars=LARGE_NOTE_CHARS
        ).start()
        time.sleep(LARGE_S)
        large.stop()
        rss["after large requests"] = watch.now().rss_mib
        clients = Clients(port, count=CLIENTS, batch=BATCH, pause_s=PAUSE_S, seed=seed + 1).start()
        time.sleep(min(AFTERWARDS_S, outage_s))
        now = watch.now()
        before = Before(now.threads, begun.threads + ANSWERING_MAX, now.descriptors)
        stand.broker.freeze()
        away_at = time.monotonic()
        time.sleep(HANGING * outage_s)
        stand.broker.end(signal.SIGKILL)
        time.sleep((1 - HANGING) * outage_s)
        rss["at the end of the outage"] = watch.now().rss_mib
        stand.broker.spawn()
        stand.broker.wait_ready()
        back_at = time.monotonic()
        time.sleep(AFTERWARDS_S)
        clients.stop()
        watch.stop()
        rss["afterwards"] = watch.now().rss_mib
        say(f"worker: {', '.join(f'{name} {mib:.1f} MiB' for name, mib in rss.items())}")
        result = judged(before, watch, clients, Times(away_at, outage_s, back_at), rss)
        result.events_before = warming.accepted()
        return result
    finally:
        stand.stop()


@dataclass(frozen=True, slots=True)
class Times:
    """When the broker went, for how long, and when it served again."""

    away_at: float
    outage_s: float
    back_at: float


def judged(before: Before, watch: Watch, clients: Clients, times: Times, rss: dict[str, float]) -> Result:
    """What the figures come to, and where they are not as promised."""
    away_at, outage_s, back_at = times.away_at, times.outage_s, times.back_at
    # What was on its way when the broker went may have been acknowledged still.
    during = [each for each in clients.seen if away_at + GRACE_S < each.at < away_at + outage_s]
    taken = [each.at for each in clients.seen if each.status == 202 and each.at > away_at + outage_s]
    samples = watch.between(away_at, away_at + outage_s)
    settled = watch.between(away_at + SETTLED_AFTER * outage_s, away_at + outage_s)
    grown_mib = max(each.rss_mib for each in settled) - settled[0].rss_mib
    result = Result(
        outage_s=outage_s,
        requests_during=len(during),
        statuses_during={str(status): n for status, n in Counter(each.status for each in during).items()},
        slowest_s=round(max(each.took_s for each in clients.seen), 3),
        accepted_again_s=round(max(0.0, min(taken, default=back_at + 999) - back_at), 3),
        rss_mib={
            **{name: round(mib, 1) for name, mib in rss.items()},
            "most in the outage": round(max(each.rss_mib for each in samples), 1),
            "grown once settled": round(grown_mib, 1),
        },
        threads={"before": before.threads, "most in the outage": max(each.threads for each in samples)},
        descriptors={
            "before": before.descriptors,
            "most in the outage": max(each.descriptors for each in samples),
        },
        cut_off=len(clients.cut_off),
    )
    wrong = {
        "not all were answered 503": set(result.statuses_during) != {"503"},
        "a 503 without Retry-After": any(each.status == 503 and not each.retry_after for each in during),
        "an answer came too late": result.slowest_s > ACK_DEADLINE_S + GRACE_S,
        "connections were cut off": result.cut_off > 0,
        "the worker is too large": max(result.rss_mib.values()) > WORKER_MIB_MAX,
        "the worker grows": grown_mib > GROWTH_MIB_MAX,
        "too many threads": result.threads["most in the outage"] > before.threads_max,
        "nothing was accepted soon after": result.accepted_again_s > ACCEPTED_AGAIN_S_MAX,
    }
    result.mismatches = [what for what, true in wrong.items() if true]
    return result


def write(result: Result, file: Path) -> None:
    """Keep what was found, without a word of the machine's folders."""
    document = {
        "what": "the broker is away under load: answered in time, in the same memory; then accepted again",
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **asdict(result),
        "passed": not result.mismatches,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def soak(file: Path, *, minutes: float, events: int, seed: int, say: Any) -> int:
    """Run it, keep the result; 1 when anything is not as promised, and then the data stays."""
    directory = Path(tempfile.mkdtemp(prefix="ugc-outage-"))
    result = run(directory / "data", outage_s=minutes * 60, events=events, seed=seed, say=say)
    write(result, file)
    for mismatch in result.mismatches:
        say(f"outage: {mismatch}")
    if result.mismatches:
        say(f"data and logs stay in {directory}")
        return 1
    shutil.rmtree(directory)
    say(f"{minutes:g} minutes without a broker: accepted again after {result.accepted_again_s} s")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="how long the broker is away")
    parser.add_argument("--events", type=int, default=1_000_000, help="accepted before it goes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--result", type=Path, default=RESULT, help="where its JSON goes")
    asked = parser.parse_args()

    def say(text: str) -> None:
        sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")

    return soak(asked.result, minutes=asked.minutes, events=asked.events, seed=asked.seed, say=say)


if __name__ == "__main__":
    sys.exit(main())
