"""What is declared of a metric: the list of them all is `metrics.METRICS`."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]
# How the gauges of several processes make one.
Across = Literal["sum", "min", "max"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the list: what kind it is, what it means, by what it is divided."""

    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    across: Across = "sum"
