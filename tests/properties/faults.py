"""Faults that a query could have, each a change of its text: what the histories are there to find.

Left out is what no answer can tell: in which order days are read, as they are put in order once more; a test
that `bitTest` makes anyway (`day >= day_from` of returning); an end that is included where what follows is
outside of every window (`retention_in_segment`, `retention_7d_in_segment`).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """In the file called `query`, which answers the question `name`, `old` becomes `new`."""

    query: str
    what: str
    old: str
    new: str

    @property
    def name(self) -> str:
        """The question, as the warehouse's methods are called."""
        for end in ("_in_segment", "_in_zone", "_by_day"):
            if self.query.endswith(end):
                return self.query.removesuffix(end)
        return self.query

    def in_text(self, sql: str) -> str:
        """The file with the fault in it. Raises ValueError when it has no place for it."""
        if self.old not in sql:
            raise ValueError(f"{self.query}.sql has no {self.old!r}, to be wrong in: {self.what}")
        return sql.replace(self.old, self.new)


BOTS = "(NOT is_bot OR {bots:Bool})"
SEGMENT = "{segment:Condition}"
BEGINS = "occurred_at >= toDateTime64({edges:Array(UInt32)}[1], 3, 'UTC')"
ENDS = "occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')"
IN_SECONDS = "occurred_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')"
BUCKET_BEGINS = "bucket_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')"
BUCKET_ENDS = "bucket_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')"
EARLY = "if(bitAnd(quarter_hours, {early_masks:Array(UInt128)}[n]) != 0, {early_bits:Array(UInt64)}[n], 0)"
LATE = "if(bitAnd(quarter_hours, {late_masks:Array(UInt128)}[n]) != 0, {late_bits:Array(UInt64)}[n], 0)"
UTC_DAYS = "day BETWEEN {utc_first:Date} AND {utc_last:Date}"

OF_EVENTS = (
    "dau_in_segment",
    "top_events_in_segment",
    "daily_in_segment",
    "retention_7d_in_segment",
    "returning_in_segment",
)
OF_ACTIVITY = ("dau_in_zone", "retention", "retention_7d", "returning")
IN_PAST = "retention_in_segment"
ENDED = ("dau_in_segment", "top_events_in_segment", "daily_in_segment", "returning_in_segment")
OF_BUCKETS = ("top_events", "daily")
WITH_BOTS = (*OF_EVENTS, "retention_in_segment", *OF_ACTIVITY, *OF_BUCKETS, "daily_by_day")
BY_DAY = ("dau_in_segment", "daily_in_segment", "daily", "retention_in_segment", "retention_7d_in_segment")


# What, where, what is there and what comes instead, each as often as it is there.
OF_MANY = (
    ("bots never count", WITH_BOTS, BOTS, f"({BOTS} AND NOT is_bot)"),
    ("bots always count", WITH_BOTS, BOTS, f"({BOTS} OR is_bot)"),
    ("the segment is not looked at", (*OF_EVENTS, IN_PAST), SEGMENT, f"({SEGMENT} OR 1)"),
    ("the end is a DateTime, which leaves parts out", (*OF_EVENTS, IN_PAST), ENDS, IN_SECONDS),
    ("the first instant is left out", OF_EVENTS, BEGINS, BEGINS.replace(">=", ">")),
    ("it begins a second early", OF_EVENTS, BEGINS, BEGINS.replace("[1]", "[1] - 1")),
    ("the end is included", ENDED, ENDS, ENDS.replace("<", "<=")),
    ("it ends a second early", (*OF_EVENTS, IN_PAST), ENDS, ENDS.replace("[-1]", "[-1] - 1")),
    ("the last day is left out", (*OF_EVENTS, IN_PAST), ENDS, ENDS.replace("[-1]", "[-2]")),
    ("the first quarter hour is left out", OF_BUCKETS, BUCKET_BEGINS, BUCKET_BEGINS.replace(">=", ">")),
    ("one quarter hour too many", OF_BUCKETS, BUCKET_ENDS, BUCKET_ENDS.replace("<", "<=")),
    ("the earlier part of UTC days is left out", OF_ACTIVITY, EARLY, "0"),
    ("the later part of UTC days is left out", OF_ACTIVITY, LATE, "0"),
    ("the first UTC day is left out", OF_ACTIVITY, UTC_DAYS, UTC_DAYS.replace("t:Date}", "t:Date} + 1", 1)),
    ("the last UTC day is left out", OF_ACTIVITY, UTC_DAYS, UTC_DAYS + " - 1"),
    ("a day is always 24 hours", BY_DAY, "+ 43200", "+ 0"),
)


OF_ONE = (
    Fault("dau", "bots count", "AND NOT is_bot", "AND (NOT is_bot OR 1)"),
    Fault("dau", "rows are counted, not users", "uniqExact(user_hash)", "count()"),
    Fault("dau", "the last day is left out", "AND {last:Date} AND", "AND {last:Date} - 1 AND"),
    Fault("dau", "one day too many", "AND {last:Date} AND", "AND {last:Date} + 1 AND"),
    Fault("dau_in_zone", "rows are counted, not users", "uniqExact(user_hash)", "count()"),
    Fault("dau_in_segment", "events are counted, not users", "uniqExact(user_hash)", "count()"),
    Fault("top_events", "users are counted, not events", "countMerge(actions)", "uniqMerge(users)"),
    Fault("top_events", "rows are counted, not events", "countMerge(actions)", "count()"),
    Fault("top_events", "ties are the other way", "DESC, event_type", "DESC, event_type DESC"),
    Fault("top_events", "the least come first", "count DESC", "count"),
    Fault("top_events", "one too many", "{limit:UInt16}", "{limit:UInt16} + 1"),
    Fault("top_events_in_segment", "users are counted, not events", "count()", "uniqExact(user_id)"),
    Fault("top_events_in_segment", "ties are the other way", "DESC, event_type", "DESC, event_type DESC"),
    Fault("top_events_in_segment", "one too many", "{limit:UInt16}", "{limit:UInt16} + 1"),
    Fault("daily", "rows for users", "uniqMerge(users)", "count()"),
    Fault("daily", "rows for actions", "countMerge(actions)", "count()"),
    Fault("daily_by_day", "rows for users", "uniqMerge(users)", "count()"),
    Fault("daily_in_segment", "points are never less than nothing", "sum(value)", "sum(abs(value))"),
    Fault("daily_in_segment", "events are counted, not users", "uniqExact(user_hash)", "count()"),
    Fault("daily_in_segment", "the same points count once", "sum(value)", "sumDistinct(value)"),
    Fault("retention", "who comes at the first instant is no newcomer", "came_at >= {", "came_at > {"),
    Fault("retention", "who came a second before is new", "came_at >= {", "came_at + 1 >= {"),
    Fault("retention", "nobody was there before", "came_at >= {", "1 OR came_at >= {"),
    Fault(
        "retention",
        "who was there last, not first",
        "first_at, toUInt64(0)",
        "last_at AS first_at, toUInt64(0)",
    ),
    Fault("retention", "the latest of first times", "min(first_at)", "max(first_at)"),
    Fault("retention", "one of the days is enough", "groupBitOr(periods)", "any(periods)"),
    Fault("retention", "the period before", "bitTest(there, n)", "bitTest(bitShiftLeft(there, 1), n)"),
    Fault(
        "retention_in_segment",
        "before the start, the segment is not looked at",
        SEGMENT,
        f"({SEGMENT} OR occurred_at < {{newcomers_since:DateTime64(3, 'UTC')}})",
    ),
    Fault(
        "retention_in_segment",
        "nobody was there before",
        ENDS,
        f"{ENDS} AND occurred_at >= {{newcomers_since:DateTime64(3, 'UTC')}}",
    ),
    Fault(
        "retention_in_segment",
        "who comes at the first instant is no newcomer",
        "min(first_at) >= {",
        "min(first_at) > {",
    ),
    Fault(
        "retention_in_segment",
        "who came a second before is new",
        "min(first_at) >= {",
        "min(first_at) + 1 >= {",
    ),
    Fault("retention_in_segment", "who was there last, not first", "min(occurred_at)", "max(occurred_at)"),
    Fault("retention_in_segment", "a cohort too few", "cohort_number <= {", "cohort_number < {"),
    Fault("retention_in_segment", "a window too few", "window <= {", "window < {"),
    Fault("retention_7d", "six days, not seven", "127", "63"),
    Fault("retention_7d", "eight days, not seven", "127", "255"),
    Fault("retention_7d", "the day itself counts as coming back", "day_number + 1)", "day_number)"),
    Fault("retention_7d", "the day after does not count", "day_number + 1)", "day_number + 2)"),
    Fault("retention_7d", "one day too many", "day_number < {", "day_number <= {"),
    Fault("retention_7d_in_segment", "six days, not seven", "127", "63"),
    Fault("retention_7d_in_segment", "eight days, not seven", "127", "255"),
    Fault("retention_7d_in_segment", "the day itself counts", "day_number + 1)", "day_number)"),
    Fault("retention_7d_in_segment", "the day after does not count", "day_number + 1)", "day_number + 2)"),
    Fault("retention_7d_in_segment", "one day too many", "day_number < {", "day_number <= {"),
    Fault("returning", "a page repeats the last user", "user_id > base64", "user_id >= base64"),
    Fault(
        "returning", "every page is the first", "user_id > base64Decode({", "1 OR user_id > base64Decode({"
    ),
    Fault("returning", "users are listed twice", "SELECT DISTINCT user_id", "SELECT user_id"),
    Fault("returning", "the number is that of the page", "count() AS count", "length(users) AS count"),
    Fault("returning", "a page is one user short", "1, {users_max:UInt32}", "1, {users_max:UInt32} - 1"),
    Fault("returning", "in no order", "arraySort(", "arrayReverseSort("),
    Fault("returning", "whoever was there that day", ", 0)\n      )", ", 1)\n      )"),
    Fault(
        "returning_in_segment",
        "midnight belongs to the day before",
        "max(occurred_at) >= ",
        "max(occurred_at) > ",
    ),
    Fault(
        "returning_in_segment",
        "midnight belongs to both days",
        "HAVING min(occurred_at) < ",
        "HAVING min(occurred_at) <= ",
    ),
    Fault("returning_in_segment", "a page repeats the last user", "user_id > base64", "user_id >= base64"),
    Fault(
        "returning_in_segment", "the number is that of the page", "count() AS count", "length(users) AS count"
    ),
    Fault(
        "returning_in_segment",
        "a page is one user short",
        "1, {users_max:UInt32}",
        "1, {users_max:UInt32} - 1",
    ),
    Fault("returning_in_segment", "in no order", "arraySort(", "arrayReverseSort("),
)
FAULTS = (
    *(Fault(query, what, old, new) for what, queries, old, new in OF_MANY for query in queries),
    *OF_ONE,
)
