"""One question put to the warehouse: a file of the catalogue, its parameters, and a segment where it takes one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified
from clickhouse.days import Piece
from clickhouse.scope import Scope

# Where a file takes a segment. What is put in its place is made of fixed text and typed placeholders alone.
SEGMENT = "{segment:Condition}"
EVERYTHING = "true"


class Asker:
    """Asks over one client, which may be shared between threads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def rows(self, name: str, **parameters: Any) -> list[Any]:
        """The rows of the question called `name`. Raises one of clickhouse.client's errors."""
        return self._run(catalog.query(name).sql, parameters)

    def rows_of(self, name: str, scope: Scope, **parameters: Any) -> list[Any]:
        """As `rows`, of the events that fit the scope: its bots, and its segments where the file takes them."""
        sql = catalog.query(name).sql
        if SEGMENT in sql:
            from clickhouse import segments

            condition, values = segments.condition(scope.segments) if scope.segments else (EVERYTHING, {})
            sql = sql.replace(SEGMENT, f"({condition})")
            parameters |= values
        return self._run(sql, {**parameters, "bots": scope.bots})

    def _run(self, sql: str, parameters: dict[str, Any]) -> list[Any]:
        with classified():
            result = self._client.query(sql, parameters=parameters, tz_mode="aware")
        return list(result.result_rows)


def seconds(edges_at: Sequence[datetime]) -> list[int]:
    """Edges of spans as the questions to events take them."""
    return [int(at.timestamp()) for at in edges_at]


def piecewise(found: Sequence[Piece]) -> dict[str, Any]:
    """Pieces of UTC days as the questions to user_activity take them."""
    return {
        "days": [piece.utc_day for piece in found],
        "spans": [piece.span for piece in found],
        "masks": [piece.mask for piece in found],
    }
