"""Limits that belong together, the branches of errors, and the pauses between attempts."""

from random import Random

import pytest
from confluent_kafka import KafkaError

from clickhouse.client import QueryFailed, Rejected, Unavailable
from etl import kafka_errors
from etl.asking import branched
from etl.errors import EtlError, Fatal, Poison, Retryable, Withdrawn
from etl.kafka_client import configuration
from etl.retry import BackOff
from etl.settings import EtlSettings
from telemetry.settings import SettingsError, load


def test_the_defaults_fit_together() -> None:
    settings = load(EtlSettings)
    assert settings.batch_rows_max == 100_000
    assert settings.flush_interval_ms == 500
    assert settings.etl_metrics_port == 9002


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UGC_FLUSH_INTERVAL_MS", "1000"),
        ("UGC_ETL_WAREHOUSE_TIMEOUT_MS", "1000"),
        ("UGC_ETL_RETRY_MAX_MS", "1000"),
    ],
)
def test_no_step_may_cost_the_process_its_partitions(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    small = {
        "UGC_FLUSH_INTERVAL_MS": "10",
        "UGC_ETL_RETRY_MAX_MS": "10",
        "UGC_ETL_SESSION_TIMEOUT_MS": "1000",
    }
    for each, text in {**small, "UGC_ETL_WAREHOUSE_TIMEOUT_MS": "1000"}.items():
        monkeypatch.setenv(each, text)
    monkeypatch.setenv("UGC_ETL_MAX_POLL_INTERVAL_MS", "3001")
    load(EtlSettings)
    monkeypatch.setenv("UGC_ETL_MAX_POLL_INTERVAL_MS", "3000")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="must be below a third of UGC_ETL_MAX_POLL_INTERVAL_MS"):
        load(EtlSettings)


def test_a_session_may_not_outlast_the_poll_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGC_ETL_SESSION_TIMEOUT_MS", "300000")
    load(EtlSettings)
    monkeypatch.setenv("UGC_ETL_MAX_POLL_INTERVAL_MS", "299999")
    with pytest.raises(SettingsError, match="UGC_ETL_SESSION_TIMEOUT_MS must not exceed"):
        load(EtlSettings)


def test_nothing_is_committed_or_skipped_behind_our_back() -> None:
    chosen = configuration(EtlSettings())
    assert chosen["enable.auto.commit"] is False
    assert chosen["enable.auto.offset.store"] is False
    assert chosen["auto.offset.reset"] == "error"
    assert "group.instance.id" not in chosen
    assert configuration(EtlSettings(etl_instance_id="one"))["group.instance.id"] == "one"


def test_where_the_broker_shares_out_the_partitions_it_also_watches_the_sessions() -> None:
    chosen = configuration(EtlSettings(etl_group_protocol="consumer"))
    assert chosen["group.protocol"] == "consumer"
    assert not {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"} & set(chosen)
    assert "group.protocol" not in configuration(EtlSettings())


@pytest.mark.parametrize(
    ("raised", "branch"),
    [
        (Unavailable("away"), Retryable),
        (Rejected("bad row", code=27), Fatal),
        (QueryFailed("no", code=497), Fatal),
        (QueryFailed("no table", code=60), Fatal),
    ],
)
def test_every_warehouse_error_has_one_branch(raised: Exception, branch: type[EtlError]) -> None:
    with pytest.raises(branch), branched():
        raise raised


@pytest.mark.parametrize("code", sorted(kafka_errors.RETRYABLE_CODES))
def test_what_passes_by_itself_is_retried(code: int) -> None:
    assert isinstance(kafka_errors.branch(KafkaError(code), "reading"), Retryable)


@pytest.mark.parametrize(
    "error",
    [
        KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED),
        KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED),
        KafkaError(KafkaError.FENCED_INSTANCE_ID),
        KafkaError(KafkaError.MSG_SIZE_TOO_LARGE),
        KafkaError(KafkaError.OFFSET_METADATA_TOO_LARGE),
        KafkaError(KafkaError._AUTHENTICATION),
        KafkaError(KafkaError._TRANSPORT, "fatal for the whole client", True),
        KafkaError(9_999),
    ],
    ids=lambda error: f"{error.name()}{'_fatal' if error.fatal() else ''}",
)
def test_the_rest_stops_somebody(error: KafkaError) -> None:
    assert isinstance(kafka_errors.branch(error, "reading"), Fatal)


def test_a_missing_topic_is_waited_for_and_says_who_makes_it() -> None:
    found = kafka_errors.branch(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART), "reading")
    assert isinstance(found, Retryable)
    assert "`ugc migrate`" in str(found)


def test_the_tree_has_three_branches_and_a_withdrawal_is_none_of_them() -> None:
    assert set(EtlError.__subclasses__()) == {Poison, Retryable, Fatal}
    assert not issubclass(Withdrawn, EtlError)


def test_pauses_grow_to_their_bound_and_never_beyond() -> None:
    back_off = BackOff(first_ms=100, max_ms=5_000)

    class Highest(Random):
        def uniform(self, _: float, b: float) -> float:
            return b

    longest = [back_off.delay_s(attempt, Highest()) for attempt in range(1, 10)]
    assert longest == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]
    assert back_off.delay_s(1_000_000, Highest()) == 5.0


def test_pauses_are_drawn_from_nothing_to_their_bound() -> None:
    back_off = BackOff(first_ms=100, max_ms=5_000)
    drawn = sorted(back_off.delay_s(5, Random(seed)) for seed in range(200))
    assert drawn[0] < 0.1
    assert 1.5 < drawn[-1] <= 1.6


def test_an_expected_failure_is_one_line() -> None:
    for error in (Retryable("a"), Fatal("b"), Poison("reason", "c")):
        assert "\n" not in str(error)


def test_a_name_of_its_own_is_for_the_classic_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGC_ETL_INSTANCE_ID", "one")
    load(EtlSettings)
    monkeypatch.setenv("UGC_ETL_GROUP_PROTOCOL", "consumer")
    with pytest.raises(SettingsError, match="UGC_ETL_INSTANCE_ID does not go with"):
        load(EtlSettings)
