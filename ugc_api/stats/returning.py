"""GET /stats/returning: who was there on a day and on one of the days before it, counted and named."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import ClassVar

from clickhouse import cursors
from clickhouse.scope import Scope
from ugc_api import parameters
from ugc_api.stats.asked import DAY_LIKE, DAYS_BACK, PAGE
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Reply, Row


@dataclass(frozen=True, slots=True)
class Returning:
    """The number and a page of the users it counts, by user id."""

    NAME: ClassVar[str] = "stats_returning"
    RULE: ClassVar[str] = "/stats/returning"
    PARAMETERS: ClassVar[tuple[str, ...]] = ("date", "days", "limit", "cursor")

    scope: Scope
    day: date
    back: int
    limit: int
    cursor: str | None

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> "Returning":
        cursor = sent.get("cursor")
        if cursor is not None:
            try:
                last = cursors.unpack(cursor)
            except cursors.CursorError:
                last = ""
            if not last:
                raise parameters.invalid(
                    "cursor",
                    "is the next_cursor of an earlier answer, as it was; without it the first page comes",
                )
        return cls(
            scope,
            parameters.day(sent, "date", like=DAY_LIKE),
            parameters.whole_number(sent, "days", DAYS_BACK),
            parameters.whole_number(sent, "limit", PAGE),
            cursor,
        )

    def as_understood(self) -> Row:
        return {
            "date": self.day.isoformat(),
            "days": self.back,
            "limit": self.limit,
            "cursor": self.cursor,
        }

    def put(self, warehouse: Answers, today: date) -> Reply:
        back = timedelta(days=self.back)
        page = warehouse.returning(self.scope, self.day, self.back, self.limit, self.cursor)
        return Reply(
            data={"count": page.count, "users": list(page.users), "next_cursor": page.next_cursor},
            columns=("user_id",),
            rows=({"user_id": user} for user in page.users),
            method=page.method,
            error_bound=page.error_bound,
            complete=page.held_since <= self.day - min(back, self.day - date.min) and self.day < today,
            next_cursor=page.next_cursor,
        )
