"""The stats calls as a client makes them: over HTTP, of an API that runs, an event arriving before each.

The API was started as `ugc api` starts it and has read ahead what it reads ahead. Nothing is asked to warm it
up: the first call of each kind counts as any other, also that of a zone which nobody has named.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from benchmarks.answering.filling import Truth
from benchmarks.answering.questions import BY_AGGREGATE_MS, BY_SEGMENT_MS, FAR, LIMIT, WINDOWS_MAX, Asked
from benchmarks.answering.rounds import GROWTH_MAX, MS, P95, Month
from benchmarks.collecting.servers import COLLECTOR, HttpServer
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import quantile
from benchmarks.frame.session import Session
from telemetry.clock import Clock

# Nobody sends events over HTTP here, so no broker is started.
NO_BROKER = "127.0.0.1:9"
AHEAD = "days_read_ahead"
AHEAD_WITHIN_S = 120.0
ANSWER_WITHIN_S = 30.0
LOOK_EVERY_S = 0.25
# Of so many, each round: the smallest number of which one may take longer than their p95.
CALLS = 20


@dataclass(frozen=True, slots=True)
class Call:
    """One of them. `path` is filled in with the days that are asked for."""

    key: str
    name: str
    path: str
    limit_ms: float = BY_AGGREGATE_MS

    @property
    def in_segment(self) -> bool:
        """Whether it reads events, and may grow with them."""
        return self.limit_ms == BY_SEGMENT_MS


def calls() -> Sequence[Call]:
    """Each call of the stats API, and each form of the dearest."""
    month, zone = "from={first}&to={last}", f"tz={FAR}"
    cohorts = f"start_date={{first}}&windows={WINDOWS_MAX}"
    return (
        Call("dau", "dau, 30 days", f"dau?{month}"),
        Call("dau_zone", f"dau, 30 days of {FAR}", f"dau?{month}&{zone}"),
        Call("top_events", "top-events, 30 days", f"top-events?{month}&limit={LIMIT}"),
        Call("top_events_zone", f"top-events, 30 days of {FAR}", f"top-events?{month}&limit={LIMIT}&{zone}"),
        Call("daily", "daily, 30 days", f"daily?{month}"),
        Call("daily_zone", f"daily, 30 days of {FAR}", f"daily?{month}&{zone}"),
        Call("daily_exact", "daily, exact=true", f"daily?{month}&exact=true"),
        Call("daily_exact_zone", f"daily, exact=true, of {FAR}", f"daily?{month}&exact=true&{zone}"),
        Call("retention", "retention, 30 days in 30 windows", f"retention?{cohorts}"),
        Call("retention_zone", f"retention, 30 days of {FAR}", f"retention?{cohorts}&{zone}"),
        Call("retention_7d", "retention-7d, 30 days", f"retention-7d?{month}"),
        Call("retention_7d_zone", f"retention-7d, 30 days of {FAR}", f"retention-7d?{month}&{zone}"),
        Call("returning", "returning, 7 days before", "returning?date={yesterday}&days=7"),
        Call(
            "dau_country",
            "dau, properties.country=DE",
            f"dau?{month}&segment=properties.country=DE",
            BY_SEGMENT_MS,
        ),
        Call(
            "retention_country",
            "retention, properties.country=DE",
            f"retention?{cohorts}&segment=properties.country=DE",
            BY_SEGMENT_MS,
        ),
        Call(
            "dau_device",
            "dau, properties.device=android",
            f"dau?{month}&segment=properties.device=android",
            BY_SEGMENT_MS,
        ),
    )


class Api:
    """An API over one month, and somebody who calls it."""

    def __init__(self, server: HttpServer, month: Month, *, clock: Clock) -> None:
        self._address = f"http://127.0.0.1:{server.port}/stats"
        self._opener = build_opener(ProxyHandler({}))
        self._month = month
        self._clock = clock

    def call(self, call: Call) -> tuple[float, Any]:
        """Seconds until the whole answer is there, and its data. Raises BenchFailed when there is none."""
        path = call.path.format_map(_days(self._month.asked))
        self._month.arrive()
        began = self._clock.monotonic()
        try:
            with self._opener.open(f"{self._address}/{path}", timeout=ANSWER_WITHIN_S) as answer:
                said = answer.read()
        except (URLError, OSError) as error:
            raise BenchFailed(f"GET /stats/{path} was not answered: {error}") from error
        return self._clock.monotonic() - began, json.loads(said)["data"]


def measure(  # noqa: PLR0913 - both months, and how often
    session: Session, large: Month, small: Month, truth: Truth, *, rounds: int, times: int, judged: bool
) -> None:
    """Each call so often a round, by turns to both; `judged` as in rounds."""
    with ExitStack() as stack:
        of_large, of_small = (_api(session, stack, month) for month in (large, small))
        took = {each.key: _Taken([], []) for each in calls()}
        for number in range(rounds):
            for call in calls():
                session.steady(partial(_round, of_large, of_small, call, times, took[call.key]))
            session.say(f"round {number + 1}/{rounds} of {len(took)} calls over HTTP")
        _check(session, of_large, large.asked, truth)
    for call in calls():
        session.figure(
            f"stats.call.{call.key}",
            f"GET /stats/{call.name}: p95",
            "ms",
            took[call.key].p95_ms,
            target=call.limit_ms if judged else None,
            note=f"of {times} calls of a running API, the first ones included",
        )
    for call in calls():
        session.figure(
            f"stats.call_growth.{call.key}",
            f"GET /stats/{call.name}: ten times the events, so many times the time",
            "x",
            took[call.key].growth,
            target=None if call.in_segment else GROWTH_MAX,
            gates=judged and not call.in_segment,
        )


@dataclass(frozen=True, slots=True)
class _Taken:
    """Round by round."""

    p95_ms: list[float]
    growth: list[float]


def _round(large: Api, small: Api, call: Call, times: int, taken: _Taken) -> None:
    """By turns: what disturbs the machine meets both alike."""
    large_s, small_s = [], []
    for _ in range(times):
        large_s.append(large.call(call)[0])
        small_s.append(small.call(call)[0])
    taken.p95_ms.append(quantile(large_s, P95) * MS)
    taken.growth.append(median(large_s) / median(small_s))


def _check(session: Session, api: Api, asked: Asked, truth: Truth) -> None:
    """What is answered over HTTP is what the generator knows, but for the day on which events arrived."""
    _, rows = api.call(calls()[0])
    told = {row["date"]: row["users"] for row in rows}
    known = {day.isoformat(): n for day, n in truth.dau.items() if asked.first <= day <= asked.yesterday}
    found = {day: told.get(day) for day in known}
    session.check("daily users over HTTP, of the generator's, days that are over", known, found)


def _api(session: Session, stack: ExitStack, month: Month) -> Api:
    """Started on this month, and done with what it reads ahead. Raises BenchFailed."""
    server = stack.enter_context(
        HttpServer(
            COLLECTOR,
            bootstrap=NO_BROKER,
            directory=session.scratch / f"api-{month.events}",
            clock=session.clock,
            settings={"UGC_WAREHOUSE_DSN": month.dsn, "UGC_LOG_LEVEL": "debug"},
        )
    )
    deadline = session.clock.monotonic() + AHEAD_WITHIN_S
    while AHEAD not in server.said():
        if session.clock.monotonic() > deadline:
            raise BenchFailed(f"nothing read ahead within {AHEAD_WITHIN_S:.0f} s: {server.last_words()}")
        session.clock.sleep(LOOK_EVERY_S)
    return Api(server, month, clock=session.clock)


def _days(asked: Asked) -> Mapping[str, str]:
    return {
        "first": asked.first.isoformat(),
        "last": asked.last.isoformat(),
        "yesterday": asked.yesterday.isoformat(),
    }
