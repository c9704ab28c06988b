"""What the ETL says of itself over HTTP: red when it stalls, green when it idles."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as Counted

from etl.errors import Fatal, Retryable
from etl.health import HealthServer, health_routes
from telemetry.clock import SystemClock
from telemetry.health import NotReady


@pytest.fixture
def server() -> Iterator[tuple[HealthServer, dict[str, Any]]]:
    faults: dict[str, Any] = {}

    def warehouse() -> None:
        if "warehouse" in faults:
            raise NotReady(faults["warehouse"])

    registry = CollectorRegistry()
    Counted("ugc_etl_rows_inserted_total", "Rows.", registry=registry).inc(3)
    routes = health_routes(
        registry=registry, live={"loop": lambda: None}, ready={"warehouse": warehouse}, clock=SystemClock()
    )
    server = HealthServer("127.0.0.1", 0, routes)
    server.start()
    yield server, faults
    server.stop()


def get(server: HealthServer, path: str) -> tuple[int, bytes]:
    try:
        with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def test_ready_says_what_is_not(server: Any) -> None:
    served, faults = server
    assert get(served, "/health/ready")[0] == 200
    faults["warehouse"] = "it does not answer"
    status, body = get(served, "/health/ready")
    assert status == 503
    assert orjson.loads(body)["checks"]["warehouse"]["message"] == "it does not answer"
    assert get(served, "/health/live")[0] == 200


def test_metrics_are_prometheus_text(server: Any) -> None:
    assert b"ugc_etl_rows_inserted_total 3.0" in get(server[0], "/metrics")[1]


def test_any_other_path_is_404_and_names_those_there_are(server: Any) -> None:
    status, body = get(server[0], "/")
    assert status == 404
    assert orjson.loads(body)["routes"] == ["/health/live", "/health/ready", "/metrics"]


def test_a_busy_port_names_the_setting(server: Any) -> None:
    with pytest.raises(Fatal, match=r"cannot listen on 127.0.0.1:\d+ .*UGC_ETL_METRICS_PORT"):
        HealthServer("127.0.0.1", server[0].port, {})


def test_not_ready_before_it_has_partitions(world: Any) -> None:
    process = world.process()
    with pytest.raises(NotReady, match="no partitions yet"):
        process.watch.check_log()
    process.pipeline.run_once()
    process.watch.check_log()


def test_idle_is_ready_however_long(world: Any) -> None:
    process = world.process()
    process.pipeline.run_once()
    world.clock.sleep(3600)
    process.pipeline.run_once()
    process.watch.check_moving()


def test_a_message_after_a_long_idle_time_is_no_stall(world: Any, record: Any) -> None:
    process = world.process()
    process.pipeline.run_once()
    world.clock.sleep(3600)
    process.pipeline.run_once()
    process.source.pause()
    world.log.send(record(1))
    process.pipeline.run_once()
    process.watch.check_moving()


def test_a_full_log_that_moves_is_ready(world: Any, record: Any) -> None:
    process = world.process()
    for n in range(100):
        world.log.send(record(n))
    for _ in range(3):
        process.pipeline.run_once()
        world.clock.sleep(20)
        process.watch.check_moving()


def test_messages_that_wait_while_none_moves_are_not_ready(world: Any, record: Any) -> None:
    process = world.process()
    process.pipeline.run_once()
    process.source.pause()
    world.log.send(record(1))
    world.clock.sleep(29)
    process.pipeline.run_once()
    process.watch.check_moving()
    world.clock.sleep(2)
    with pytest.raises(NotReady, match=r"1 messages wait and none has moved for 31 s"):
        process.watch.check_moving()


def test_one_partition_that_stands_still_is_not_ready_though_others_move(world: Any) -> None:
    watch = world.watch()
    for _ in range(7):
        watch.looped(joined=True, lag={0: 100, 1: 5, 2: 0})
        watch.moved(1, messages=1, rows=1, duplicates=0, conflicts=0, dead=Counter())
        watch.check_moving()
        world.clock.sleep(10)
    watch.moved(1, messages=1, rows=1, duplicates=0, conflicts=0, dead=Counter())
    # Two wait and one is stored at a time: each has had time for its turn.
    with pytest.raises(NotReady, match="100 messages wait in partition 0 and none has moved for 70 s"):
        watch.check_moving()
    watch.moved(0, messages=1, rows=1, duplicates=0, conflicts=0, dead=Counter())
    watch.check_moving()


def test_a_partition_that_came_anew_has_time(world: Any) -> None:
    watch = world.watch()
    watch.looped(joined=True, lag={0: 100})
    world.clock.sleep(20)
    watch.looped(joined=True, lag={})
    world.clock.sleep(20)
    watch.looped(joined=True, lag={0: 100})
    watch.check_moving()


def test_not_ready_during_an_outage_and_ready_after_it(world: Any, record: Any) -> None:
    process = world.process()
    world.log.send(record(1))
    heard = []

    def away() -> None:
        if len(heard) < 3:
            try:
                process.watch.check_moving()
                heard.append("ready")
            except NotReady as reason:
                heard.append(str(reason))
            raise Retryable("the warehouse is away")

    world.store.outage = away
    world.drain(process)
    # An insert that got no answer is followed by a look.
    assert heard == ["ready", "ready", "mend: the warehouse is away"]
    process.watch.check_moving()


def test_lag_is_shown_by_partition_and_forgotten_with_it(world: Any, record: Any) -> None:
    process = world.process()
    for n in range(30):
        world.log.send(record(n))
    process.pipeline.run_once()
    assert world.value("ugc_etl_lag_events", partition="0") > 0
    world.drain(process)
    process.pipeline.run_once()
    assert world.value("ugc_etl_lag_events", partition="0") == 0
    world.process()
    process.pipeline.run_once()
    assert world.metrics.registry.get_sample_value("ugc_etl_lag_events", {"partition": "1"}) is None
