"""What a stats call is: parameters read into a question, the question put to the warehouse, a reply."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Protocol, Self

from clickhouse.scope import Scope
from ugc_api.stats.ports import Answers

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a question came to: `data` for JSON; for CSV the same as flat `rows`, each with all `columns`."""

    data: Any
    columns: Sequence[str]
    rows: Iterable[Row]
    method: str
    error_bound: float
    complete: bool
    next_cursor: str | None = None


class Question(Protocol):
    """One stats call as asked, checked already."""

    NAME: ClassVar[str]
    RULE: ClassVar[str]
    PARAMETERS: ClassVar[tuple[str, ...]]

    @property
    def scope(self) -> Scope: ...

    @classmethod
    def read(cls, sent: Mapping[str, str], scope: Scope) -> Self:
        """From its own parameters. Raises Problem on the first that is not right."""
        ...

    def as_understood(self) -> Row:
        """Its own parameters, defaults filled in."""
        ...

    def put(self, warehouse: Answers, today: date) -> Reply:
        """Ask; `today` is the running day of the zone. Raises a WarehouseError when there is no answer."""
        ...


def percent(part: int, whole: int) -> float | None:
    """Two decimals; nothing of nobody."""
    return round(part * 100 / whole, 2) if whole else None
