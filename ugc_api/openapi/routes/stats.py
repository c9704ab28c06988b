"""GET /stats/…, as the documentation shows them."""

from typing import Any

from clickhouse.warehouse import DAILY_ROWS_MAX
from ugc_api.openapi.parts import problem_answer, query, ref, refusals_of_keys
from ugc_api.openapi.schemas import SECRET_KEYS
from ugc_api.openapi.stats_examples import EXAMPLES
from ugc_api.openapi.stats_schemas import DAY
from ugc_api.parameters import Bounds
from ugc_api.problems import ProblemCode
from ugc_api.stats.asked import BOTS, DAYS_BACK, EXACT, PAGE, RANGE_DAYS_MAX, TOP_EVENTS, WINDOWS
from ugc_api.stats.daily import Daily
from ugc_api.stats.dau import Dau
from ugc_api.stats.question import Question
from ugc_api.stats.retention import PERIODS, Retention
from ugc_api.stats.retention_7d import Retention7d
from ugc_api.stats.returning import Returning
from ugc_api.stats.top_events import TopEvents

Json = dict[str, Any]

COMMON = """
`meta.complete` is false while the question reaches into a period that is not over or into days the
warehouse no longer holds: 180 days back, 30 with a segment and for an exact `/stats/daily`.
`meta.error_bound` is relative; 0 when `method` is `exact`.

`Accept: text/csv` gives the rows as CSV; `X-Answer-Meta` then carries the meta.
"""
SEGMENT = """Only events that fit; repeat it up to 5 times, all must hold. First events are filtered too.

- `event_type:NAME`
- `properties.KEY=VALUE`, `!=` (also without that property), `<`, `>` (numbers)
- `properties.KEY in A,B,C`

No spaces around an operator but around `in`. Text compares letter for letter; a VALUE that reads as a number
also fits an equal number, `true` and `false` also fit those. In an address, `<` is `%3C`, `>` `%3E`, a space
`%20` and `+` `%2B`.
"""
FROM = query("from", DAY, "First day.", required=True, example="2026-11-01")
TO = query(
    "to",
    DAY,
    f"Last day, included; {RANGE_DAYS_MAX} days at most.",
    required=True,
    example="2026-11-02",
)
SCOPE = [
    query(
        "tz",
        {"type": "string", "default": "UTC"},
        "The time zone whose days are meant, by its IANA name; days of 23 and 25 hours are counted as such.",
        example="Europe/Berlin",
    ),
    query(
        "segment",
        {
            "type": "array",
            "maxItems": 5,
            "items": {"type": "string", "maxLength": 200, "pattern": r"^(event_type:[a-z]|properties\.)"},
        },
        SEGMENT,
    ),
    query("exact", {"type": "string", "enum": [*EXACT], "default": "false"}, "Never estimate, however long."),
    query("bots", {"type": "string", "enum": [*BOTS], "default": "exclude"}, "Count marked bots as well."),
]


def number(name: str, bounds: Bounds, description: str) -> Json:
    """A whole number within its bounds."""
    schema = {
        "type": "integer",
        "minimum": bounds.least,
        "maximum": bounds.most,
        "default": bounds.default,
    }
    return query(name, schema, description)


def described(  # noqa: PLR0913 - the parts of a page, each by its name
    kind: type[Question],
    schema: str,
    *,
    summary: str,
    description: str,
    parameters: list[Json],
    codes: tuple[ProblemCode, ...] = (),
) -> dict[str, Json]:
    """The documentation of one call. Raises LookupError when it names other parameters than are read."""
    if tuple(each["name"] for each in parameters) != kind.PARAMETERS:
        raise LookupError(f"{kind.RULE}: the documented parameters are not {kind.PARAMETERS}")
    in_json, in_csv = EXAMPLES[kind.NAME]
    return {
        kind.NAME: {
            "tags": ["stats"],
            "summary": summary,
            "description": description + COMMON,
            "operationId": kind.NAME,
            "security": SECRET_KEYS,
            "parameters": [*parameters, *SCOPE],
            "responses": {
                "200": {
                    "description": summary,
                    "content": {
                        "application/json": {
                            "schema": ref(schema),
                            "examples": {"answer": {"value": in_json}},
                        },
                        "text/csv": {
                            "schema": {"type": "string"},
                            "examples": {"answer": {"value": in_csv}},
                        },
                    },
                },
                **refusals_of_keys(),
                "422": problem_answer(
                    ProblemCode.MISSING_PARAMETER,
                    ProblemCode.INVALID_PARAMETER,
                    ProblemCode.UNKNOWN_PARAMETER,
                    ProblemCode.INVALID_SEGMENT,
                    ProblemCode.TOO_MANY_SEGMENTS,
                    *codes,
                ),
                "500": problem_answer(ProblemCode.INTERNAL),
                "503": problem_answer(
                    ProblemCode.WAREHOUSE_UNAVAILABLE,
                    ProblemCode.QUESTION_TOO_HEAVY,
                    ProblemCode.STATS_BUSY,
                ),
            },
        }
    }


DOCS: dict[str, Json] = {
    **described(
        Dau,
        "DauAnswer",
        summary="Daily active users",
        description="How many different `user_id` sent an event, for each day from `from` to `to`. Every day "
        "of the range is there; a day of nobody has 0 users.\n",
        parameters=[FROM, TO],
        codes=(ProblemCode.RANGE_TOO_LONG,),
    ),
    **described(
        TopEvents,
        "TopEventsAnswer",
        summary="The most frequent event types",
        description="Event types by how often they happened, most frequent first, ties by name.\n",
        parameters=[FROM, TO, number("limit", TOP_EVENTS, "So many types at most.")],
        codes=(ProblemCode.RANGE_TOO_LONG, ProblemCode.OUT_OF_BOUNDS),
    ),
    **described(
        Daily,
        "DailyAnswer",
        summary="Users, points and actions by day and event type",
        description="For each day and event type: different users, the sum of `value`, and the number of "
        f"events. Only pairs that occurred, {DAILY_ROWS_MAX:,} at most.\n",
        parameters=[FROM, TO],
        codes=(ProblemCode.RANGE_TOO_LONG, ProblemCode.TOO_MANY_ROWS),
    ),
    **described(
        Retention,
        "RetentionAnswer",
        summary="Cohort retention",
        description="A cohort is the users whose first event falls in a day, or in a week of 7 days counted "
        "from `start_date`; for each, how many were there in its own period (window 0) and in those after "
        "it. A window that has not begun is null, the running one has its number so far. Empty cohorts are "
        "listed. The first event is the first that is remembered: with a segment, of the last 30 days.\n",
        parameters=[
            query("start_date", DAY, "Where the first cohort begins.", required=True, example="2026-11-01"),
            number("windows", WINDOWS, "So many periods after the first."),
            query("period", {"type": "string", "enum": [*PERIODS], "default": "day"}, "A day or a week."),
        ],
        codes=(ProblemCode.OUT_OF_BOUNDS,),
    ),
    **described(
        Retention7d,
        "Retention7dAnswer",
        summary="Who came back within seven days",
        description="Of everybody active on a day: how many were active again on one of the seven days after "
        "it. A day whose seven days are not over has the number so far.\n",
        parameters=[FROM, TO],
        codes=(ProblemCode.RANGE_TOO_LONG,),
    ),
    **described(
        Returning,
        "ReturningAnswer",
        summary="Users who were there before",
        description="Users active on `date` and on one of the `days` before it: how many, and page by page "
        "the very users that were counted. `Link` leads to the next page.\n",
        parameters=[
            query("date", DAY, "The day.", required=True, example="2026-11-08"),
            number("days", DAYS_BACK, "How many days before it count."),
            number("limit", PAGE, "So many users a page."),
            query("cursor", {"type": "string"}, "`next_cursor` of the page before; the first page has none."),
        ],
        codes=(ProblemCode.OUT_OF_BOUNDS,),
    ),
}
