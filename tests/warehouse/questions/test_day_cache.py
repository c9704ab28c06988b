"""Days that were read before: read again exactly when what they are made of has changed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from clickhouse import days
from clickhouse.day_cache import DayCache, Part, Wanted
from clickhouse.views import Timeline

FIRST, LAST = date(2026, 3, 9), date(2026, 3, 13)
EVENTS = Timeline("events", "occurred_at", 1)


def day(number: int) -> date:
    return date(2026, 3, number)


def at(day_number: int, hour: int) -> int:
    """The seconds since 1970 at an hour of UTC."""
    return int(datetime.combine(day(day_number), time(hour), UTC).timestamp())


@dataclass
class Table:
    """Days of UTC that are made of parts, and whoever reads it by days of a zone."""

    parts: dict[date, list[str]] = field(default_factory=lambda: {day(n): [f"{n}_1"] for n in range(1, 31)})
    read: list[tuple[date, date]] = field(default_factory=list)
    rows_of_day: int = 1
    # Where a part begins and ends, of those that are not of their whole day.
    lies: dict[str, tuple[int, int]] = field(default_factory=dict)
    reach: int = 0

    def made_of(self, table: Timeline, some: Sequence[date]) -> list[Part]:
        assert table == EVENTS
        assert some == sorted(set(some))
        return [
            Part(name.encode(), *self.lies.get(name, (at(each.day, 0), at(each.day + 1, 0))))
            for each in some
            for name in self.parts[each]
        ]

    def reading(self, first: date, last: date, edges: Sequence[int]) -> list[Any]:
        assert len(edges) == (last - first).days + self.reach + 2
        self.read.append((first, last))
        return [
            (each, number, tuple(self.parts[each]))
            for each in days.days_between(first, last)
            for number in range(self.rows_of_day)
        ]

    def asked(
        self,
        cache: DayCache,
        *,
        first: date = FIRST,
        last: date = LAST,
        tz: str = "UTC",
        what: str = "dau",
        read_max: int | None = None,
    ) -> list[Any]:
        edges = days.edges(first, last + self.reach * days.DAY, tz)
        wanted = Wanted(EVENTS, what, first, last, edges, self.reach)
        return cache.rows(wanted, self.reading, self.made_of, read_max=read_max)

    def news(self) -> list[tuple[date, date]]:
        """What was read since the last look."""
        read, self.read = self.read, []
        return read


@pytest.fixture
def table() -> Table:
    return Table()


def test_what_has_not_changed_is_read_once(table: Table) -> None:
    cache = DayCache()
    first = table.asked(cache)
    assert [row[0] for row in first] == [day(n) for n in range(9, 14)]
    assert table.news() == [(FIRST, LAST)]
    assert table.asked(cache) == first
    assert table.asked(cache, first=day(10), last=day(11)) == first[1:3]
    assert table.news() == []


def test_only_days_that_have_changed_are_read_again_those_beside_each_other_at_once(table: Table) -> None:
    cache = DayCache()
    table.asked(cache)
    table.news()
    for number in (9, 12, 13):
        table.parts[day(number)].append("late")
    found = table.asked(cache)
    assert table.news() == [(day(9), day(9)), (day(12), day(13))]
    assert [row[0].day for row in found if "late" in row[2]] == [9, 12, 13]
    assert [row[0].day for row in found] == [9, 10, 11, 12, 13]


def test_a_part_less_is_a_change_too(table: Table) -> None:
    cache = DayCache()
    table.parts[day(10)].append("second")
    table.asked(cache)
    table.news()
    table.parts[day(10)].pop(0)
    assert [row[2] for row in table.asked(cache) if row[0] == day(10)] == [("second",)]
    assert table.news() == [(day(10), day(10))]


def test_a_table_that_is_not_divided_by_days_is_read_each_time(table: Table) -> None:
    table.parts = {each: [] for each in table.parts}
    cache = DayCache()
    assert [row[0].day for row in table.asked(cache)] == [9, 10, 11, 12, 13]
    table.asked(cache)
    assert table.news() == [(FIRST, LAST)] * 2


def test_of_a_day_without_parts_there_is_nothing_to_read(table: Table) -> None:
    cache = DayCache()
    table.asked(cache)
    table.parts[day(12)].clear()
    table.parts[day(13)].clear()
    table.news()
    assert [row[0].day for row in table.asked(cache)] == [9, 10, 11]
    assert table.news() == []
    # Nor does it part days that are read, and what came for it meanwhile is in its place.
    for number in (9, 11, 13):
        table.parts[day(number)].append("late")
    table.parts[day(10)].clear()
    assert [row[0].day for row in table.asked(cache)] == [9, 10, 11, 12, 13]
    assert table.news() == [(day(9), day(13))]
    # There was nothing to tell the tenth by, so that is not kept; nothing but parts says that it is there.
    assert [row[0].day for row in table.asked(cache)] == [9, 11, 13]
    assert table.news() == []


@pytest.mark.parametrize(
    ("tz", "shared"), [("Europe/Berlin", [10, 11]), ("America/New_York", [9, 10]), ("UTC", [10])]
)
def test_a_day_of_a_zone_is_of_both_days_of_utc_that_it_shares(
    table: Table, tz: str, shared: list[int]
) -> None:
    cache = DayCache()
    table.asked(cache, tz=tz)
    table.news()
    table.parts[day(10)].append("late")
    table.asked(cache, tz=tz)
    assert table.news() == [(day(shared[0]), day(shared[-1]))]


@pytest.mark.parametrize(
    ("tz", "lies", "of"),
    [
        # Tokyo begins its days at 15:00 UTC, New York at 04:00; the last second before is of the day before.
        ("Asia/Tokyo", (at(10, 9), at(10, 15)), [10]),
        ("Asia/Tokyo", (at(10, 9), at(10, 15) + 1), [10, 11]),
        ("Asia/Tokyo", (at(10, 15), at(10, 15) + 1), [11]),
        ("America/New_York", (at(10, 3), at(10, 4)), [9]),
        ("America/New_York", (at(10, 4), at(10, 5)), [10]),
        ("UTC", (at(10, 4), at(10, 5)), [10]),
    ],
)
def test_a_part_is_of_those_days_of_a_zone_that_it_reaches_into(
    table: Table, tz: str, lies: tuple[int, int], of: list[int]
) -> None:
    cache = DayCache()
    table.asked(cache, tz=tz)
    table.news()
    table.lies["late"] = lies
    table.parts[day(10)].append("late")
    table.asked(cache, tz=tz)
    assert table.news() == [(day(of[0]), day(of[-1]))]
    table.asked(cache, tz=tz)
    assert table.news() == []


def test_a_day_that_depends_on_days_after_it_is_read_again_when_one_of_them_changes(table: Table) -> None:
    table.reach = 2
    cache = DayCache()
    table.asked(cache)
    table.news()
    for changed, read in ((13, (11, 13)), (15, (13, 13)), (10, (9, 10))):
        table.parts[day(changed)].append("late")
        table.asked(cache)
        assert table.news() == [(day(read[0]), day(read[1]))]
    for without in (8, 16):
        table.parts[day(without)].append("late")
        table.asked(cache)
        assert table.news() == []


def test_days_that_depend_on_days_of_other_lengths_are_others(table: Table) -> None:
    # London and Abidjan begin their days at once, until the clocks of London change.
    table.reach = 3
    cache = DayCache()
    for tz in ("Africa/Abidjan", "Europe/London"):
        table.asked(cache, tz=tz, first=day(27), last=day(27))
    assert len(table.news()) == 2


def test_what_arrives_while_a_day_is_read_is_read_the_next_time(table: Table) -> None:
    cache = DayCache()
    quiet = table.reading

    def overtaken(first: date, last: date, edges: Sequence[int]) -> list[Any]:
        rows = quiet(first, last, edges)
        table.parts[day(11)].append("meanwhile")
        return rows

    wanted = Wanted(EVENTS, "dau", FIRST, LAST, days.edges(FIRST, LAST, "UTC"))
    cache.rows(wanted, overtaken, table.made_of)
    table.news()
    assert "meanwhile" in table.asked(cache)[2][2]
    assert table.news() == [(day(11), day(11))]


def test_other_questions_and_other_zones_know_nothing_of_each_other(table: Table) -> None:
    cache = DayCache()
    table.asked(cache)
    table.asked(cache, what="dau of bots")
    table.asked(cache, tz="Asia/Tokyo")
    assert len(table.news()) == 3


def test_days_of_two_zones_that_begin_at_once_keep_their_dates(table: Table) -> None:
    cache = DayCache()
    east = table.asked(cache, tz="Pacific/Kiritimati")
    west = table.asked(cache, tz="Pacific/Honolulu", first=day(8), last=day(12))
    assert [row[0].day for row in east] == [9, 10, 11, 12, 13]
    assert [row[0].day for row in west] == [8, 9, 10, 11, 12]


def test_a_reading_that_was_cut_off_is_not_kept(table: Table) -> None:
    cache = DayCache()
    table.asked(cache, read_max=5)
    table.asked(cache, read_max=5)
    assert table.news() == [(FIRST, LAST)] * 2
    table.asked(cache, read_max=6)
    table.asked(cache, read_max=6)
    assert table.news() == [(FIRST, LAST)]


def test_it_is_bounded_and_forgets_what_was_asked_for_least_lately(table: Table) -> None:
    # Three days of a row each, and the place that a day takes.
    cache = DayCache(rows_max=6)
    for number in (9, 10, 11):
        table.asked(cache, first=day(number), last=day(number))
    table.asked(cache, first=day(9), last=day(9))
    table.news()
    table.asked(cache, first=day(12), last=day(12))
    table.asked(cache, first=day(9), last=day(9))
    table.asked(cache, first=day(11), last=day(11))
    assert table.news() == [(day(12), day(12))]
    table.asked(cache, first=day(10), last=day(10))
    assert table.news() == [(day(10), day(10))]


def test_a_day_too_large_to_keep_is_answered_all_the_same(table: Table) -> None:
    table.rows_of_day = 100
    cache = DayCache(rows_max=50)
    assert len(table.asked(cache)) == len(table.asked(cache)) == 500
    assert len(table.news()) == 2
    # Nothing of it is left behind.
    table.rows_of_day = 1
    table.asked(cache, what="other")
    table.asked(cache, what="other")
    assert len(table.news()) == 1


def test_a_day_too_large_to_keep_drives_no_other_out(table: Table) -> None:
    cache = DayCache(rows_max=50)
    table.asked(cache)
    table.rows_of_day = 50
    table.asked(cache, what="large", first=day(9), last=day(9))
    table.news()
    table.asked(cache)
    assert table.news() == []
    # With the place it takes itself it fills all there is, and is kept.
    table.rows_of_day = 49
    for _ in range(2):
        table.asked(cache, what="just fits", first=day(9), last=day(9))
    assert table.news() == [(day(9), day(9))]


def test_a_changed_day_takes_one_place_however_often_it_changes(table: Table) -> None:
    cache = DayCache(rows_max=10)
    table.asked(cache)
    for number in range(20):
        table.parts[LAST].append(f"again {number}")
        table.asked(cache)
    assert table.news() == [(FIRST, LAST), *[(LAST, LAST)] * 20]


def test_threads_may_share_it(table: Table) -> None:
    cache = DayCache(rows_max=12)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: table.asked(cache, what=f"{n % 3}"), range(300)))
    assert all(rows == found[0] for rows in found)
