"""Days of any zone: when they begin is what zoneinfo says."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from services import ROOT

from clickhouse import days
from clickhouse.client import connect

ZONES = sorted(available_timezones() - {"Factory", "localtime"})
CHANGED = [
    "Europe/Berlin",
    "Europe/London",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Atlantic/Azores",
    "Africa/Cairo",
]


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
        ("America/Havana", date(2025, 11, 2), 25),
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


@pytest.mark.parametrize(
    ("tz", "hours"), [("America/Vancouver", 7), ("America/Edmonton", 6), ("Africa/Casablanca", 0)]
)
def test_countries_change_their_clocks_and_the_product_knows_whatever_the_system_says(
    tmp_path: Path, tz: str, hours: int
) -> None:
    """A year before it was an hour more, or less."""
    stale = tmp_path / tz
    stale.parent.mkdir(parents=True)
    stale.write_bytes((resources.files("tzdata") / "zoneinfo" / "Asia" / "Tokyo").read_bytes())
    code = (
        "from datetime import date; from clickhouse import days; "
        f"print(days.start_of(date(2026, 11, 20), {tz!r}))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONTZPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == f"2026-11-20 {hours:02}:00:00+00:00\n"


@pytest.mark.stack
def test_the_warehouse_knows_these_days_too(warehouse_dsn: Callable[[str], str]) -> None:
    """What analysts ask in SQL alone is cut by its own list."""
    some = ["America/Vancouver", "America/Edmonton", "Africa/Casablanca", *CHANGED, *ZONES[::40]]
    sql = "SELECT toUnixTimestamp(toDateTime64({day:Date}, 3, {tz:String}))"
    with connect(warehouse_dsn("analyst")) as client:
        for tz in some:
            for day in (date(2026, 7, 1), date(2026, 11, 20), date(2027, 1, 1)):
                said = client.query(sql, parameters={"day": day, "tz": tz}).first_row[0]
                assert said == days.start_of(day, tz).timestamp(), (tz, day)


def test_edges_are_the_beginnings_and_the_end() -> None:
    noon = datetime(2026, 3, 28, 12, tzinfo=UTC).timestamp()
    assert days.edges(date(2026, 3, 28), date(2026, 3, 29), "Europe/Berlin") == [
        noon - 13 * 3600,
        noon + 11 * 3600,
        noon + 34 * 3600,
    ]


@pytest.mark.parametrize("tz", [*CHANGED, *ZONES[::40]])
def test_marks_share_out_each_quarter_hour_once(tz: str) -> None:
    first, last = date(2026, 3, 1), date(2027, 3, 31)
    edges = days.edges(first, last, tz)
    marks = days.marks(edges, list(range(1, len(edges))))
    marked: list[tuple[int, int]] = []
    day = (marks["utc_first"] - date(1970, 1, 1)).days * 96
    for early, early_bit, late, late_bit in zip(
        marks["early_masks"], marks["early_bits"], marks["late_masks"], marks["late_bits"], strict=True
    ):
        marked += [(day + n, early_bit) for n in range(128) if early >> n & 1]
        marked += [(day + n, late_bit) for n in range(128) if late >> n & 1]
        day += 96
    wanted = [
        (quarter_hour, span)
        for span, (begin, end) in enumerate(pairwise(edges), start=1)
        for quarter_hour in range(begin // 900, end // 900)
    ]
    assert marked == wanted
    assert marks["whole_days"] == all(at % 86_400 == 0 for at in edges)
    assert marks["utc_last"] == datetime.fromtimestamp(edges[-1] - 1, UTC).date()
