"""GET /stats/dau: how many different users came, day by day."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from clickhouse.scope import Scope
from ugc_api.stats.asked import Range
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Reply, Row


@dataclass(frozen=True, slots=True)
class Dau:
    """Every day of the range is answered, days of nobody too."""

    NAME: ClassVar[str] = "stats_dau"
    RULE: ClassVar[str] = "/stats/dau"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("from", "to")

    scope: Scope
    days: Range

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> "Dau":
        return cls(scope, Range.of(sent))

    def as_understood(self) -> Row:
        return {**self.days.as_understood()}

    def put(self, warehouse: Answers, today: date) -> Reply:
        answer = warehouse.dau(self.scope, self.days.first, self.days.last)
        rows = [{"date": row.date.isoformat(), "users": row.users} for row in answer.rows]
        return Reply(
            data=rows,
            columns=("date", "users"),
            rows=rows,
            method=answer.method,
            error_bound=answer.error_bound,
            complete=answer.held_since <= self.days.first and self.days.last < today,
        )
