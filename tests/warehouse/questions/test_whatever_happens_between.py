"""Somebody who remembers days is asked while events come, parts are merged and days are taken away."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickhouse import segments
from clickhouse.scope import Scope
from clickhouse.views import ACTIVITY, QUARTER_HOURS, RAW, SPANS
from clickhouse.warehouse import Warehouse
from ugc_api.stats.ahead import ReadingAhead

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
# Europe/Berlin loses an hour on the 29th of March.
ZONE = "Europe/Berlin"
DAYS = 3
# What days are remembered of: each is divided by days.
TABLES = (RAW, QUARTER_HOURS.target, ACTIVITY.target)
SCOPES = [
    Scope(tz=tz, exact=exact, segments=segment)
    for tz in ("UTC", ZONE)
    for exact in (False, True)
    for segment in ((), (segments.parse("properties.n>1"),))
]

# What may happen, and to which warehouse: one that remembers, and whoever reads ahead for it.
Happening = Callable[[Any, Warehouse, ReadingAhead], None]


def arrive(held: Any, quarters: Sequence[int]) -> None:
    held.add(
        {
            "user_id": f"u{quarter % 7}",
            "event_type": f"t{quarter % 2}",
            "occurred_at": (NOW - timedelta(minutes=15 * quarter)).isoformat(),
            "properties": {"n": quarter % 4},
        }
        for quarter in quarters
    )


def merge(held: Any, tables: Sequence[str]) -> None:
    for table in (*tables, SPANS.target):
        held.client.command(f"OPTIMIZE TABLE {table} FINAL")


def take_away(held: Any, days_ago: int) -> None:
    for table in TABLES:
        held.client.command(f"ALTER TABLE {table} DROP PARTITION '{NOW.date() - timedelta(days_ago)}'")


def ask(held: Any, warehouse: Warehouse, scope: Scope, days_ago: tuple[int, int]) -> None:
    """What is remembered is what somebody new is told."""
    first, last = (NOW.date() - timedelta(n) for n in sorted(days_ago, reverse=True))
    new = held.at(NOW)
    assert warehouse.daily(scope, first, last) == new.daily(scope, first, last)
    assert warehouse.dau(scope, first, last) == new.dau(scope, first, last)
    assert warehouse.retention_7d(scope, first, last) == new.retention_7d(scope, first, last)
    assert warehouse.retention(scope, first, DAYS, "day") == new.retention(scope, first, DAYS, "day")


AGO = st.integers(0, DAYS)
HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.lists(st.integers(0, DAYS * 96), min_size=1, max_size=4).map(
        lambda quarters: lambda held, *_: arrive(held, quarters)
    ),
    st.lists(st.sampled_from(TABLES), min_size=1, unique=True).map(
        lambda tables: lambda held, *_: merge(held, tables)
    ),
    AGO.map(lambda days_ago: lambda held, *_: take_away(held, days_ago)),
    st.just(lambda _held, _warehouse, ahead: ahead.look()),
    st.tuples(st.sampled_from(SCOPES), st.tuples(AGO, AGO)).map(
        lambda asked: lambda held, warehouse, _: ask(held, warehouse, *asked)
    ),
)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(happenings=st.lists(HAPPENINGS, min_size=3, max_size=8))
def test_what_is_remembered_is_what_somebody_new_is_told(held: Any, happenings: list[Happening]) -> None:
    held.hold([])
    warehouse = held.at(NOW)
    ahead = ReadingAhead(warehouse, [ZONE], clock=warehouse._clock)
    arrive(held, range(0, DAYS * 96, 31))
    ahead.look()
    for happens in happenings:
        happens(held, warehouse, ahead)
    for exact in (False, True):
        ask(held, warehouse, Scope(tz=ZONE, exact=exact), (0, DAYS))
