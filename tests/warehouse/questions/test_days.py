"""Days of any zone: ours are what zoneinfo says, and the warehouse's are ours."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest

from clickhouse import days
from clickhouse.client import connect

ZONES = sorted(available_timezones() - {"Factory", "localtime"})


def test_a_day_is_what_clocks_there_say() -> None:
    assert days.start_of(date(2026, 11, 1), "UTC") == datetime(2026, 11, 1, tzinfo=UTC)
    assert days.start_of(date(2026, 11, 1), "Asia/Kathmandu") == datetime(2026, 10, 31, 18, 15, tzinfo=UTC)
    assert days.day_of(datetime(2026, 10, 31, 18, 14, 59, tzinfo=UTC), "Asia/Kathmandu") == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("tz", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Antarctica/Troll", date(2026, 3, 29), 22),
        # 00:00 is leapt over: the day begins at 01:00.
        ("Africa/Cairo", date(2026, 4, 24), 23),
        ("Atlantic/Azores", date(2026, 3, 29), 23),
        # The clocks go back at midnight, into the day before.
        ("Asia/Beirut", date(2026, 10, 24), 25),
        ("America/Havana", date(2026, 11, 1), 25),
        ("America/Santiago", date(2026, 4, 4), 25),
    ],
)
def test_days_on_which_clocks_are_changed(tz: str, day: date, hours: float) -> None:
    assert days.start_of(day + days.DAY, tz) - days.start_of(day, tz) == timedelta(hours=hours)


def test_a_day_of_every_zone_begins_with_its_first_instant_on_a_quarter_hour() -> None:
    for tz in ZONES:
        zone = ZoneInfo(tz)
        for day in days.days_between(date(2026, 3, 1), date(2026, 11, 30)):
            at = days.start_of(day, tz)
            assert at.astimezone(zone).date() == day, tz
            assert (at - timedelta(milliseconds=1)).astimezone(zone).date() < day, tz
            assert (at.minute % 15, at.second, at.microsecond) == (0, 0, 0), tz


@pytest.mark.stack
def test_the_warehouse_begins_every_day_of_every_zone_when_we_do(warehouse_dsn: Callable[[str], str]) -> None:
    """Its zones are its own, built in: a day that begins at another instant there would be counted apart."""
    client = connect(warehouse_dsn("reader"))
    first, count = date(2026, 1, 1), 730
    for tz in ZONES:
        sql = (
            "SELECT toUnixTimestamp(toDateTime({first:Date} + number, {tz:String})) AS at,"
            " toDate(toDateTime(at, 'UTC'), {tz:String}), toDate(toDateTime(at - 1, 'UTC'), {tz:String})"
            " FROM numbers({count:UInt32})"
        )
        rows = client.query(sql, parameters={"first": first, "tz": tz, "count": count}).result_rows
        wanted = []
        for day in days.days_between(first, first + (count - 1) * days.DAY):
            at = days.start_of(day, tz)
            wanted.append((int(at.timestamp()), day, day - days.DAY))
        assert list(rows) == wanted, tz
