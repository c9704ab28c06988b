"""GET /stats/top-events: what was done most often."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from clickhouse.scope import Scope
from ugc_api import parameters
from ugc_api.stats.asked import TOP_EVENTS, Range
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Reply, Row


@dataclass(frozen=True, slots=True)
class TopEvents:
    """Event types by how often they happened, ties by name."""

    NAME: ClassVar[str] = "stats_top_events"
    RULE: ClassVar[str] = "/stats/top-events"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("from", "to", "limit")

    scope: Scope
    days: Range
    limit: int

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> "TopEvents":
        return cls(scope, Range.of(sent), parameters.whole_number(sent, "limit", TOP_EVENTS))

    def as_understood(self) -> Row:
        return {**self.days.as_understood(), "limit": self.limit}

    def put(self, warehouse: Answers, today: date) -> Reply:
        answer = warehouse.top_events(self.scope, self.days.first, self.days.last, self.limit)
        rows = [{"event_type": row.event_type, "count": row.count} for row in answer.rows]
        return Reply(
            data=rows,
            columns=("event_type", "count"),
            rows=rows,
            method=answer.method,
            error_bound=answer.error_bound,
            complete=answer.held_since <= self.days.first and self.days.last < today,
        )
