"""The collector's parts in memory: a standing clock, a log, a warehouse, an application over them."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient

from clickhouse.answers import Answer, DauRow, Freshness, Period, ReturningPage
from clickhouse.client import WarehouseError
from clickhouse.scope import Scope
from contract.topics import EVENTS, Topic
from contract.wire import Record
from telemetry import logs
from telemetry.health import NotReady
from telemetry.metrics import Metrics
from ugc_api.access import building
from ugc_api.app import Parts, create_app
from ugc_api.event_log import LogUnavailable, Reason, RecordTooLarge
from ugc_api.idempotency.answer_store import AnswerStore, StoreLimits
from ugc_api.idempotency.claims import Claims
from ugc_api.idempotency.first_answers import FirstAnswers
from ugc_api.limiting import memory
from ugc_api.limiting.buckets import Buckets
from ugc_api.settings import ApiSettings

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)


class StandingClock:
    """Time that moves only when told."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class MemoryEventLog:
    """The log in memory: the same guarantees, outages at the flick of a switch."""

    def __init__(self, topic: Topic = EVENTS) -> None:
        self.records: list[Record] = []
        self.unavailable: Reason | None = None
        self._bytes_max = topic.message_bytes_max
        self._closed = False

    def append(self, records: Sequence[Record]) -> None:
        if self._closed:
            raise LogUnavailable(Reason.CLOSED, "closed")
        if self.unavailable is not None:
            raise LogUnavailable(self.unavailable, "switched off")
        if any(len(record.value) > self._bytes_max for record in records):
            raise RecordTooLarge("larger than the topic takes")
        self.records.extend(records)

    def check(self) -> None:
        if self._closed or self.unavailable is not None:
            raise NotReady("switched off")

    def close(self) -> int:
        self._closed = True
        return 0


@dataclass
class WarehouseInMemory:
    """Answers as told and remembers what it was asked, or fails as told."""

    users: dict[date, int] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    held: date = NOW.date() - timedelta(days=179)
    held_in_segment: date = NOW.date() - timedelta(days=29)
    fails: WarehouseError | None = None
    freshness_is: Freshness = field(default_factory=lambda: Freshness(NOW - timedelta(seconds=3), 0.75))

    def ping(self) -> None:
        if self.fails is not None:
            raise self.fails

    def dau(self, scope: Scope, first: date, last: date) -> Any:
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        rows = [DauRow(day, self.users.get(day, 0)) for day in days]
        return self._answer("dau", scope, first, last, otherwise=Answer(rows))

    def top_events(self, scope: Scope, first: date, last: date, limit: int) -> Any:
        return self._answer("top_events", scope, first, last, limit)

    def daily(self, scope: Scope, first: date, last: date, rows_max: int) -> Any:
        return self._answer("daily", scope, first, last, rows_max)

    def retention(self, scope: Scope, start: date, windows: int, period: Period) -> Any:
        return self._answer("retention", scope, start, windows, period)

    def retention_7d(self, scope: Scope, first: date, last: date) -> Any:
        return self._answer("retention_7d", scope, first, last)

    def returning(self, scope: Scope, day: date, days: int, limit: int, cursor: str | None) -> Any:
        nobody = ReturningPage(0, [], None)
        return self._answer("returning", scope, day, days, limit, cursor, otherwise=nobody)

    def freshness(self) -> Freshness:
        self.ping()
        return self.freshness_is

    def _answer(self, name: str, scope: Scope, *asked: Any, otherwise: Any = None) -> Any:
        self.ping()
        self.asked.append((name, scope, *asked))
        held = self.held_in_segment if scope.segments else self.held
        return replace(self.answers.get(name, otherwise or Answer([])), held_since=held)


@dataclass
class Api:
    """An application over parts in memory, and the parts."""

    client: FlaskClient
    event_log: MemoryEventLog
    warehouse: WarehouseInMemory
    clock: StandingClock
    metrics: Metrics

    def send(self, body: Any, **more: Any) -> Any:
        return self.client.post(more.pop("url", "/events"), json=body, **more)

    def value(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """A test that configures the logs leaves nothing of it to the next one."""
    yield
    structlog.reset_defaults()
    logs.begin()


@pytest.fixture
def make_first_answers(tmp_path: Path) -> Iterator[Callable[..., FirstAnswers]]:
    """What the processes of one host have: each its own object, all in the same folder."""
    made: list[FirstAnswers] = []

    def make(clock: StandingClock, metrics: Metrics) -> FirstAnswers:
        store = AnswerStore(tmp_path / "answers.sqlite3", limits=StoreLimits(1_000, 8_388_608), clock=clock)
        made.append(FirstAnswers(store, Claims(tmp_path / "claims"), metrics=metrics))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def make_api(make_first_answers: Callable[..., FirstAnswers]) -> Callable[..., Api]:
    def make(*, warehouse: Any = None, **settings: Any) -> Api:
        event_log, clock, metrics = MemoryEventLog(), StandingClock(), Metrics()
        warehouse = warehouse or WarehouseInMemory()
        chosen = ApiSettings(**settings)
        parts = Parts(
            event_log=event_log,
            buckets=Buckets(memory.own(sets=64), clock=clock),
            warehouse=warehouse,
            first_answers=make_first_answers(clock, metrics),
            gate=building.build(chosen, clock=clock, metrics=metrics),
            clock=clock,
            metrics=metrics,
        )
        return Api(create_app(chosen, parts).test_client(), event_log, warehouse, clock, metrics)

    return make


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    return make_api()


@pytest.fixture
def event() -> Callable[..., dict[str, Any]]:
    """A valid event of the standing clock's time; what is passed replaces or adds, None takes away."""

    def make(**changes: Any) -> dict[str, Any]:
        whole = {
            "event_id": str(uuid.uuid4()),
            "occurred_at": NOW.isoformat().replace("+00:00", "Z"),
            "user_id": "user-1",
            "event_type": "click",
            "properties": {"element": "play"},
            **changes,
        }
        return {name: value for name, value in whole.items() if value is not None}

    return make


@pytest.fixture
def memory_log() -> MemoryEventLog:
    return MemoryEventLog()
