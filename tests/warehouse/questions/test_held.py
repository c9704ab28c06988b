"""What the warehouse still holds: by its clock, in days of the zone asked for."""

from datetime import UTC, date, datetime

import pytest

from clickhouse.held import memory_of

NOW = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
OLDEST = date(2026, 5, 26)  # 21 November and the 179 days before it
OLDEST_RAW = date(2026, 10, 23)


@pytest.mark.parametrize(
    ("tz", "since"),
    [
        ("UTC", OLDEST),
        # Begins at 22:00 of the UTC day before, which may be gone.
        ("Europe/Berlin", date(2026, 5, 27)),
        # Begins at 04:00 UTC.
        ("America/New_York", OLDEST),
    ],
)
def test_a_day_is_held_when_all_utc_days_it_lies_in_are(tz: str, since: date) -> None:
    assert memory_of(tz, raw=False, now=NOW).whole_since == since


def test_raw_is_held_for_30_days() -> None:
    assert memory_of("UTC", raw=True, now=NOW).whole_since == OLDEST_RAW


def test_nothing_is_asked_for_days_that_cannot_hold_anything() -> None:
    memory = memory_of("UTC", raw=False, now=NOW)
    assert memory.askable(date(1, 1, 1), date(1, 12, 31)) is None
    assert memory.askable(date(9999, 1, 1), date(9999, 12, 31)) is None
    # A part of a day that is going is still there; an event may be of a few minutes ahead.
    assert memory.askable(date(1, 1, 1), date(9999, 12, 31)) == (
        date(2026, 5, 23),
        date(2026, 11, 22),
    )
