"""The closed list of metrics. A name that is not in it cannot be counted; the docs are rendered from it."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from telemetry.exposition import families, merged
from telemetry.metric import Metric
from telemetry.series import Counter, Gauge, Histogram, Series
from telemetry.sheet import GONE, Sheet, Words

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_BUCKETS = (1, 10, 100, 1_000, 5_000, 10_000, 50_000, 100_000)

METRICS: dict[str, Metric] = {
    # The door
    "ugc_http_requests_total": Metric("counter", "Requests answered.", ("route", "status")),
    "ugc_http_request_seconds": Metric(
        "histogram", "Time from a request to its answer.", ("route",), LATENCY_BUCKETS_S
    ),
    "ugc_events_accepted_total": Metric("counter", "Events the broker has acknowledged."),
    "ugc_events_duplicate_total": Metric(
        "counter", "Events repeated within one request, or of which the process remembers the first."
    ),
    "ugc_events_conflict_total": Metric(
        "counter", "Those of them that say something else than the first: ids used twice."
    ),
    "ugc_events_bot_total": Metric(
        "counter", "Accepted events marked as a machine's, once for each of the reasons.", ("reason",)
    ),
    "ugc_events_rejected_total": Metric("counter", "Events refused at the door, by code.", ("code",)),
    "ugc_events_limited_total": Metric(
        "counter",
        "Events refused by a limit, by whose it is; a request refused before it was read counts as one.",
        ("limit",),
    ),
    "ugc_idempotent_requests_total": Metric(
        "counter",
        "Requests with an Idempotency-Key; not_kept and unprotected: answers could not be kept or read.",
        ("outcome",),
    ),
    "ugc_access_refused_total": Metric("counter", "Requests refused for their key or token.", ("code",)),
    "ugc_keys_readable": Metric(
        "gauge", "1 when the keys were read at the last look, 0 when older ones are kept.", across="min"
    ),
    "ugc_producer_queue_events": Metric("gauge", "Events handed to the producer and not yet acknowledged."),
    "ugc_broker_up": Metric(
        "gauge", "1 when the broker answered the last look of every process, 0 when not.", across="min"
    ),
    "ugc_metrics_full": Metric(
        "gauge", "1 when a series found no place and is counted nowhere, else 0.", across="max"
    ),
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
        "gauge",
        "Everything accepted longer ago than this can be asked for: measured by canaries. "
        "Missing when no partition is ours, or none of its canaries has come yet.",
    ),
    "ugc_etl_drift_found_total": Metric(
        "counter", "Days in which events_raw and what is counted from it were found to disagree for good."
    ),
    "ugc_warehouse_oldest_row_at_seconds": Metric(
        "gauge",
        "Unix time of a table's oldest row; when that is older than the table keeps rows, dropping stalls.",
        ("table",),
    ),
    "ugc_etl_rows_mended_total": Metric(
        "counter", "Rows that a check by offsets found missing after a crash or a lost answer, and put in."
    ),
}

SeriesT = TypeVar("SeriesT", bound=Series)


class Sheets(Protocol):
    """Where numbers are: ours, and those of the processes we are one with."""

    @property
    def mine(self) -> Sheet: ...

    def others(self) -> Iterable[tuple[dict[Words, float], bool]]:
        """Numbers, and whether their process still runs."""
        ...


class OwnSheet:
    """A process that is one with no other."""

    def __init__(self) -> None:
        self.mine = Sheet()

    def others(self) -> Iterable[tuple[dict[Words, float], bool]]:
        return ()


class Metrics:
    """What a process counts; `registry` tells the totals of all processes it shares sheets with.

    An object, not a module of globals: two of them can live in one test, and none is made by an import.
    Asking for a name that is not declared, or by the wrong kind, is a KeyError or TypeError at start-up.
    """

    def __init__(self, sheets: Sheets | None = None) -> None:
        self._sheets: Sheets = sheets if sheets is not None else OwnSheet()
        self._made: dict[str, Series] = {}
        self.registry = CollectorRegistry()
        self.registry.register(_All(self._sheets))
        self._forget_gauges()

    def counter(self, name: str) -> Counter:
        return self._get(name, Counter)

    def gauge(self, name: str) -> Gauge:
        return self._get(name, Gauge)

    def histogram(self, name: str) -> Histogram:
        return self._get(name, Histogram)

    def _forget_gauges(self) -> None:
        """A sheet that is gone on with has the state of who had it before."""
        mine = self._sheets.mine
        for words in mine.read():
            if words[0] in METRICS and METRICS[words[0]].kind == "gauge":
                mine.put(mine.place(words), GONE)

    def _get(self, name: str, kind: type[SeriesT]) -> SeriesT:
        metric = METRICS[name]
        if metric.kind != kind.__name__.lower():
            raise TypeError(f"{name} is a {metric.kind}, not a {kind.__name__.lower()}")
        made = self._made.get(name)
        if not isinstance(made, kind):
            made = kind(self._sheets.mine, name, metric.labels, buckets=metric.buckets)
            self._made[name] = made
        return made


class _All(Collector):
    """What the registry asks at every scrape."""

    def __init__(self, sheets: Sheets) -> None:
        self._sheets = sheets

    def collect(self) -> Iterator[Family]:
        mine = self._sheets.mine
        own = {**mine.read(), ("ugc_metrics_full",): float(mine.full)}
        yield from families(METRICS, merged(METRICS, [(own, True), *self._sheets.others()]))
