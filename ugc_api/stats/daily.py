"""GET /stats/daily: users, points and actions by day and event type."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from clickhouse.scope import Scope
from clickhouse.warehouse import DAILY_ROWS_MAX
from ugc_api.problems import Problem, ProblemCode
from ugc_api.stats.asked import Range
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Reply, Row

COLUMNS = ("date", "event_type", "users", "points", "actions")


@dataclass(frozen=True, slots=True)
class Daily:
    """Pairs of day and event type that occurred. Raises Problem when there are more than DAILY_ROWS_MAX."""

    NAME: ClassVar[str] = "stats_daily"
    RULE: ClassVar[str] = "/stats/daily"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("from", "to")

    scope: Scope
    days: Range

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> "Daily":
        return cls(scope, Range.of(sent))

    def as_understood(self) -> Row:
        return {**self.days.as_understood()}

    def put(self, warehouse: Answers, today: date) -> Reply:
        answer = warehouse.daily(self.scope, self.days.first, self.days.last, DAILY_ROWS_MAX)
        if len(answer.rows) > DAILY_ROWS_MAX:
            raise Problem(
                ProblemCode.TOO_MANY_ROWS,
                f"'from' to 'to' has more than {DAILY_ROWS_MAX:,} pairs of day and event type, the most an "
                "answer may have; ask for fewer days, or for one type with segment=event_type:NAME.",
                parameter="to",
                limit_rows=DAILY_ROWS_MAX,
            )
        rows = [
            {
                "date": row.date.isoformat(),
                "event_type": row.event_type,
                "users": row.users,
                "points": row.points,
                "actions": row.actions,
            }
            for row in answer.rows
        ]
        return Reply(
            data=rows,
            columns=COLUMNS,
            rows=rows,
            method=answer.method,
            error_bound=answer.error_bound,
            complete=answer.held_since <= self.days.first and self.days.last < today,
        )
