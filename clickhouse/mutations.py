"""Changes of what is stored that the warehouse cannot finish: it tries them for ever, and tells nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified

REASON_SHOWN: Final = 300


@dataclass(frozen=True, slots=True)
class Failing:
    """A mutation whose last try failed, and why."""

    table: str
    mutation_id: str
    command: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.table}: {self.command} fails and is tried again ({self.reason[:REASON_SHOWN]}); mend "
            "what it names, or as admin end it: KILL MUTATION WHERE database = currentDatabase() "
            f"AND table = '{self.table}' AND mutation_id = '{self.mutation_id}'"
        )


def failing(client: Client) -> list[Failing]:
    """All of this database, the oldest first. Raises one of clickhouse.client's errors."""
    with classified():
        rows = client.query(catalog.query("mutations_failing").sql).result_rows
    return [Failing(*row) for row in rows]


def told(found: Sequence[Failing]) -> str:
    """The oldest whole, and how many more there are."""
    more = len(found) - 1
    return f"{found[0]}{f'; and {more} more, the next of {found[1].table}' if more else ''}"
