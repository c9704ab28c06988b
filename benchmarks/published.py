"""What others measured elsewhere: shown beside our figures, never divided by them, never part of a ratio.

These are the only figures in the repository that were typed in by hand.
"""

from dataclasses import dataclass
from typing import Final, Literal

INSERT_ROWS: Final = 10_000_000
What = Literal["insert", "aggregate"]
CONDITIONS: Final = "the owner's earlier run: official images, another machine, 8 threads"


@dataclass(frozen=True, slots=True)
class Published:
    """One figure that somebody else measured: the mean of his repetitions, in seconds."""

    engine: str
    what: What
    value_s: float


FIGURES: Final = (
    Published("ClickHouse", "insert", 46.64),
    Published("Vertica", "insert", 100.43),
    Published("ClickHouse", "aggregate", 0.27),
    Published("Vertica", "aggregate", 0.73),
)


def of(what: What) -> list[Published]:
    """The published figures of one kind, in the order they were published."""
    return [each for each in FIGURES if each.what == what]
