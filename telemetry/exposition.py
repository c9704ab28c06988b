"""From sheets to what Prometheus reads: one sample a series, whoever counted it."""

from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family

from telemetry.metric import Across, Metric
from telemetry.series import SUM
from telemetry.sheet import Words

Declared = Mapping[str, Metric]
Numbers = Mapping[Words, float]

RULES: dict[Across, Callable[[Iterable[float]], float]] = {"sum": sum, "min": min, "max": max}


def merged(declared: Declared, sheets: Iterable[tuple[Numbers, bool]]) -> dict[Words, float]:
    """The numbers of all: counts added up, gauges of the running by the rule of their metric."""
    all_of: dict[Words, list[float]] = {}
    for numbers, runs in sheets:
        for words, number in numbers.items():
            metric = declared.get(words[0])
            # A name that is not on the list is of another version of the product.
            if metric is not None and (runs or metric.kind != "gauge"):
                all_of.setdefault(words, []).append(number)
    return {words: RULES[declared[words[0]].across](numbers) for words, numbers in all_of.items()}


def families(declared: Declared, numbers: Numbers) -> Iterable[Family]:
    """In the order of the list; a metric that nobody has begun is left out."""
    by_name: dict[str, dict[Words, float]] = {}
    for words, number in numbers.items():
        by_name.setdefault(words[0], {})[words[1:]] = number
    for name, metric in declared.items():
        if name in by_name:
            yield _family(name, metric, by_name[name])


def _family(name: str, metric: Metric, series: Mapping[Words, float]) -> Family:
    if metric.kind == "histogram":
        return _histogram(name, metric, series)
    family = (CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily)(
        name, metric.meaning, labels=metric.labels
    )
    for values, number in series.items():
        family.add_metric(values, number)
    return family


def _histogram(name: str, metric: Metric, parts: Mapping[Words, float]) -> Family:
    family = HistogramMetricFamily(name, metric.meaning, labels=metric.labels)
    ends = [*(str(float(end)) for end in metric.buckets), "+Inf"]
    for values in dict.fromkeys(words[:-1] for words in parts):
        counts = [parts.get((*values, str(number)), 0.0) for number in range(len(ends))]
        buckets = list(zip(ends, accumulate(counts), strict=True))
        family.add_metric(values, buckets, parts.get((*values, SUM), 0.0))
    return family
