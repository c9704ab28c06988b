"""GET /stats/retention-7d: of those who were there on a day, how many were there again within seven days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar, Final

from clickhouse.scope import Scope
from ugc_api.stats.asked import Range
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Reply, Row, percent

COLUMNS = ("date", "total_users_day_0", "returned_in_7_days", "retention_7d_percent")
WITHIN: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Retention7d:
    """Every day of the range; of a day whose seven days are not over, the numbers so far."""

    NAME: ClassVar[str] = "stats_retention_7d"
    RULE: ClassVar[str] = "/stats/retention-7d"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("from", "to")

    scope: Scope
    days: Range

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> "Retention7d":
        return cls(scope, Range.of(sent))

    def as_understood(self) -> Row:
        return {**self.days.as_understood()}

    def put(self, warehouse: Answers, today: date) -> Reply:
        answer = warehouse.retention_7d(self.scope, self.days.first, self.days.last)
        rows = [
            {
                "date": row.date.isoformat(),
                "total_users_day_0": row.total_users,
                "returned_in_7_days": row.returned,
                "retention_7d_percent": percent(row.returned, row.total_users),
            }
            for row in answer.rows
        ]
        return Reply(
            data=rows,
            columns=COLUMNS,
            rows=rows,
            method=answer.method,
            error_bound=answer.error_bound,
            complete=answer.held_since <= self.days.first and self.days.last < today - WITHIN,
        )
