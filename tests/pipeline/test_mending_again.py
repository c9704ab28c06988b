"""What may be told twice is told again after a redo: torn by hand on the real engine, whole afterwards."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from warehouse_rows import HOUR, Stand, days_before, stand, today_at

from etl.batch import Batch
from etl.errors import Fatal
from etl.ports import Mended

pytestmark = pytest.mark.stack


@pytest.fixture
def here(warehouse_dsn: Callable[[str], str]) -> Stand:
    return stand(warehouse_dsn)


def user(here: Stand) -> str:
    """Nobody else's: these tables know no topic."""
    return f"user of {here.topic_id}"


def batch_of(here: Stand, times: list[datetime], *, first: int = 0, bots: bool = False) -> Batch:
    return here.batch(
        len(times), first=first, times=times, user_id=user(here), bot_reasons=["declared"] if bots else []
    )


def activity(here: Stand, *, bots: bool = False) -> dict[str, list[int]]:
    """By day: the quarter hours in which the user was active."""
    rows = here.admin.query(
        "SELECT toString(day), groupBitOr(quarter_hours) FROM user_activity "
        "WHERE user_id = {user:String} AND is_bot = {bots:Bool} GROUP BY day",
        parameters={"user": user(here), "bots": bots},
    ).result_rows
    return {day: [n for n in range(128) if int(mask) >> n & 1] for day, mask in rows}


def due(times: list[datetime]) -> dict[str, list[int]]:
    """The same, by hand."""
    found: dict[str, set[int]] = {}
    for at in times:
        found.setdefault(f"{at:%Y-%m-%d}", set()).add(at.hour * 4 + at.minute // 15)
    return {day: sorted(quarters) for day, quarters in found.items()}


def span(here: Stand, *, bots: bool = False) -> tuple[datetime, datetime] | None:
    rows = here.admin.query(
        "SELECT min(first_at), max(last_at), count() FROM user_spans "
        "WHERE user_id = {user:String} AND is_bot = {bots:Bool}",
        parameters={"user": user(here), "bots": bots},
        tz_mode="aware",
    ).first_row
    assert rows is not None
    return (rows[0], rows[1]) if rows[2] else None


def span_due(times: list[datetime]) -> tuple[datetime, datetime]:
    # The batch puts its rows a millisecond apart.
    placed = [at + timedelta(milliseconds=number) for number, at in enumerate(times)]
    cut = [at.replace(microsecond=at.microsecond // 1000 * 1000, tzinfo=UTC) for at in placed]
    return min(cut), max(cut)


def forget(here: Stand, table: str, where: str = "1") -> None:
    here.mutate(table, f"user_id = '{user(here)}' AND ({where})")


TIMES = [
    today_at(),
    today_at() - timedelta(minutes=40),
    *days_before(3),
    today_at() - timedelta(days=2, hours=-5),
]

LOST = {
    "activity": {"user_activity": "1"},
    "activity of a day": {"user_activity": f"day = '{today_at():%Y-%m-%d}'"},
    "spans": {"user_spans": "1"},
    "both": {"user_activity": "1", "user_spans": "1"},
    "both and the rows": {"user_activity": "1", "user_spans": "1", "events_raw": "1"},
    "both and some rows": {"user_activity": "1", "user_spans": "1", "events_raw": "kafka_offset % 2 = 1"},
}


@pytest.mark.parametrize("lost", LOST)
def test_what_a_crash_tore_is_told_again(here: Stand, lost: str) -> None:
    batch = batch_of(here, TIMES)
    here.insert(batch)
    assert activity(here) == due(TIMES)
    assert span(here) == span_due(TIMES)
    for table, where in LOST[lost].items():
        forget(here, table, where)
    assert (activity(here), span(here)) != (due(TIMES), span_due(TIMES))
    here.redo(batch)
    assert activity(here) == due(TIMES)
    assert span(here) == span_due(TIMES)
    assert here.counts() == here.whole(len(TIMES)), "and what counts counted nothing twice"
    assert here.redo(batch) == Mended()


def test_it_is_told_again_however_often(here: Stand) -> None:
    """No token is burned by it: the same rows are told a third time, and a fourth."""
    batch = batch_of(here, TIMES)
    range_ = here.insert(batch)
    for _ in range(3):
        forget(here, "user_activity")
        forget(here, "user_spans")
        here.store.mend(range_, batch, token=range_.token)
        assert activity(here) == due(TIMES)
        assert span(here) == span_due(TIMES)


def test_bots_stay_apart(here: Stand) -> None:
    people, bots = [today_at()], [today_at() + HOUR]
    here.insert(batch_of(here, people))
    batch = batch_of(here, bots, first=10, bots=True)
    here.insert(batch)
    forget(here, "user_activity")
    forget(here, "user_spans")
    here.redo(batch)
    assert (activity(here), activity(here, bots=True)) == ({}, due(bots))
    assert span(here) is None
    assert span(here, bots=True) == span_due(bots)


def test_rows_that_events_raw_dropped_by_age_are_told_again_too(here: Stand) -> None:
    """They pass it on their way in, and are read from nowhere afterwards."""
    old = [today_at() - timedelta(days=31), today_at() - timedelta(days=31, hours=-3)]
    batch = batch_of(here, old)
    here.insert(batch)
    here.delete("events_raw")
    forget(here, "user_activity")
    forget(here, "user_spans")
    here.redo(batch)
    assert activity(here) == due(old)
    assert span(here) == span_due(old)
    assert here.counts()["counted"] == len(old)


def test_whoever_lost_the_partition_tells_nothing(here: Stand) -> None:
    batch = batch_of(here, TIMES)
    range_ = here.insert(batch)
    forget(here, "user_activity")

    def gone() -> None:
        raise Fatal("it is another's now")

    with pytest.raises(Fatal, match="another's"):
        here.store.mend(range_, batch, token=range_.token, check=gone)
    assert activity(here) == {}
