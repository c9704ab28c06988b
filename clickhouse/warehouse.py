"""The warehouse's answers, typed: what the stats API and the command line call instead of writing SQL."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified
from telemetry.clock import Clock

# `uniq` keeps at most 65,536 hashes of an adaptive sample: exact up to there but for hash collisions, above
# it the relative standard error is 1/sqrt(65,536) = 0.39 %. Three of those is the bound we print.
UNIQ_ERROR_BOUND = 0.0117
AGGREGATE_DAYS_HELD = 180
FRESHNESS_LOOKBACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class DauRow:
    """One day and how many different users came on it."""

    date: date
    users: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the warehouse last stored an event, and how far behind its receipt that was.

    The lag is of what has arrived: a pipeline that stands still shows in `last_ingested_at` growing old and
    in the ETL's own health, not here. Both are None when nothing came in the last two days.
    """

    last_ingested_at: datetime | None
    lag_seconds: float | None


class Warehouse:
    """Answers questions. Every method raises one of clickhouse.client's errors when it cannot."""

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def ping(self) -> None:
        """Return when the warehouse answers and its schema is there."""
        self._rows("freshness", since=self._clock.now())

    def dau(self, first: date, last: date) -> list[DauRow]:
        """Every day from `first` to `last`, both included, days of nobody too."""
        return [DauRow(*row) for row in self._rows("dau", first=first, last=last)]

    def freshness(self) -> Freshness:
        """How fresh the answers are."""
        rows = self._rows("freshness", since=self._clock.now() - FRESHNESS_LOOKBACK)
        last_ingested_at, last_received_at, buckets = rows[0]
        if not buckets:
            return Freshness(None, None)
        lag_s = max(0.0, (last_ingested_at - last_received_at).total_seconds())
        return Freshness(last_ingested_at, lag_s)

    def _rows(self, name: str, **parameters: Any) -> list[Any]:
        with classified():
            result = self._client.query(catalog.query(name).sql, parameters=parameters, tz_mode="aware")
        return list(result.result_rows)
