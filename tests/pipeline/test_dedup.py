"""Each id once, on the real engine: copies inside a range, of what is stored, of what raw has dropped."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from warehouse_rows import HOUR, Stand, id_v4, id_v7, stand, today_at

from etl.assignment import Assignment
from etl.batch import Batch
from etl.columns import IdColumn, offset_column
from etl.dedup import Dedup, Fresh
from etl.errors import Refused
from etl.ports import Mended
from etl.ranges import Position

pytestmark = pytest.mark.stack
MIB = 1024 * 1024


@dataclass
class Pipe:
    """Deduplicate and insert, as the pipeline does."""

    here: Stand
    dedup: Dedup
    assignment: Assignment

    def move(self, batch: Batch, *, redo: bool = False) -> Fresh:
        range_ = self.here.range_of(batch)
        fresh = self.dedup.keep_new(self.assignment, range_, batch, redo=redo)
        if fresh.rows.ids:
            self.here.store.insert(fresh.rows.block(), token=range_.token)
        if redo and fresh.rows.ids:
            assert self.here.store.mend(range_, fresh.rows, token=range_.token) == Mended()
        self.dedup.stored(self.assignment, fresh.rows)
        return fresh


@pytest.fixture(params=["asked", "remembered"])
def pipe(request: pytest.FixtureRequest, warehouse_dsn: Callable[[str], str]) -> Pipe:
    here = stand(warehouse_dsn)
    bytes_max = 8 * MIB if request.param == "remembered" else 0
    dedup = Dedup(
        here.store, seen_bytes_max=bytes_max, asked_before_reading=1, in_background=lambda work: work()
    )
    return Pipe(
        here, dedup, Assignment(topic="events", topic_id=here.topic_id, partition=0, committed=Position(0))
    )


def changed(here: Stand, batch: Batch, first: int, **changes: object) -> Batch:
    """Copies of the batch's events, further on in the log, that say something else."""
    lines = []
    for number, line in enumerate(batch.lines):
        lines.append(
            json.dumps({**json.loads(line), "kafka_offset": first + number, **changes}, separators=(",", ":"))
        )
    return Batch(
        offsets=offset_column(first + number for number in range(len(batch))),
        ids=batch.ids,
        blocks=["\n".join(lines).encode()],
        records=len(batch),
    )


def test_nothing_is_copied_when_all_is_new(pipe: Pipe) -> None:
    batch = pipe.here.batch(20)
    assert pipe.move(batch).rows is batch


@pytest.mark.parametrize("make_id", [id_v4, id_v7])
def test_a_copy_in_the_range_in_the_next_and_much_later_is_left_out(
    pipe: Pipe, make_id: Callable[[], str]
) -> None:
    here = pipe.here
    batch = here.batch(30, make_id=make_id)
    twice = here.of([id_.decode() for id_ in batch.ids[:5]] + [make_id()], [today_at()] * 6, first=30)
    twice.extend(here.of([twice.ids[-1].decode()], [today_at()], first=36))
    batch_fresh, twice_fresh = pipe.move(batch), pipe.move(twice)
    assert (len(batch_fresh.rows), batch_fresh.duplicates) == (30, 0)
    assert (len(twice_fresh.rows), twice_fresh.duplicates) == (1, 6)
    assert here.counts() == here.whole(31)


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"properties": {"element": "pause"}}, ("properties",)),
        ({"user_id": "somebody else"}, ("user_id",)),
        ({"value": 2.5, "session_id": "s"}, ("value", "session_id")),
        ({"occurred_at": (today_at() - 3 * HOUR).isoformat()}, ("occurred_at",)),
        ({"occurred_at": (today_at() - timedelta(days=20)).isoformat()}, ("occurred_at",)),
        ({"received_at": today_at(5).isoformat(), "skew_ms": 77, "ip": "10.1.0.0"}, ()),
    ],
)
def test_the_first_wins_and_a_copy_that_disagrees_is_a_conflict(
    pipe: Pipe, changes: dict[str, object], differing: tuple[str, ...]
) -> None:
    here = pipe.here
    batch = here.batch(3)
    pipe.move(batch)
    copies = changed(here, batch, 100, **changes)
    fresh = pipe.move(copies)
    assert (len(fresh.rows), fresh.duplicates) == (0, 3)
    assert [each.differing for each in fresh.conflicts] == [differing] * (3 if differing else 0)
    for conflict, offset in zip(fresh.conflicts, batch.offsets, strict=False):
        assert (conflict.kept.offset, conflict.copy.offset) == (offset, offset + 100)
    assert here.counts() == here.whole(3)


def test_copies_in_one_range_that_disagree_are_conflicts(pipe: Pipe) -> None:
    batch = pipe.here.batch(2)
    batch.extend(changed(pipe.here, batch, 2, user_id="somebody else"))
    fresh = pipe.move(batch)
    assert (len(fresh.rows), fresh.duplicates) == (2, 2)
    assert [(each.copy.offset, each.kept.offset, each.differing) for each in fresh.conflicts] == [
        (2, 0, ("user_id",)),
        (3, 1, ("user_id",)),
    ]


def test_a_replay_changes_nothing_and_is_no_conflict(pipe: Pipe) -> None:
    batch = pipe.here.batch(40, times=[today_at() - timedelta(days=n) for n in range(5)])
    pipe.move(batch)
    replay = pipe.move(batch)
    assert (len(replay.rows), replay.duplicates, replay.conflicts) == (0, 40, [])
    assert pipe.here.counts() == pipe.here.whole(40)


def test_a_replay_of_a_row_that_was_deleted_is_no_conflict(pipe: Pipe) -> None:
    """Its id is remembered, its record is the very one: nothing disagrees."""
    batch = pipe.here.batch(5)
    pipe.move(batch)
    pipe.here.delete("events_raw")
    replay = pipe.move(batch)
    assert (len(replay.rows), replay.duplicates, replay.conflicts) == (0, 5, [])


@pytest.mark.parametrize("redo", [False, True])
def test_a_replay_of_what_raw_has_dropped_changes_nothing(pipe: Pipe, redo: bool) -> None:
    here = pipe.here
    days_ago = [today_at() - timedelta(days=30 + n) for n in range(5)]
    batch = here.batch(40, times=days_ago)
    pipe.move(batch)
    before = here.counts() | {"raw": 0, "distinct": 0}
    here.delete("events_raw")
    assert here.counts() == before
    if redo:
        fresh = pipe.dedup.keep_new(pipe.assignment, here.range_of(batch), batch, redo=True)
        assert here.store.mend(here.range_of(batch), fresh.rows, token=here.range_of(batch).token) == Mended()
    else:
        replay = pipe.move(batch)
        assert (len(replay.rows), replay.conflicts) == (0, [])
        # The same events again, as other records: cannot be compared any more, so no conflict is claimed.
        again = pipe.move(changed(here, batch, 500))
        assert (len(again.rows), again.duplicates, again.conflicts) == (0, 40, [])
    assert here.counts() == before


def test_on_a_redo_its_own_rows_are_sent_again_and_others_copies_are_not(pipe: Pipe) -> None:
    here = pipe.here
    before = here.batch(5)
    pipe.move(before)
    own = here.batch(5, first=5)
    own.extend(changed(here, before, 10))
    pipe.move(own)
    again = pipe.move(own, redo=True)
    assert list(again.rows.ids) == own.ids[:5]
    assert here.counts() == here.whole(10)


def test_an_id_in_another_spelling_is_refused_and_not_taken_for_another(pipe: Pipe) -> None:
    batch = pipe.here.batch(2)
    batch.ids = IdColumn([batch.ids[0], batch.ids[1].upper()])
    with pytest.raises(Refused):
        pipe.move(batch)
