"""GET /stats/…: questions to the warehouse. Each answer says how right, how fresh and how whole it is.

A slow warehouse must not keep events out: only `stats_concurrency_max` questions run at once, the next one
is told to come back.
"""

import csv
import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

import structlog
from flask import Flask, Response, request

from clickhouse.client import Unavailable, WarehouseError
from clickhouse.warehouse import AGGREGATE_DAYS_HELD, UNIQ_ERROR_BOUND, DauRow, Freshness
from telemetry.clock import Clock
from telemetry.health import NotReady
from ugc_api import parameters
from ugc_api.answers import JSON, json_response
from ugc_api.problems import Problem, ProblemCode
from ugc_api.settings import ApiSettings

DAU_RULE = "/stats/dau"
RANGE_DAYS_MAX = 366
CSV = "text/csv"
ASK_AGAIN_S = 2
BUSY_ASK_AGAIN_S = 1


class Answers(Protocol):
    """What the routes need of the warehouse; each method raises a WarehouseError when it cannot."""

    def ping(self) -> None: ...

    def dau(self, first: date, last: date) -> Sequence[DauRow]: ...

    def freshness(self) -> Freshness: ...


@dataclass(frozen=True, slots=True)
class Range:
    """Whole days, both ends included."""

    first: date
    last: date

    @classmethod
    def of(cls, sent: dict[str, str]) -> "Range":
        """From `from` and `to`. Raises Problem when they are missing, turned round or too far apart."""
        asked = cls(parameters.day(sent, "from"), parameters.day(sent, "to"))
        if asked.first > asked.last:
            raise Problem(
                ProblemCode.INVALID_PARAMETER,
                f"'from' ({asked.first}) is after 'to' ({asked.last}).",
                parameter="from",
            )
        days = (asked.last - asked.first).days + 1
        if days > RANGE_DAYS_MAX:
            raise Problem(
                ProblemCode.RANGE_TOO_LONG,
                f"The range has {days:,} days; {RANGE_DAYS_MAX} is the most.",
                limit_days=RANGE_DAYS_MAX,
            )
        return asked

    def complete(self, *, today: date) -> bool:
        """True when every day is over and still held whole by the aggregates."""
        oldest_whole = today - timedelta(days=AGGREGATE_DAYS_HELD - 1)
        return oldest_whole <= self.first and self.last < today


def check(warehouse: Answers) -> None:
    """Raise NotReady, in words for an operator, unless the warehouse answers and has its schema."""
    try:
        warehouse.ping()
    except Unavailable:
        raise NotReady("the warehouse does not answer") from None
    except WarehouseError as error:
        raise NotReady(
            f"the warehouse refuses our question (code {error.code}); `ugc migrate` brings its schema up"
        ) from None


class Stats:
    """Answers the questions of the stats routes; one object a process."""

    def __init__(self, settings: ApiSettings, warehouse: Answers, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._running = threading.BoundedSemaphore(settings.stats_concurrency_max)

    def dau(self) -> Response:
        """Unique users per day, every day of the range present."""
        asked = Range.of(parameters.only(request, ("from", "to")))
        started = self._clock.monotonic()
        with self._asking():
            rows = self._warehouse.dau(asked.first, asked.last)
            freshness = self._warehouse.freshness()
        data = [{"date": row.date.isoformat(), "users": row.users} for row in rows]
        if _wants_csv():
            return _csv(("date", "users"), data)
        query = {"from": asked.first.isoformat(), "to": asked.last.isoformat(), "tz": "UTC"}
        meta = {
            "method": "uniq",
            "error_bound": UNIQ_ERROR_BOUND,
            "freshness": _freshness(freshness),
            "complete": asked.complete(today=self._clock.now().date()),
            "elapsed_ms": round((self._clock.monotonic() - started) * 1000, 1),
        }
        answer = json_response({"query": query, "data": data, "meta": meta})
        answer.vary.add("Accept")
        return answer

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """One of the places at the warehouse, and its errors as problems."""
        if not self._running.acquire(blocking=False):
            raise Problem(
                ProblemCode.STATS_BUSY, "All places are taken; ask again.", retry_after_s=BUSY_ASK_AGAIN_S
            )
        try:
            yield
        except WarehouseError as error:
            log = structlog.get_logger()
            # Away passes by itself. Anything else (schema, rights) needs somebody to look.
            say = log.warning if isinstance(error, Unavailable) else log.error
            say("warehouse_did_not_answer", code=error.code, detail=str(error))
            raise Problem(
                ProblemCode.WAREHOUSE_UNAVAILABLE,
                "The warehouse cannot answer now; events are taken in all the same.",
                retry_after_s=ASK_AGAIN_S,
            ) from None
        finally:
            self._running.release()


def install(app: Flask, stats: Stats) -> None:
    """Put the routes on the app."""

    def stats_dau() -> Response:
        return stats.dau()

    routes: dict[str, Callable[[], Response]] = {DAU_RULE: stats_dau}
    for rule, view in routes.items():
        app.add_url_rule(rule, view.__name__, view, methods=["GET"])


def _freshness(freshness: Freshness) -> dict[str, Any]:
    last = freshness.last_ingested_at
    return {
        "last_ingested_at": None
        if last is None
        else last.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lag_seconds": freshness.lag_seconds,
    }


def _wants_csv() -> bool:
    return request.accept_mimetypes.best_match((JSON, CSV), JSON) == CSV


def _csv(columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Response:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    answer = Response(out.getvalue(), content_type=f"{CSV}; charset=utf-8")
    answer.vary.add("Accept")
    return answer
