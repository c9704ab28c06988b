"""A look by offsets: which rows of a range are missing, in events_raw and in what is counted from it?

What a counting target has is told by two counts that must agree: its own and that of events_raw, of one
partition of the log and one day; the range is what they may differ by. Where they differ by something else,
or events_raw is dropping the day by age, the target's highest offset decides, as ranges come in order. Ids
are looked up one by one.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from clickhouse.views import RAW_KEPT_DAYS, VIEWS, View
from etl.asking import Warehouse
from etl.batch import Batch, occurred_at
from etl.conflicts import content
from etl.errors import Refused
from etl.packed import is_among, pack, unpack
from etl.ranges import Range

_AS_WRITTEN = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a range, and by index the day and hour (UTC) they lie in."""

    range: Range
    batch: Batch
    days: list[date]
    hours: list[datetime]

    def of_days(self, days: Collection[date]) -> list[int]:
        """The indices of the rows of `days`."""
        return [index for index, day in enumerate(self.days) if day in days]


@dataclass(slots=True)
class Missing:
    """What a look found: rows and ids by index, days by view; and what it could not decide.

    `shown`: the days of those rows that the views have not seen either.
    """

    rows: list[int] = field(default_factory=list)
    shown: set[date] = field(default_factory=set)
    days: dict[View, set[date]] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)
    drift: set[str] = field(default_factory=set)

    @property
    def nothing(self) -> bool:
        """Whether all is there."""
        return not self.rows and not self.days and not self.ids


@dataclass(frozen=True, slots=True)
class _Raw:
    """A day of a partition of the log in events_raw."""

    rows: int = 0
    of_range: int = 0


@dataclass(frozen=True, slots=True)
class _Counted:
    """A day of a partition of the log in a counting target."""

    rows: int = 0
    offset_max: int = -1


class Checker:
    """Stateless; safe to share between threads. Raises Retryable when the warehouse does not answer."""

    def __init__(self, warehouse: Warehouse, *, views: Sequence[View] = VIEWS) -> None:
        self._warehouse = warehouse
        self._counting = [view for view in views if view.counting]

    def look(self, rows: Rows) -> Missing:
        """What is missing now. Targets are judged once events_raw has all that it still keeps."""
        days = sorted(set(rows.days))
        dropping = self._warehouse.ask("raw_kept_since", kept_days=RAW_KEPT_DAYS)[0][0]
        whole = {day for day in days if day > dropping}
        raw = self._raw(rows, days)
        counted = {view: self._counted(view, rows, days) for view in self._counting}
        if missing := self._rows_missing(rows, whole):
            agreeing = {
                day
                for day, has in raw.items()
                if all(each[day].rows == has.rows for each in counted.values())
            }
            return Missing(missing, shown=agreeing)
        found = Missing(ids=self._ids_missing(rows))
        last = {day: rows.batch.offsets[index] for index, day in enumerate(rows.days)}
        for day in days:
            lacking = set()
            for view in self._counting:
                lacks, sure = _judge(raw[day], counted[view][day], last[day], whole=day in whole)
                if lacks:
                    lacking.add(view)
                if not sure:
                    found.drift.add(f"{view.target} {day}")
            self._note(found, rows, day, lacking, whole=day in whole)
        return found

    def _note(self, found: Missing, rows: Rows, day: date, lacking: set[View], *, whole: bool) -> None:
        if whole:
            for view in lacking:
                found.days.setdefault(view, set()).add(day)
        elif len(lacking) == len(self._counting):
            found.rows += rows.of_days({day})
            found.shown.add(day)
        else:
            # Rows too old for events_raw reach a view only as they pass, and then every view sees them.
            found.drift.update(f"{view.target} {day}" for view in lacking)

    def _rows_missing(self, rows: Rows, whole: set[date]) -> list[int]:
        hours, days = sorted(set(rows.hours)), sorted(set(rows.days))
        found = self._warehouse.ask("range_in_raw", **_named(rows.range), days=days, hours=hours)
        there = {offset for (offset,) in found}
        return [
            index
            for index, offset in enumerate(rows.batch.offsets)
            if offset not in there and rows.days[index] in whole
        ]

    def _raw(self, rows: Rows, days: Sequence[date]) -> Mapping[date, _Raw]:
        found = self._warehouse.ask("raw_by_day", **_named(rows.range), days=days)
        return dict.fromkeys(days, _Raw()) | {day: _Raw(*counts) for day, *counts in found}

    def _counted(self, view: View, rows: Rows, days: Sequence[date]) -> Mapping[date, _Counted]:
        found = self._warehouse.ask(
            "counted_by_day",
            target=view.target,
            day_of=view.day_of,
            topic_id=rows.range.topic_id,
            partition=rows.range.partition,
            days=days,
        )
        return dict.fromkeys(days, _Counted()) | {day: _Counted(*counts) for day, *counts in found}

    def _ids_missing(self, rows: Rows) -> list[int]:
        ids = pack(rows.batch.ids)
        there = unpack(self._warehouse.which("stored_ids", ids))
        missing: list[int] = (~is_among(ids, there)).nonzero()[0].tolist()
        return missing


def placed(range_: Range, batch: Batch) -> Rows:
    """`batch`, rows of `range_`, with their places.

    Raises Refused where a row was trusted wrongly and its time cannot be read: the range is read anew.
    """
    known: dict[bytes, datetime] = {}
    hours = []
    for line in batch.lines:
        text = occurred_at(line)
        if not _AS_WRITTEN.fullmatch(text):
            hours.append(_hour(line, text))
            continue
        hour = known.get(text[:13])
        if hour is None:
            hour = known[text[:13]] = _hour(line, text)
        hours.append(hour)
    return Rows(range_, batch, [hour.date() for hour in hours], hours)


def _hour(line: bytes, text: bytes) -> datetime:
    said = content(line)
    if said is None:
        raise Refused(f"the time {text!r} of a row cannot be read")
    at = said.occurred_at
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)


def _judge(raw: _Raw, counted: _Counted, last: int, *, whole: bool) -> tuple[bool, bool]:
    """Whether a target lacks the range in a day, and whether that is sure."""
    if whole and counted.rows == raw.rows:
        return False, True
    if whole and counted.rows == raw.rows - raw.of_range:
        return True, True
    return counted.offset_max < last, not whole


def _named(range_: Range) -> dict[str, object]:
    return {
        "topic_id": range_.topic_id,
        "partition": range_.partition,
        "first": range_.first,
        "last": range_.last,
    }
