"""The materialized views over events_raw, as data: what each feeds, and how to tell whether it is complete.

Whoever adds a view to the migrations adds it here; a test compares. An insert into events_raw is not atomic
with its views, so the ETL checks each target after a crash and feeds what is missing by the view's own
SELECT.
"""

from dataclasses import dataclass
from typing import Final

RAW: Final = "events_raw"
PROBE: Final = "events_raw_probe"
REDO: Final = "events_redo"
LEDGER: Final = "ranges_moved"

# As the migrations say; tests compare.
RAW_KEPT_DAYS: Final = 30
IDS_KEPT_DAYS: Final = 45
AGGREGATES_KEPT_DAYS: Final = 180
SPANS_KEPT_DAYS: Final = 365
LEDGER_KEPT_DAYS: Final = 180


@dataclass(frozen=True, slots=True)
class View:
    """A view over events_raw and the table it feeds.

    `counting`: the target counts rows in `actions` (countState) and keeps `kafka_topic_id`,
    `kafka_partition` and `kafka_offset_max` in or beside its key; a day of `day_of` is one partition of it;
    it must be fed once.
    `redone_by`: the target says the same however often it is told, and this view over events_redo, of the
    same SELECT, tells it again. Neither: event_ids alone, which is asked id by id.
    `day_of`: the column whose UTC days are the target's partitions; empty when it has none.
    """

    name: str
    target: str
    counting: bool = False
    redone_by: str = ""
    day_of: str = ""


QUARTER_HOURS: Final = View(
    "events_by_quarter_hour_mv", "events_by_quarter_hour", counting=True, day_of="bucket_at"
)
IDS: Final = View("event_ids_mv", "event_ids", day_of="received_at")
ACTIVITY: Final = View("user_activity_mv", "user_activity", redone_by="user_activity_redo_mv", day_of="day")
SPANS: Final = View("user_spans_mv", "user_spans", redone_by="user_spans_redo_mv")
VIEWS: Final = (QUARTER_HOURS, IDS, ACTIVITY, SPANS)


@dataclass(frozen=True, slots=True)
class Timeline:
    """A table read by time: a day of `at` is a partition, a row tells of `lasts_s` seconds from there on."""

    name: str
    at: str
    lasts_s: int


EVENTS_IN_TIME: Final = Timeline(RAW, "occurred_at", 1)
QUARTER_HOURS_IN_TIME: Final = Timeline(QUARTER_HOURS.target, QUARTER_HOURS.day_of, 900)
ACTIVITY_IN_TIME: Final = Timeline(ACTIVITY.target, ACTIVITY.day_of, 86_400)
