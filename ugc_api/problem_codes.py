"""Every code of a problem, as data: status, title, what to do. `ugc_api.problems` draws the tree of them."""

from dataclasses import dataclass
from enum import StrEnum


class ProblemCode(StrEnum):
    """The closed list. A code once given to a client keeps its meaning for ever."""

    NOT_JSON = "not_json"
    BAD_REQUEST = "bad_request"
    BAD_GZIP = "bad_gzip"
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a code, and no password
    TOKEN_INVALID = "token_invalid"  # noqa: S105
    SCOPE_MISSING = "scope_missing"
    ORIGIN_NOT_ALLOWED = "origin_not_allowed"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    BODY_TOO_LARGE = "body_too_large"
    TOO_MANY_EVENTS = "too_many_events"
    RECORD_TOO_LARGE = "record_too_large"
    URI_TOO_LONG = "uri_too_long"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    NO_EVENTS = "no_events"
    NO_VALID_EVENT = "no_valid_event"
    UNKNOWN_PARAMETER = "unknown_parameter"
    MISSING_PARAMETER = "missing_parameter"
    INVALID_PARAMETER = "invalid_parameter"
    RANGE_TOO_LONG = "range_too_long"
    OUT_OF_BOUNDS = "out_of_bounds"
    INVALID_SEGMENT = "invalid_segment"
    TOO_MANY_SEGMENTS = "too_many_segments"
    TOO_MANY_ROWS = "too_many_rows"
    RATE_LIMITED = "rate_limited"
    BATCH_EXCEEDS_BURST = "batch_exceeds_burst"
    HEADERS_TOO_LARGE = "headers_too_large"
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    INTERNAL = "internal"
    LOG_UNAVAILABLE = "log_unavailable"
    WAREHOUSE_UNAVAILABLE = "warehouse_unavailable"
    QUESTION_TOO_HEAVY = "question_too_heavy"
    STATS_BUSY = "stats_busy"
    NOT_READY = "not_ready"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is the same for every problem of one code."""

    status: int
    title: str
    what_to_do: str


KINDS: dict[ProblemCode, Kind] = {
    ProblemCode.NOT_JSON: Kind(
        400,
        "The body is not JSON",
        "Send one JSON object or an array of objects, in UTF-8; one object a line is application/x-ndjson.",
    ),
    ProblemCode.BAD_REQUEST: Kind(
        400, "The request cannot be read", "Check headers, encoding and address of the request."
    ),
    ProblemCode.BAD_GZIP: Kind(
        400, "The body is not gzip", "Pack the whole body with gzip, or send it without Content-Encoding."
    ),
    ProblemCode.KEY_MISSING: Kind(
        401, "This needs a key", "Send X-Write-Key, X-API-Key or Authorization: Bearer with the request."
    ),
    ProblemCode.KEY_UNKNOWN: Kind(
        401, "This key opens nothing", "Send a key that `ugc keys list` lists, in the place for its kind."
    ),
    ProblemCode.TOKEN_EXPIRED: Kind(401, "The token has expired", "Get a new token and send the same again."),
    ProblemCode.TOKEN_INVALID: Kind(401, "The token is not good here", "Get a token as `detail` says."),
    ProblemCode.SCOPE_MISSING: Kind(
        403, "The key may not do this", "Use a key that has the scope named in `scope`."
    ),
    ProblemCode.ORIGIN_NOT_ALLOWED: Kind(
        403, "The key is not for this page", "Make a key that names the page's origin, and use that one."
    ),
    ProblemCode.NOT_FOUND: Kind(404, "There is nothing here", "GET / lists the addresses."),
    ProblemCode.METHOD_NOT_ALLOWED: Kind(
        405, "This address does not take that method", "Use one of the methods in the Allow header."
    ),
    ProblemCode.REQUEST_TIMEOUT: Kind(
        408, "The request came too slowly", "Send it again, in smaller parts over a slow line."
    ),
    ProblemCode.BODY_TOO_LARGE: Kind(
        413, "The body is too large", "Split the events over several requests; `limit_bytes` is the most."
    ),
    ProblemCode.TOO_MANY_EVENTS: Kind(
        413,
        "Too many events in one request",
        "Split them over several requests; `limit_events` is the most a request.",
    ),
    ProblemCode.RECORD_TOO_LARGE: Kind(
        413, "An event is larger than the log takes", "Send smaller properties."
    ),
    ProblemCode.URI_TOO_LONG: Kind(
        414, "The address is too long", "Send events in the body; ask with fewer or shorter segments."
    ),
    ProblemCode.UNSUPPORTED_MEDIA_TYPE: Kind(
        415,
        "This media type is not taken",
        "Send `Content-Type: application/json`, `application/x-ndjson` or, with JSON in it, `text/plain`.",
    ),
    ProblemCode.UNSUPPORTED_ENCODING: Kind(
        415,
        "This content encoding is not taken",
        "Send `Content-Encoding: gzip`, or the body as it is without that header.",
    ),
    ProblemCode.NO_EVENTS: Kind(422, "There is no event in the body", "Send at least one event."),
    ProblemCode.NO_VALID_EVENT: Kind(
        422, "No event was accepted", "Each entry of `results` names the field at fault and why."
    ),
    ProblemCode.UNKNOWN_PARAMETER: Kind(
        422, "A query parameter is unknown", "Remove it; the documentation lists the known ones."
    ),
    ProblemCode.MISSING_PARAMETER: Kind(422, "A query parameter is missing", "Add it, as `detail` shows."),
    ProblemCode.INVALID_PARAMETER: Kind(
        422, "A query parameter has a wrong value", "Correct it; `detail` says what is right."
    ),
    ProblemCode.RANGE_TOO_LONG: Kind(
        422, "The range has too many days", "Ask for a shorter range, or in several parts."
    ),
    ProblemCode.OUT_OF_BOUNDS: Kind(
        422, "A number is beyond its limit", "Stay between `limit_min` and `limit_max`; `detail` says how."
    ),
    ProblemCode.INVALID_SEGMENT: Kind(
        422,
        "A segment cannot be read",
        "Correct it at `place`, the character at fault, counted from 1; `detail` says what belongs there.",
    ),
    ProblemCode.TOO_MANY_SEGMENTS: Kind(
        422, "Too many segments in one question", "Leave some out; `limit_segments` is the most."
    ),
    ProblemCode.TOO_MANY_ROWS: Kind(
        422,
        "The answer would have too many rows",
        "Ask for a shorter range, or for one type with segment=event_type:NAME; `limit_rows` is the most.",
    ),
    ProblemCode.RATE_LIMITED: Kind(
        429,
        "Too many events",
        "Send the same request again after `Retry-After` seconds; `RateLimit` says how much is left.",
    ),
    ProblemCode.BATCH_EXCEEDS_BURST: Kind(
        429,
        "More events than may be sent at once",
        "Split the request; `limit_events` is the most one may have. The first part may be sent after "
        "`Retry-After` seconds.",
    ),
    ProblemCode.HEADERS_TOO_LARGE: Kind(
        431, "The headers are too large", "Send fewer or shorter ones; look for a cookie that has grown."
    ),
    ProblemCode.IDEMPOTENCY_KEY_INVALID: Kind(
        422, "This Idempotency-Key cannot be used", "Send 1 to 255 visible ASCII characters, such as a UUID."
    ),
    ProblemCode.IDEMPOTENCY_KEY_REUSED: Kind(
        422, "The Idempotency-Key came with another body", "Send a new key with every new body."
    ),
    ProblemCode.IDEMPOTENCY_KEY_IN_USE: Kind(
        409,
        "The first request with this Idempotency-Key still runs",
        "Send the same request again after `Retry-After` seconds; it gets the first one's answer.",
    ),
    ProblemCode.INTERNAL: Kind(
        500, "Something broke on our side", "Give the `request_id` to whoever runs this service."
    ),
    ProblemCode.LOG_UNAVAILABLE: Kind(
        503,
        "The events could not be stored",
        "Send the same request again after `Retry-After` seconds; event ids make that harmless.",
    ),
    ProblemCode.WAREHOUSE_UNAVAILABLE: Kind(
        503, "The warehouse does not answer", "Ask again after `Retry-After` seconds."
    ),
    ProblemCode.QUESTION_TOO_HEAVY: Kind(
        503,
        "The question was too heavy",
        "Ask for a shorter range or without segments; or again later, when less is going on.",
    ),
    ProblemCode.STATS_BUSY: Kind(503, "Too many questions at once", "Ask again after `Retry-After` seconds."),
    ProblemCode.NOT_READY: Kind(503, "Not ready to serve", "`checks` says which dependency is missing."),
}
