"""Numbers of one process and of many: right beside the library's own, and right after a kill."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import prometheus_client
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from telemetry.metric import Metric
from telemetry.metrics import METRICS, Metrics, OwnSheet
from telemetry.shared_sheets import SharedSheets, forget
from telemetry.sheet import LINES_MAX, SHEET_BYTES, Sheet, numbers_in

ACCEPTED, REJECTED, SECONDS = (
    "ugc_events_accepted_total",
    "ugc_events_rejected_total",
    "ugc_http_request_seconds",
)
UP, QUEUED = "ugc_broker_up", "ugc_producer_queue_events"

LABEL = st.sampled_from(["/events", "/stats/dau", 'odd "one"\\', ""])
AMOUNT = st.floats(0, 30, allow_nan=False)
DONE = st.lists(
    st.one_of(
        st.tuples(st.just(ACCEPTED), st.none(), AMOUNT),
        st.tuples(st.just(REJECTED), LABEL, AMOUNT),
        st.tuples(st.just(SECONDS), LABEL, AMOUNT),
        st.tuples(st.just(QUEUED), st.none(), AMOUNT),
    ),
    max_size=30,
)


def library_made(metric: Metric, name: str, registry: CollectorRegistry) -> Any:
    if metric.kind == "histogram":
        return prometheus_client.Histogram(
            name, metric.meaning, metric.labels, registry=registry, buckets=metric.buckets
        )
    kind = prometheus_client.Counter if metric.kind == "counter" else prometheus_client.Gauge
    return kind(name, metric.meaning, metric.labels, registry=registry)


def do(made: Any, label: str | None, amount: float) -> None:
    series = made if label is None else made.labels(label)
    for verb in ("observe", "set", "inc"):
        if hasattr(series, verb):
            getattr(series, verb)(amount)
            return


@given(DONE)
@settings(max_examples=60, deadline=None)
def test_it_says_what_the_library_says(done: list[tuple[str, str | None, float]]) -> None:
    prometheus_client.disable_created_metrics()
    ours, registry = Metrics(), CollectorRegistry()
    theirs = {
        name: library_made(METRICS[name], name, registry)
        for name in METRICS
        if name in {each[0] for each in done}
    }
    for name, label, amount in done:
        do(getattr(ours, METRICS[name].kind)(name), label, amount)
        do(theirs[name], label, amount)
    said = [line for line in generate_latest(ours.registry).splitlines() if b"ugc_metrics_full" not in line]
    assert sorted(said) == sorted(generate_latest(registry).splitlines())


def test_two_threads_that_begin_the_same_series_get_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet, new_line, begun = Sheet(), Sheet._new_line, threading.Event()

    def slow(self: Sheet, words: tuple[str, ...]) -> int:
        begun.set()
        time.sleep(0.05)
        return new_line(self, words)

    monkeypatch.setattr(Sheet, "_new_line", slow)
    places: list[int] = []
    first = threading.Thread(target=lambda: places.append(sheet.place(("name",))))
    first.start()
    assert begun.wait(5)
    places.append(sheet.place(("name",)))
    first.join()
    assert places[0] == places[1]


def test_wrong_labels_and_counting_down_are_errors() -> None:
    metrics = Metrics()
    for wrong in ((), ("a", "b")):
        with pytest.raises(ValueError, match="labels"):
            metrics.counter(REJECTED).labels(*wrong)
    with pytest.raises(ValueError, match="labels"):
        metrics.counter(REJECTED).labels(kode="a")
    with pytest.raises(ValueError, match="grows"):
        metrics.counter(ACCEPTED).inc(-1)


def test_a_removed_gauge_is_gone_until_it_is_set_again() -> None:
    metrics = Metrics()
    lag = metrics.gauge("ugc_etl_lag_events")
    lag.labels(partition="1").set(5)
    lag.remove("1")
    assert value(metrics, "ugc_etl_lag_events", partition="1") is None
    lag.labels(partition="1").set(0)
    assert value(metrics, "ugc_etl_lag_events", partition="1") == 0


def test_a_full_sheet_says_so_and_keeps_what_it_has() -> None:
    sheet, own = Sheet(), OwnSheet()
    own.mine = sheet
    metrics = Metrics(own)
    metrics.counter(ACCEPTED).inc(7)
    assert value(metrics, "ugc_metrics_full") == 0
    for number in range(LINES_MAX + 10):
        metrics.counter(REJECTED).labels(f"code-{number}").inc()
    assert value(metrics, "ugc_metrics_full") == 1
    assert value(metrics, ACCEPTED) == 7
    assert len(sheet.read()) == LINES_MAX


@given(st.binary(max_size=300))
def test_whatever_stands_in_a_sheet_reading_it_does_no_harm(noise: bytes) -> None:
    numbers_in(noise)
    numbers_in(noise.ljust(SHEET_BYTES, b"\xff"))
    numbers_in(noise.ljust(SHEET_BYTES + 3, b"\0"))


# Several processes


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def ends(sheets: SharedSheets) -> None:
    """What the kernel does when its process ends."""
    fcntl.flock(sheets._descriptor, fcntl.LOCK_UN)


def test_whoever_is_asked_tells_the_total(tmp_path: Path) -> None:
    all_of = [Metrics(SharedSheets(tmp_path)) for _ in range(3)]
    for number, metrics in enumerate(all_of):
        metrics.counter(ACCEPTED).inc(number + 1)
        metrics.counter(REJECTED).labels(f"code-{number}").inc()
        metrics.histogram(SECONDS).labels("/events").observe(0.003)
        metrics.gauge(QUEUED).set(10)
        metrics.gauge(UP).set(1)
    for metrics in all_of:
        assert value(metrics, ACCEPTED) == 6
        assert value(metrics, REJECTED, code="code-0") == 1
        assert value(metrics, f"{SECONDS}_count", route="/events") == 3
        assert value(metrics, QUEUED) == 30
        assert value(metrics, UP) == 1
    all_of[1].gauge(UP).set(0)
    assert {value(metrics, UP) for metrics in all_of} == {0}


def test_of_a_process_that_ended_the_counts_stay_and_the_gauges_go(tmp_path: Path) -> None:
    gone = SharedSheets(tmp_path)
    before, stays = Metrics(gone), Metrics(SharedSheets(tmp_path))
    before.counter(ACCEPTED).inc(5)
    before.gauge(UP).set(0)
    stays.gauge(UP).set(1)
    ends(gone)
    assert (value(stays, ACCEPTED), value(stays, UP)) == (5, 1)
    follower = Metrics(SharedSheets(tmp_path))
    follower.counter(ACCEPTED).inc(2)
    assert (value(stays, ACCEPTED), value(follower, UP)) == (7, 1)
    assert len(list(tmp_path.iterdir())) == 2, "the sheet was gone on with"


COUNT = """
import pathlib, sys, time
from telemetry.metrics import Metrics
from telemetry.shared_sheets import SharedSheets
counter = Metrics(SharedSheets(pathlib.Path(sys.argv[1]))).counter("ugc_events_accepted_total")
for _ in range(1234):
    counter.inc()
print("counted", flush=True)
sys.stdin.read()
"""


def test_a_kill_loses_no_count(tmp_path: Path, repository: Path) -> None:
    here = Metrics(SharedSheets(tmp_path))
    with subprocess.Popen(
        [sys.executable, "-c", COUNT, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=repository,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"counted\n"
        assert value(here, ACCEPTED) == 1234
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    assert value(here, ACCEPTED) == 1234
    Metrics(SharedSheets(tmp_path))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_new_start_begins_at_nothing(tmp_path: Path) -> None:
    before = SharedSheets(tmp_path)
    Metrics(before).counter(ACCEPTED).inc(5)
    ends(before)
    forget(tmp_path)
    after = Metrics(SharedSheets(tmp_path))
    after.counter(ACCEPTED)
    assert value(after, ACCEPTED) == 0


def test_a_damaged_or_foreign_file_does_not_silence_the_others(tmp_path: Path) -> None:
    here = Metrics(SharedSheets(tmp_path))
    here.counter(ACCEPTED).inc(3)
    (tmp_path / "7.sheet").write_bytes(os.urandom(SHEET_BYTES))
    (tmp_path / "8.sheet").write_bytes(b"short")
    (tmp_path / "9.sheet").mkdir()
    old = Sheet()
    old.add(old.place(("ugc_of_another_version",)), 1)
    (tmp_path / "6.sheet").write_bytes(bytes(old._bytes))
    assert value(here, ACCEPTED) == 3
    assert b"another_version" not in generate_latest(here.registry)


def test_no_hole_in_the_file_can_meet_a_full_disk(tmp_path: Path) -> None:
    SharedSheets(tmp_path)
    assert (tmp_path / "0.sheet").stat().st_blocks * 512 >= SHEET_BYTES
