"""One question and its answer a stats call, as the documentation shows them."""

from typing import Any

from clickhouse.warehouse import UNIQ_ERROR_BOUND

Json = dict[str, Any]

SCOPE: Json = {"tz": "Europe/Berlin", "segment": [], "bots": "exclude", "exact": False}
RANGE: Json = {"from": "2026-11-01", "to": "2026-11-02"}
META: Json = {
    "method": "exact",
    "error_bound": 0.0,
    "freshness": {"last_ingested_at": "2026-11-10T08:00:01.250Z", "lag_seconds": 0.7},
    "complete": True,
    "elapsed_ms": 12.4,
}


def answered(asked: Json, data: Any, **about: Any) -> Json:
    """The whole answer; `about` is what its meta says otherwise."""
    return {"query": {**asked, **SCOPE}, "data": data, "meta": {**META, **about}}


def _window(window: int, users: int | None, percent: float | None, *, running: bool = False) -> Json:
    return {"window": window, "users": users, "percent": percent, "running": running}


# By the route's name: the answer in JSON and in CSV.
EXAMPLES: dict[str, tuple[Json, str]] = {
    "stats_dau": (
        answered(RANGE, [{"date": "2026-11-01", "users": 9_812}, {"date": "2026-11-02", "users": 0}]),
        "date,users\r\n2026-11-01,9812\r\n2026-11-02,0\r\n",
    ),
    "stats_top_events": (
        answered(
            {**RANGE, "limit": 2},
            [{"event_type": "click", "count": 48_120}, {"event_type": "page_view", "count": 31_004}],
        ),
        "event_type,count\r\nclick,48120\r\npage_view,31004\r\n",
    ),
    "stats_daily": (
        answered(
            RANGE,
            [
                {
                    "date": "2026-11-01",
                    "event_type": "purchase",
                    "users": 212,
                    "points": 2_117.88,
                    "actions": 230,
                }
            ],
            method="uniq",
            error_bound=UNIQ_ERROR_BOUND,
        ),
        "date,event_type,users,points,actions\r\n2026-11-01,purchase,212,2117.88,230\r\n",
    ),
    "stats_retention": (
        answered(
            {"start_date": "2026-11-08", "windows": 1, "period": "day"},
            [
                {
                    "cohort": "2026-11-08",
                    "size": 400,
                    "windows": [_window(0, 400, 100.0), _window(1, 130, 32.5)],
                },
                {
                    "cohort": "2026-11-09",
                    "size": 380,
                    "windows": [_window(0, 380, 100.0), _window(1, 41, 10.79, running=True)],
                },
            ],
            complete=False,
        ),
        (
            "cohort,size,window,users,percent,running\r\n"
            "2026-11-08,400,0,400,100.0,false\r\n2026-11-08,400,1,130,32.5,false\r\n"
            "2026-11-09,380,0,380,100.0,false\r\n2026-11-09,380,1,41,10.79,true\r\n"
        ),
    ),
    "stats_retention_7d": (
        answered(
            {"from": "2026-11-01", "to": "2026-11-01"},
            [
                {
                    "date": "2026-11-01",
                    "total_users_day_0": 9_812,
                    "returned_in_7_days": 4_415,
                    "retention_7d_percent": 45.0,
                }
            ],
        ),
        "date,total_users_day_0,returned_in_7_days,retention_7d_percent\r\n2026-11-01,9812,4415,45.0\r\n",
    ),
    "stats_returning": (
        answered(
            {"date": "2026-11-08", "days": 7, "limit": 2, "cursor": None},
            {"count": 3, "users": ["alice", "bob"], "next_cursor": "Ym9i"},
        ),
        "user_id\r\nalice\r\nbob\r\n",
    ),
}
