"""What the routes need of the warehouse, and whether it is there."""

from datetime import date
from typing import Protocol

from clickhouse.answers import (
    Answer,
    Cohort,
    DailyRow,
    DauRow,
    Freshness,
    Period,
    Returned,
    ReturningPage,
    TopEvent,
)
from clickhouse.client import Unavailable, WarehouseError
from clickhouse.scope import Scope
from telemetry.health import NotReady


class Answers(Protocol):
    """See clickhouse.warehouse.Warehouse; each method raises a WarehouseError when it cannot answer."""

    def ping(self) -> None: ...

    def dau(self, scope: Scope, first: date, last: date) -> Answer[DauRow]: ...

    def top_events(self, scope: Scope, first: date, last: date, limit: int) -> Answer[TopEvent]: ...

    def daily(self, scope: Scope, first: date, last: date, rows_max: int) -> Answer[DailyRow]: ...

    def retention(self, scope: Scope, start: date, windows: int, period: Period) -> Answer[Cohort]: ...

    def retention_7d(self, scope: Scope, first: date, last: date) -> Answer[Returned]: ...

    def returning(
        self, scope: Scope, day: date, days: int, limit: int, cursor: str | None
    ) -> ReturningPage: ...

    def freshness(self) -> Freshness: ...


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
