"""Ages at first sight, and the middle of a drain: arithmetic over what was seen, no service."""

from collections.abc import Mapping, Sequence

import pytest

from benchmarks.draining.drain import STALLED_S, Drained, drain
from benchmarks.frame.errors import BenchFailed, Void
from benchmarks.frame.session import Session
from benchmarks.steady import Sightings


def test_an_events_age_is_that_at_the_first_answer_that_reaches_it() -> None:
    sightings = Sightings()
    sightings.add(1_000, {})
    sightings.add(1_050, {0: 5})
    sightings.add(1_100, {0: 5, 1: 0})
    sightings.add(1_150, {0: 9, 1: 0})
    events = [(0, 0, 900), (0, 5, 1_000), (0, 6, 1_010), (0, 9, 1_149), (1, 0, 1_000)]
    assert sightings.ages_ms(events) == [150, 50, 140, 1, 100]


def test_what_was_seen_once_stays_seen() -> None:
    sightings = Sightings()
    sightings.add(1_000, {0: 5})
    sightings.add(1_050, {0: 3})
    assert sightings.ages_ms([(0, 4, 990)]) == [10]


def test_an_event_that_was_never_seen_is_no_age() -> None:
    sightings = Sightings()
    sightings.add(1_000, {0: 5})
    with pytest.raises(BenchFailed, match="offset 6 of partition 0 was stored and never seen"):
        sightings.ages_ms([(0, 6, 900)])


class Stairs:
    """A table that fills while the clock runs: (from when, so many rows)."""

    def __init__(self, session: Session, steps: Mapping[float, int], **ends: int) -> None:
        self.session = session
        self.steps = steps
        self.ends = ends
        self.emptied = False

    def rows(self) -> int:
        now = self.session.clock.monotonic()
        return max((rows for at, rows in self.steps.items() if at <= now), default=0)

    def counted(self) -> int:
        return self.ends.get("counted", self.rows())

    def distinct(self) -> int:
        return self.ends.get("distinct", self.rows())

    def empty(self) -> None:
        self.emptied = True


class Nobody:
    """A drainer that does nothing: its table fills by itself."""

    name = "nobody"

    def __init__(self, dies: Sequence[bool] = ()) -> None:
        self.began = self.ended = False
        self.dies = iter(dies)

    def begin(self) -> None:
        self.began = True

    def pids(self) -> Mapping[str, int]:
        return {}

    def require_alive(self) -> None:
        if next(self.dies, False):
            raise BenchFailed("it died")

    def last_words(self) -> str:
        return "too tired"

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def filling(session: Session) -> Stairs:
    now = session.clock.monotonic()
    # Two seconds until it begins, then 200 rows a second in steps of a hundred, and a slow end.
    steps = {now + 2 + number / 2: 100 * (number + 1) for number in range(9)}
    return Stairs(session, {**steps, now + 20: 1_000})


def drained(session: Session, side: Nobody, table: Stairs, records: int = 1_000) -> Drained:
    return drain(session, side, table, records=records)  # type: ignore[arg-type]


def test_a_drain_is_measured_in_its_middle(session: Session, filling: Stairs) -> None:
    side = Nobody()
    done = drained(session, side, filling)
    # From 100 rows (2 s) to 900 (6 s), whatever came before and after.
    assert done.middle.units == 800
    assert done.middle.wall_s == pytest.approx(4.0, abs=0.15)
    assert done.first_row_s == pytest.approx(2.0, abs=0.15)
    assert done.whole_s == pytest.approx(20.0, abs=0.15)
    assert side.began
    assert side.ended
    assert filling.emptied
    assert len(session.checks) == 3


def test_one_row_too_many_is_void(session: Session, filling: Stairs) -> None:
    with pytest.raises(Void, match="rows in events_raw, of records in the topic should be 999 and is 1000"):
        drained(session, Nobody(), filling, records=999)


@pytest.mark.parametrize(
    ("what", "ends"), [("different ids", {"distinct": 999}), ("events in the aggregate", {"counted": 1_001})]
)
def test_a_count_that_differs_is_void(
    session: Session, filling: Stairs, what: str, ends: dict[str, int]
) -> None:
    filling.ends = ends
    with pytest.raises(Void, match=what):
        drained(session, Nobody(), filling)


def test_a_drain_in_too_few_steps_is_refused(session: Session) -> None:
    now = session.clock.monotonic()
    table = Stairs(session, {now + 1: 500, now + 2: 1_000})
    with pytest.raises(BenchFailed, match="too few"):
        drained(session, Nobody(), table)


def test_a_drain_that_stands_still_ends(session: Session) -> None:
    now = session.clock.monotonic()
    side = Nobody()
    with pytest.raises(BenchFailed, match="stands still at 500 of 900 for 60 s: too tired"):
        drained(session, side, Stairs(session, {now + 1: 500}))
    assert side.ended
    assert session.clock.monotonic() - now == pytest.approx(1 + STALLED_S, abs=1)


def test_a_process_that_dies_ends_the_drain(session: Session) -> None:
    side = Nobody(dies=[False, False, True])
    with pytest.raises(BenchFailed, match="it died"):
        drained(session, side, Stairs(session, {}))
    assert side.ended
