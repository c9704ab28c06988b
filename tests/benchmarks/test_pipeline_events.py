"""The generated events: valid by the contract, the same for the same seed, counted rightly."""

import json
from datetime import UTC, date, datetime
from itertools import pairwise
from uuid import UUID

import pytest

from benchmarks.events import JITTER_MS, SHAPES, Ids, Known, Plan, as_json, bodies, events, records
from contract import wire
from contract.events import KNOWN_TYPES
from contract.reading import read

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def plan(**changes: object) -> Plan:
    whole: dict[str, object] = {"seed": 7, "users": 50, "ends_at_ms": NOW_MS, **changes}
    return Plan(**whole)  # type: ignore[arg-type]


@pytest.mark.parametrize("ids", ["uuid7", "uuid4"])
def test_every_event_is_read_by_the_contract_as_it_was_made(ids: Ids) -> None:
    made = list(events(plan(ids=ids), 2_000))
    assert [read(as_json(each), received_at=NOW) for each in made] == made
    assert {each.event_type for each in made} == {name for name, _ in SHAPES}
    assert {name for name, _ in SHAPES} > set(KNOWN_TYPES)


def test_every_record_is_decoded_as_the_event_it_was() -> None:
    made = list(events(plan(), 500))
    written = list(records(plan(), 500))
    assert [wire.decode(each.value, each.headers).event for each in written] == made
    assert [each.key.decode() for each in written] == [each.event_id for each in made]
    assert 300 <= sum(len(each.value) for each in written) / 500 <= 400


@pytest.mark.parametrize(("ids", "version"), [("uuid7", 7), ("uuid4", 4)])
def test_ids_are_uuids_of_the_version_asked_for_and_all_different(ids: Ids, version: int) -> None:
    made = list(events(plan(ids=ids), 20_000))
    assert {UUID(each.event_id).version for each in made} == {version}
    assert len({each.event_id for each in made}) == 20_000
    assert all(str(UUID(each.event_id)) == each.event_id for each in made)


def test_a_uuid7_begins_with_the_time_of_its_event() -> None:
    for each in events(plan(), 100):
        assert UUID(each.event_id).int >> 80 == each.occurred_at_ms


def test_the_seed_makes_the_events() -> None:
    assert list(events(plan(), 100)) == list(events(plan(), 100))
    assert not set(events(plan(), 100)) & set(events(plan(seed=8), 100))


def test_times_are_in_order_within_the_jitter_and_never_after_the_end() -> None:
    times = [each.occurred_at_ms for each in events(plan(spread_ms=600_000), 1_000)]
    assert max(times) <= NOW_MS
    assert min(times) >= NOW_MS - 600_000 - JITTER_MS
    assert all(after - before > -JITTER_MS for before, after in pairwise(times))


def test_bodies_carry_every_event_once_and_what_is_known_is_what_is_in_them() -> None:
    known = Known()
    made = bodies(plan(users=30), 205, a_request=100, known=known)
    sent = [json.loads(body) for body in made]
    assert [len(each) for each in sent] == [100, 100, 5]
    everything = [event for body in sent for event in body]
    assert len({event["event_id"] for event in everything}) == known.events == 205
    users_by_day: dict[date, set[str]] = {}
    for event in everything:
        day = datetime.fromisoformat(event["occurred_at"]).date()
        users_by_day.setdefault(day, set()).add(event["user_id"])
    assert known.dau == {day: len(users) for day, users in users_by_day.items()}
    assert max(known.dau.values()) == 30


def test_users_are_counted_by_the_day_of_their_event() -> None:
    midnight_ms = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp() * 1000)
    known = Known()
    bodies(plan(ends_at_ms=midnight_ms + 1_800_000, users=10), 1_000, a_request=10, known=known)
    assert known.dau == {date(2026, 11, 19): 10, date(2026, 11, 20): 10}
