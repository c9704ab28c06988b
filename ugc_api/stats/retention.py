"""GET /stats/retention: of those who came first in a period, how many were there in each period after it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final

from clickhouse.answers import Cohort, Period
from clickhouse.scope import Scope
from ugc_api import parameters
from ugc_api.stats.asked import START_LIKE, WINDOWS
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Reply, Row, percent

PERIODS: Final[Mapping[str, Period]] = {"day": "day", "week": "week"}
PERIOD_DAYS: Final[Mapping[Period, int]] = {"day": 1, "week": 7}
COLUMNS = ("cohort", "size", "window", "users", "percent", "running")


@dataclass(frozen=True, slots=True)
class Retention:
    """A triangle: a row a cohort, a window a period since; null where a window has not begun."""

    NAME: ClassVar[str] = "stats_retention"
    RULE: ClassVar[str] = "/stats/retention"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("start_date", "windows", "period")

    scope: Scope
    start: date
    windows: int
    period: Period

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> "Retention":
        return cls(
            scope,
            parameters.day(sent, "start_date", like=START_LIKE),
            parameters.whole_number(sent, "windows", WINDOWS),
            PERIODS[parameters.choice(sent, "period", PERIODS, default="day")],
        )

    def as_understood(self) -> Row:
        return {"start_date": self.start.isoformat(), "windows": self.windows, "period": self.period}

    def put(self, warehouse: Answers, today: date) -> Reply:
        answer = warehouse.retention(self.scope, self.start, self.windows, self.period)
        data = [self._row(cohort, today) for cohort in answer.rows]
        over = all(
            each["users"] is not None and not each["running"] for row in data for each in row["windows"]
        )
        return Reply(
            data=data,
            columns=COLUMNS,
            rows=_flat(data),
            method=answer.method,
            error_bound=answer.error_bound,
            complete=bool(data) and over and answer.held_since <= self.start,
        )

    def _row(self, cohort: Cohort, today: date) -> Row:
        length = timedelta(days=PERIOD_DAYS[self.period])
        current = (today - cohort.cohort) // length
        return {
            "cohort": cohort.cohort.isoformat(),
            "size": cohort.size,
            "windows": [
                {
                    "window": window,
                    "users": users,
                    "percent": None if users is None else percent(users, cohort.size),
                    "running": window == current,
                }
                for window, users in enumerate(cohort.users)
            ],
        }


def _flat(data: Sequence[Row]) -> Iterator[Row]:
    for row in data:
        for window in row["windows"]:
            yield {"cohort": row["cohort"], "size": row["size"], **window}
