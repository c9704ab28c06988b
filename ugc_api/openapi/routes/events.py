"""POST /events, as the documentation shows it."""

import json
from typing import Any

from ugc_api.forms import NDJSON, TEXT
from ugc_api.openapi.parts import (
    header,
    json_answer,
    limited,
    problem_answer,
    query,
    ref,
    refusals_of_keys,
)
from ugc_api.openapi.schemas import ANY_KEY
from ugc_api.problems import ProblemCode

# Stands for yesterday: whoever serves the document puts the day in, or in a month the examples were too old.
EXAMPLE_DAY = "1999-12-31"

CLICK = {
    "event_id": "0190c5a4-7c1e-7b1a-9a53-0242ac120002",
    "occurred_at": f"{EXAMPLE_DAY}T10:15:30.123Z",
    "user_id": "user-1",
    "event_type": "click",
    "properties": {"element": "play", "kind": "film", "country": "DE"},
}
PURCHASE = {
    "event_id": "0190c5a4-7c1e-7b1a-9a53-0242ac120003",
    "occurred_at": f"{EXAMPLE_DAY}T12:15:31+02:00",
    "user_id": "user-2",
    "event_type": "purchase",
    "properties": {"product_id": "subscription-month", "quantity": 1},
    "value": 9.99,
}
CUSTOM = {
    "event_id": "0190c5a4-7c1e-7b1a-9a53-0242ac120004",
    "occurred_at": f"{EXAMPLE_DAY}T10:15:32Z",
    "user_id": "user-1",
    "event_type": "playlist.shared",
}
ACCEPTED = {
    "index": 0,
    "event_id": CLICK["event_id"],
    "status": "accepted",
    "code": None,
    "pointer": None,
    "message": None,
}
REPEATED = {
    **ACCEPTED,
    "index": 1,
    "status": "duplicate",
    "code": "repeated_in_request",
    "pointer": "/event_id",
    "message": "The event at index 0 has the same event_id; the first one counts.",
}
REFUSED = {
    **ACCEPTED,
    "index": 2,
    "event_id": PURCHASE["event_id"],
    "status": "rejected",
    "code": "missing_field",
    "pointer": "/user_id",
    "message": "user_id is missing",
}
ANSWER = {"accepted": 1, "duplicates": 1, "rejected": 1, "results": [ACCEPTED, REPEATED, REFUSED]}
NONE_VALID = {"accepted": 0, "duplicates": 0, "rejected": 1, "results": [{**REFUSED, "index": 0}]}

DESCRIPTION = """Send one event or an array of events; each gets a verdict of its own, in the order sent.
Good events never wait for bad ones.

**202 means stored**: the broker has acknowledged every accepted event. On anything else, send the same
request again: an `event_id` counts once, for ever.

Besides JSON the body may be NDJSON (`application/x-ndjson`, one event a line: a broken line costs that
event alone) or JSON that calls itself `text/plain`, which a browser sends elsewhere without asking first.
Each may be packed with `Content-Encoding: gzip`.

With `dry_run=1` the same verdicts come with 200 and nothing is stored or counted.

A sender may send so many events a minute and so many at once; every answer says what is left in `RateLimit`.
Events that are refused and dry runs cost as much as others, a request that a limit refuses costs nothing.
"""

DOCS: dict[str, dict[str, Any]] = {
    "post_events": {
        "tags": ["events"],
        "summary": "Send events",
        "description": DESCRIPTION,
        "operationId": "post_events",
        "security": ANY_KEY,
        "parameters": [
            query(
                "dry_run",
                {"type": "string", "enum": ["1", "true", "0", "false"], "default": "0"},
                "Validate only: the verdicts come with 200 and nothing is stored.",
            ),
            header(
                "Idempotency-Key",
                {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
                "For 24 hours, the same key with the same body gets the first answer again, byte for byte, "
                "with `Idempotent-Replayed: true`. Outages and limits are not kept: they may pass. "
                "A dry run keeps nothing.",
            ),
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [ref("Event"), {"type": "array", "minItems": 1, "items": ref("Event")}]
                    },
                    "examples": {
                        "one": {"summary": "One event", "value": CLICK},
                        "several": {"summary": "Several events", "value": [CLICK, PURCHASE, CUSTOM]},
                    },
                },
                NDJSON: {
                    "schema": {"type": "string"},
                    "examples": {
                        "lines": {
                            "summary": "One event a line",
                            "value": "".join(json.dumps(each) + "\n" for each in (CLICK, PURCHASE)),
                        }
                    },
                },
                TEXT: {
                    "schema": {"type": "string"},
                    "examples": {"beacon": {"summary": "JSON as text", "value": json.dumps([CLICK])}},
                },
            },
        },
        "responses": {
            "200": limited(
                json_answer(
                    "The verdicts of a dry run.", ref("CollectAnswer"), dry_run={**ANSWER, "dry_run": True}
                )
            ),
            "202": limited(
                json_answer("Every accepted event is stored.", ref("CollectAnswer"), mixed=ANSWER)
            ),
            "400": problem_answer(ProblemCode.NOT_JSON, ProblemCode.BAD_REQUEST, ProblemCode.BAD_GZIP),
            "408": problem_answer(ProblemCode.REQUEST_TIMEOUT),
            "409": problem_answer(ProblemCode.IDEMPOTENCY_KEY_IN_USE),
            **refusals_of_keys(pages=True),
            "413": problem_answer(
                ProblemCode.BODY_TOO_LARGE, ProblemCode.TOO_MANY_EVENTS, ProblemCode.RECORD_TOO_LARGE
            ),
            "414": problem_answer(ProblemCode.URI_TOO_LONG),
            "415": problem_answer(ProblemCode.UNSUPPORTED_MEDIA_TYPE, ProblemCode.UNSUPPORTED_ENCODING),
            "422": problem_answer(
                ProblemCode.NO_VALID_EVENT,
                ProblemCode.NO_EVENTS,
                ProblemCode.UNKNOWN_PARAMETER,
                ProblemCode.INVALID_PARAMETER,
                ProblemCode.IDEMPOTENCY_KEY_INVALID,
                ProblemCode.IDEMPOTENCY_KEY_REUSED,
                schema=ref("CollectProblem"),
                members={ProblemCode.NO_VALID_EVENT: NONE_VALID},
            ),
            "429": limited(problem_answer(ProblemCode.RATE_LIMITED, ProblemCode.BATCH_EXCEEDS_BURST)),
            "431": problem_answer(ProblemCode.HEADERS_TOO_LARGE),
            "500": problem_answer(ProblemCode.INTERNAL),
            "503": problem_answer(ProblemCode.LOG_UNAVAILABLE),
        },
    }
}
