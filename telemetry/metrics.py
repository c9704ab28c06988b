"""The closed list of metrics. A name that is not in it cannot be counted; the docs are rendered from it."""

from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the list: what kind it is, what it means, by what it is divided."""

    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_BUCKETS = (1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000)

METRICS: dict[str, Metric] = {
    # The door
    "ugc_http_requests_total": Metric("counter", "Requests answered.", ("route", "status")),
    "ugc_http_request_seconds": Metric(
        "histogram", "Time from a request to its answer.", ("route",), LATENCY_BUCKETS_S
    ),
    "ugc_events_accepted_total": Metric("counter", "Events the broker has acknowledged."),
    "ugc_events_duplicate_total": Metric("counter", "Events repeated within one request."),
    "ugc_events_rejected_total": Metric("counter", "Events refused at the door, by code.", ("code",)),
    "ugc_access_refused_total": Metric("counter", "Requests refused for their key or token.", ("code",)),
    "ugc_keys_readable": Metric(
        "gauge", "1 when the keys were read at the last look, 0 when older ones are kept."
    ),
    "ugc_producer_queue_events": Metric("gauge", "Events handed to the producer and not yet acknowledged."),
    "ugc_broker_up": Metric("gauge", "1 when the broker answered the last look, 0 when not."),
    # The pipeline
    "ugc_etl_rows_inserted_total": Metric("counter", "Rows written to events_raw."),
    "ugc_etl_duplicates_total": Metric("counter", "Events left out because their id was stored already."),
    "ugc_etl_conflicts_total": Metric(
        "counter", "Events left out whose first copy, in the same range, says something else."
    ),
    "ugc_etl_dead_letters_total": Metric("counter", "Messages sent to the dead-letter topic.", ("reason",)),
    "ugc_etl_step_seconds": Metric(
        "histogram", "Time one step took for one range.", ("step",), LATENCY_BUCKETS_S
    ),
    "ugc_etl_range_rows": Metric("histogram", "Messages in one range.", (), BATCH_BUCKETS),
    "ugc_etl_retries_total": Metric("counter", "Times a step was tried again after an outage.", ("step",)),
    "ugc_etl_lag_events": Metric("gauge", "Messages in the log not yet committed.", ("partition",)),
    "ugc_etl_last_commit_at_seconds": Metric("gauge", "Unix time of the last committed range."),
    "ugc_etl_lag_seconds": Metric(
        "gauge", "Age of the newest message committed, while others wait; 0 when none does.", ("partition",)
    ),
    "ugc_etl_freshness_seconds": Metric(
        "gauge", "Everything accepted longer ago than this can be asked for: measured by canaries."
    ),
    "ugc_etl_drift_found_total": Metric(
        "counter", "Days in which events_raw and what is counted from it were found to disagree for good."
    ),
    "ugc_etl_rows_mended_total": Metric(
        "counter", "Rows that a check by offsets found missing after a crash or a lost answer, and put in."
    ),
}


class Metrics:
    """The metrics of one process, made from the closed list into a registry of its own.

    An object, not a module of globals: two of them can live in one test, and none is made by an import.
    Asking for a name that is not declared, or by the wrong kind, is a KeyError or TypeError at start-up.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        # One more series for each counter and histogram, saying when it was made: nobody asks that.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = registry if registry is not None else CollectorRegistry()
        self._made: dict[str, Counter | Gauge | Histogram] = {}

    def counter(self, name: str) -> Counter:
        made = self._get(name)
        if not isinstance(made, Counter):
            raise TypeError(f"{name} is a {METRICS[name].kind}, not a counter")
        return made

    def gauge(self, name: str) -> Gauge:
        made = self._get(name)
        if not isinstance(made, Gauge):
            raise TypeError(f"{name} is a {METRICS[name].kind}, not a gauge")
        return made

    def histogram(self, name: str) -> Histogram:
        made = self._get(name)
        if not isinstance(made, Histogram):
            raise TypeError(f"{name} is a {METRICS[name].kind}, not a histogram")
        return made

    def _get(self, name: str) -> Counter | Gauge | Histogram:
        if name not in self._made:
            self._made[name] = self._make(name, METRICS[name])
        return self._made[name]

    def _make(self, name: str, metric: Metric) -> Counter | Gauge | Histogram:
        if metric.kind == "counter":
            return Counter(name, metric.meaning, metric.labels, registry=self.registry)
        if metric.kind == "gauge":
            return Gauge(name, metric.meaning, metric.labels, registry=self.registry)
        return Histogram(name, metric.meaning, metric.labels, registry=self.registry, buckets=metric.buckets)
