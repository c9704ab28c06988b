"""GET /stats/…, as the documentation shows it."""

from typing import Any

from ugc_api.openapi.parts import problem_answer, query, ref, refusals_of_keys
from ugc_api.openapi.schemas import SECRET_KEYS
from ugc_api.problems import ProblemCode
from ugc_api.stats import RANGE_DAYS_MAX

DAY = {"type": "string", "format": "date"}
ANSWER = {
    "query": {"from": "2026-11-01", "to": "2026-11-02", "tz": "UTC"},
    "data": [{"date": "2026-11-01", "users": 9_812}, {"date": "2026-11-02", "users": 0}],
    "meta": {
        "method": "uniq",
        "error_bound": 0.0117,
        "freshness": {"last_ingested_at": "2026-11-03T08:00:01.250Z", "lag_seconds": 0.7},
        "complete": True,
        "elapsed_ms": 12.4,
    },
}
DESCRIPTION = f"""How many different `user_id` sent an event, for each day from `from` to `to`, both
included. Every day of the range is there; a day of nobody has 0 users. Days are UTC. A range has
{RANGE_DAYS_MAX} days at most.

`meta.complete` is false while the range reaches into a day that is not over or that the warehouse no longer
holds whole. `meta.error_bound` is the relative error of the estimate: 0.0117 is 1.17 %.

`Accept: text/csv` gives the rows as CSV.
"""

DOCS: dict[str, dict[str, Any]] = {
    "stats_dau": {
        "tags": ["stats"],
        "summary": "Daily active users",
        "description": DESCRIPTION,
        "operationId": "stats_dau",
        "security": SECRET_KEYS,
        "parameters": [
            query("from", DAY, "First day, UTC.", required=True, example="2026-11-01"),
            query("to", DAY, "Last day, UTC, included.", required=True, example="2026-11-02"),
        ],
        "responses": {
            "200": {
                "description": "One row a day.",
                "content": {
                    "application/json": {
                        "schema": ref("DauAnswer"),
                        "examples": {"two_days": {"value": ANSWER}},
                    },
                    "text/csv": {
                        "schema": {"type": "string"},
                        "examples": {
                            "two_days": {"value": "date,users\r\n2026-11-01,9812\r\n2026-11-02,0\r\n"}
                        },
                    },
                },
            },
            **refusals_of_keys(),
            "422": problem_answer(
                ProblemCode.MISSING_PARAMETER,
                ProblemCode.INVALID_PARAMETER,
                ProblemCode.UNKNOWN_PARAMETER,
                ProblemCode.RANGE_TOO_LONG,
            ),
            "500": problem_answer(ProblemCode.INTERNAL),
            "503": problem_answer(ProblemCode.WAREHOUSE_UNAVAILABLE, ProblemCode.STATS_BUSY),
        },
    }
}
