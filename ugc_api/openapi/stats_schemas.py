"""The schemas of the stats answers."""

from typing import Any

from ugc_api.openapi.parts import ref
from ugc_api.openapi.schemas import COUNT, TEXT, maybe, record

Json = dict[str, Any]

DAY: Json = {"type": "string", "format": "date"}
NUMBER: Json = {"type": "number"}
FLAG: Json = {"type": "boolean"}
PERCENT: Json = {**maybe(NUMBER), "description": "Two decimals; null when there is nobody to be a part of."}

SCOPE: Json = {
    "tz": {**TEXT, "description": "The zone whose days are meant."},
    "segment": {"type": "array", "items": TEXT},
    "bots": {"type": "string", "enum": ["exclude", "include"]},
    "exact": FLAG,
}
RANGE: Json = {"from": DAY, "to": DAY}


def rows(description: str, members: Json) -> Json:
    """Rows of these members."""
    return {"type": "array", "items": record(description, members)}


def answer(description: str, asked: Json, data: Json) -> Json:
    """A stats answer: the question as understood, the rows, and what is to be known about them."""
    query = record("The question as understood, defaults filled in.", {**asked, **SCOPE})
    return record(description, {"query": query, "data": data, "meta": ref("StatsMeta")})


WINDOW = record(
    "One period of a cohort; window 0 is its own.",
    {
        "window": COUNT,
        "users": {**maybe(COUNT), "description": "null while the window has not begun."},
        "percent": PERCENT,
        "running": {**FLAG, "description": "The window is not over: the number is the one so far."},
    },
)

STATS_SCHEMAS: Json = {
    "DauAnswer": answer("Daily active users.", RANGE, rows("One day.", {"date": DAY, "users": COUNT})),
    "TopEventsAnswer": answer(
        "Event types by how often they happened.",
        {**RANGE, "limit": COUNT},
        rows("One type.", {"event_type": TEXT, "count": COUNT}),
    ),
    "DailyAnswer": answer(
        "Users, points and actions by day and event type.",
        RANGE,
        rows(
            "One type on one day.",
            {
                "date": DAY,
                "event_type": TEXT,
                "users": COUNT,
                "points": {
                    **maybe(NUMBER),
                    "description": "Sum of `value` in doubles; null when adding up leaves what one holds.",
                },
                "actions": COUNT,
            },
        ),
    ),
    "RetentionAnswer": answer(
        "Cohorts and how many of each were there when.",
        {"start_date": DAY, "windows": COUNT, "period": {"type": "string", "enum": ["day", "week"]}},
        rows(
            "One cohort: those whose first event falls in the period that begins on this day. Of a day that "
            "is no longer held whole nobody is known to have come first: its cohort is empty.",
            {"cohort": DAY, "size": COUNT, "windows": {"type": "array", "items": WINDOW}},
        ),
    ),
    "Retention7dAnswer": answer(
        "Who was there on a day, and who of them again within seven days.",
        RANGE,
        rows(
            "One day.",
            {
                "date": DAY,
                "total_users_day_0": COUNT,
                "returned_in_7_days": COUNT,
                "retention_7d_percent": PERCENT,
            },
        ),
    ),
    "ReturningAnswer": answer(
        "Users of a day who were there on one of the days before it.",
        {"date": DAY, "days": COUNT, "limit": COUNT, "cursor": maybe(TEXT)},
        record(
            "How many, and a page of them by user id.",
            {
                "count": {**COUNT, "description": "All of them, not only this page."},
                "users": {"type": "array", "items": TEXT},
                "next_cursor": {**maybe(TEXT), "description": "Asks for the next page; null on the last."},
            },
        ),
    ),
    "StatsMeta": record(
        "How right, how fresh and how whole the numbers are.",
        {
            "method": {"type": "string", "enum": ["exact", "uniq"]},
            "error_bound": {**NUMBER, "description": "Of users; 0.01 is 1 %. 0 when the method is exact."},
            "freshness": record(
                "When the warehouse last stored an event of the last two days, or of any day when those are "
                "empty, and how long that one was under way.",
                {"last_ingested_at": maybe(TEXT), "lag_seconds": maybe(NUMBER)},
            ),
            "complete": {
                **FLAG,
                "description": "false while a period is not over, and of days the warehouse no longer holds.",
            },
            "elapsed_ms": NUMBER,
        },
    ),
}
