"""One line a fact, in JSON for a machine; a metric that is not on the list cannot be counted."""

import io
import json
import logging
import re

import pytest
import structlog
from prometheus_client import generate_latest

from telemetry import logs
from telemetry.clock import SystemClock
from telemetry.health import NotReady, run_checks
from telemetry.metrics import METRICS, Metrics


def test_a_line_is_one_json_object_with_its_process() -> None:
    stream = io.StringIO()
    logs.configure(process="api", format="json", stream=stream)
    structlog.get_logger().info("range_loaded", rows=3, text="two\nlines")
    entry = json.loads(stream.getvalue())
    assert {k: entry[k] for k in ("event", "process", "level", "rows", "text")} == {
        "event": "range_loaded",
        "process": "api",
        "level": "info",
        "rows": 3,
        "text": "two\nlines",
    }
    assert stream.getvalue().count("\n") == 1


def test_libraries_log_in_the_same_shape_and_levels_are_kept() -> None:
    stream = io.StringIO()
    logs.configure(process="etl", level="warning", format="json", stream=stream)
    logging.getLogger("urllib3").warning("retrying")
    logging.getLogger("werkzeug").warning("retrying %s", "x")
    structlog.get_logger().info("not_shown")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["retrying x"]


def test_lines_say_what_they_are_about_until_something_else_begins() -> None:
    stream = io.StringIO()
    logs.configure(process="api", format="json", stream=stream)
    log = structlog.get_logger()
    logs.begin(request_id="one")
    logs.also(key="k")
    log.info("first", key="its own")
    log.info("second")
    logs.begin(request_id="two")
    log.info("third")
    logs.begin()
    log.info("fourth")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line.get("request_id"), line.get("key")) for line in lines] == [
        ("one", "its own"),
        ("one", "k"),
        ("two", None),
        (None, None),
    ]
    assert all(re.fullmatch(r"[0-9-]{10}T[0-9:.]{8,15}Z", line["at"]) for line in lines)


def test_a_closed_stream_does_not_end_the_process() -> None:
    stream = io.StringIO()
    logs.configure(process="api", format="json", stream=stream)
    stream.close()
    structlog.get_logger().error("nobody_reads")
    assert stream.closed


def test_only_declared_metrics_exist_and_by_their_own_kind() -> None:
    metrics = Metrics()
    metrics.counter("ugc_events_accepted_total").inc(2)
    text = generate_latest(metrics.registry)
    assert b"ugc_events_accepted_total 2.0" in text
    assert b"_created" not in text
    with pytest.raises(KeyError):
        metrics.counter("ugc_made_up_total")
    with pytest.raises(TypeError, match="is a gauge, not a counter"):
        metrics.counter("ugc_broker_up")


def test_every_metric_has_a_meaning_and_says_its_unit() -> None:
    for name, metric in METRICS.items():
        assert metric.meaning.endswith("."), name
        assert name.startswith("ugc_"), name
        assert (metric.kind == "counter") == name.endswith("_total"), name


def test_a_check_that_breaks_is_not_ready_with_its_reason() -> None:
    def broken() -> None:
        raise ValueError("boom")

    def unready() -> None:
        raise NotReady("the broker is away")

    results = run_checks({"fine": lambda: None, "broken": broken, "away": unready}, clock=SystemClock())
    assert [(name, r.ready, r.message) for name, r in results.items()] == [
        ("fine", True, "ok"),
        ("broken", False, "ValueError: boom"),
        ("away", False, "the broker is away"),
    ]
