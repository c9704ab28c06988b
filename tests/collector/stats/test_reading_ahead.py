"""Days that are read before anybody asks: all that were not, and at nobody's cost."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clickhouse import days
from clickhouse.answers import Answer, DailyRow
from clickhouse.client import Unavailable
from clickhouse.scope import Scope
from telemetry.settings import SettingsError, load
from ugc_api import wsgi
from ugc_api.settings import ApiSettings
from ugc_api.stats import ahead
from ugc_api.stats.ahead import ReadingAhead

# Ten to four in the morning: New York is a day behind.
NOW = datetime(2026, 11, 21, 3, 50, tzinfo=UTC)
TODAY = NOW.date()
MONTH = days.days_between(TODAY - timedelta(days=29), TODAY - timedelta(days=1))
UTC_DAYS, EXACTLY = Scope(), Scope(exact=True)


@dataclass
class Clock:
    seconds: float = 0.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a process that stops would wait {seconds} s for this")


@dataclass
class Table:
    """Remembers who read what, as the warehouse's memory of days does."""

    clock: Clock
    read: list[tuple[Scope, date]] = field(default_factory=list)
    known: set[tuple[Scope, date]] = field(default_factory=set)
    rows_of_day: int = 2
    takes_s: float = 0.0
    away: int = 0

    def daily_unread(self, scope: Scope, first: date, last: date) -> list[date]:
        if self.away:
            self.away -= 1
            raise Unavailable("nobody there")
        return [day for day in days.days_between(first, last) if (scope, day) not in self.known]

    def daily(self, scope: Scope, first: date, last: date, rows_max: int) -> Answer[DailyRow]:
        assert first == last
        assert self.rows_of_day <= rows_max
        self.clock.seconds += self.takes_s
        self.read.append((scope, first))
        self.known.add((scope, first))
        return Answer([DailyRow(first, f"t{n}", 1, 0.0, 1) for n in range(self.rows_of_day)])

    def news(self) -> list[tuple[Scope, date]]:
        """What was read since the last look."""
        read, self.read = self.read, []
        return read


class Waits(threading.Event):
    """Keeps how long it was to be waited for, and waits for nothing; told to stop after so many."""

    def __init__(self, *, stop_after: int = 1_000) -> None:
        super().__init__()
        self.waited: list[float] = []
        self._stop_after = stop_after

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(timeout)
        if len(self.waited) == self._stop_after:
            self.set()
        return self.is_set()


@pytest.fixture
def table() -> Table:
    return Table(Clock())


Reads = Callable[..., ReadingAhead]


@pytest.fixture
def reads(table: Table) -> Reads:
    def make(*zones: str, waits: Waits | None = None) -> ReadingAhead:
        made = ReadingAhead(table, zones or ["UTC"], clock=table.clock)
        made._stopping = waits or Waits()
        return made

    return make


def test_the_whole_days_of_a_month_are_read_in_both_forms_newest_first(table: Table, reads: Reads) -> None:
    assert reads().look() == 2 * len(MONTH) == 58
    newest_first = MONTH[::-1]
    assert table.news() == [(scope, day) for scope in (UTC_DAYS, EXACTLY) for day in newest_first]


def test_a_month_of_a_zone_ends_with_its_own_yesterday(table: Table, reads: Reads) -> None:
    reads("America/New_York", "Asia/Tokyo").look()
    newest: dict[str, date] = {}
    for scope, day in table.news():
        newest[scope.tz] = max(day, newest.get(scope.tz, day))
    assert newest == {"America/New_York": date(2026, 11, 19), "Asia/Tokyo": date(2026, 11, 20)}


def test_afterwards_only_what_has_changed_is_read(table: Table, reads: Reads) -> None:
    one = reads()
    one.look()
    table.news()
    assert one.look() == 0
    changed = {(UTC_DAYS, MONTH[3]), (EXACTLY, MONTH[7])}
    table.known -= changed
    assert one.look() == 2
    assert set(table.news()) == changed


def test_it_rests_as_long_as_a_day_took(table: Table, reads: Reads) -> None:
    table.takes_s = 0.25
    waits = Waits()
    reads(waits=waits).look()
    assert waits.waited == [0.25] * 58


def test_days_of_too_many_event_types_are_not_read_for_each_other_to_drive_out(
    table: Table, reads: Reads
) -> None:
    table.rows_of_day = ahead.KEPT_ROWS_MAX // 2 // 5
    one = reads()
    one.look()
    read = table.news()
    assert [day for scope, day in read if not scope.exact] == MONTH[::-1][:6]
    one.look()
    assert table.news() == []


def test_a_warehouse_that_is_away_is_asked_ever_more_seldom_and_read_when_it_is_back(
    table: Table, reads: Reads
) -> None:
    table.away = 11
    # Eleven times in vain, and once a day that took no time, for each.
    waits = Waits(stop_after=11 + 58 + 1)
    one = reads(waits=waits)
    one.start()
    one._thread.join(30)
    assert waits.waited[:11] == [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert waits.waited[-1] == ahead.LOOK_EVERY_S
    assert len(table.news()) == 58


def test_told_to_stop_it_ends_with_the_day_it_reads(table: Table, reads: Reads) -> None:
    one = reads(waits=Waits(stop_after=3))
    one.start()
    one._thread.join(30)
    assert not one._thread.is_alive()
    assert len(table.news()) == 3


def test_without_a_zone_nobody_is_asked(table: Table) -> None:
    one = ReadingAhead(table, [], clock=table.clock)
    one.start()
    assert not one._thread.is_alive()
    assert one.look() == 0
    one.stop()


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("", ["UTC"]),
        ("none", []),
        (" Europe/Berlin, UTC,Europe/Berlin ,", ["Europe/Berlin", "UTC"]),
    ],
)
def test_a_collector_reads_the_zones_it_was_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, said: str, read: list[str]
) -> None:
    told: list[Any] = []

    class Reader:
        def __init__(self, _: Any, zones: Any, **__: Any) -> None:
            told.append(list(zones))

        def start(self) -> None:
            told.append("started")

        def stop(self) -> None:
            told.append("stopped")

    monkeypatch.setattr(wsgi, "ReadingAhead", Reader)
    monkeypatch.setenv("UGC_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("UGC_STATS_AHEAD_ZONES", said)
    service = wsgi.build(load(ApiSettings))
    assert told == [read, "started"]
    service.close()
    assert told == [read, "started", "stopped"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("UTC,Mars/Olympus", "knows no time zone Mars/Olympus; give names such as Europe/Berlin"),
        ("America", "knows no time zone America"),
        ("../../etc/passwd", "knows no time zone ../../etc/passwd"),
        (",".join(f"Etc/GMT+{n}" for n in range(9)), "names 9 zones; 8 at most are read ahead"),
    ],
)
def test_what_is_no_zone_is_said_when_the_collector_starts(
    monkeypatch: pytest.MonkeyPatch, said: str, why: str
) -> None:
    monkeypatch.setenv("UGC_STATS_AHEAD_ZONES", said)
    with pytest.raises(SettingsError, match="UGC_STATS_AHEAD_ZONES") as refused:
        load(ApiSettings)
    assert why in str(refused.value)
