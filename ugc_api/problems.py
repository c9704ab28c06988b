"""Every way this API says no, in one tree and one shape (RFC 9457, application/problem+json).

    Problem                       what happened                                 who acts
    ├── 400 not_json              the body is not JSON                          sender
    │   400 bad_request           the request cannot be read at all             sender
    │   400 bad_gzip              Content-Encoding says gzip, the body does not sender
    ├── 401 key_missing | key_unknown         no key, or none that is known       sender
    │   401 token_expired | token_invalid     a signed token that is not good     sender: get a new one
    ├── 403 scope_missing                     the key may not do this             sender: use another key
    │   403 origin_not_allowed                the key is not for this page        operator: name the page
    ├── 404 not_found             there is nothing at this address              sender
    ├── 405 method_not_allowed    wrong method; `Allow` lists the right ones    sender
    ├── 408 request_timeout       the request did not come to its end in time   sender
    ├── 409 idempotency_key_in_use   the first request with it still runs       nobody: it passes
    ├── 413 body_too_large        the body has too many bytes                   sender: split it
    │   413 too_many_events       the body has too many events                  sender: split it
    │   413 record_too_large      the broker refuses an event of this size      sender: shrink it
    ├── 414 uri_too_long          the address has too many characters           sender
    ├── 415 unsupported_media_type | unsupported_encoding                       sender
    ├── 422 no_events             an empty array                                sender
    │   422 no_valid_event        every event was refused; `results` says why   sender
    │   422 unknown_parameter | missing_parameter | invalid_parameter           sender
    │   422 idempotency_key_invalid  not 1 to 255 visible ASCII characters      sender
    │   422 idempotency_key_reused   it came before with another body           sender: a new key
    │   422 range_too_long        more days than one answer may have            sender: ask in parts
    ├── 429 rate_limited          too many events lately; wait `Retry-After`    sender
    │   429 batch_exceeds_burst   more events than may ever come at once        sender: split it
    ├── 431 headers_too_large     the headers have too many bytes               sender
    ├── 500 internal              our fault; the log has it under the id        operator
    └── 503 log_unavailable       not stored for sure; send the same again      nobody: it passes
        503 warehouse_unavailable no answer now; ask again                      nobody: it passes
        503 stats_busy            too many questions at once; ask again         nobody: it passes
        503 not_ready             /health/ready says which dependency           operator

`code` is stable and may be programmed against; `title` and `detail` are for people and may change.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

MEDIA_TYPE = "application/problem+json"


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
    RATE_LIMITED = "rate_limited"
    BATCH_EXCEEDS_BURST = "batch_exceeds_burst"
    HEADERS_TOO_LARGE = "headers_too_large"
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    INTERNAL = "internal"
    LOG_UNAVAILABLE = "log_unavailable"
    WAREHOUSE_UNAVAILABLE = "warehouse_unavailable"
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
    ProblemCode.URI_TOO_LONG: Kind(414, "The address is too long", "Send events in the body."),
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
    ProblemCode.STATS_BUSY: Kind(503, "Too many questions at once", "Ask again after `Retry-After` seconds."),
    ProblemCode.NOT_READY: Kind(503, "Not ready to serve", "`checks` says which dependency is missing."),
}

CODE_OF_STATUS = {
    404: ProblemCode.NOT_FOUND,
    405: ProblemCode.METHOD_NOT_ALLOWED,
    413: ProblemCode.BODY_TOO_LARGE,
    415: ProblemCode.UNSUPPORTED_MEDIA_TYPE,
}


class Problem(Exception):  # noqa: N818 - an answer to a client, most of the time not an error of ours
    """Raise it anywhere below a route; the client gets the document and nothing is logged as a fault."""

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        *,
        retry_after_s: int | None = None,
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)
        self.extensions = extensions


def body_too_large(bytes_max: int) -> Problem:
    """The one way to say it: of a body as it came, and of one that was packed."""
    return Problem(
        ProblemCode.BODY_TOO_LARGE,
        f"A request may have {bytes_max:,} bytes, unpacked; split the events over several requests.",
        limit_bytes=bytes_max,
    )


def response(problem: Problem) -> Response:
    """The problem document, with the id under which the log knows this request."""
    kind = KINDS[problem.code]
    body = {
        "type": f"/problems/{problem.code}",
        "title": kind.title,
        "status": kind.status,
        "code": problem.code,
        "detail": problem.detail,
        "request_id": g.get("request_id"),
        **problem.extensions,
    }
    return Response(orjson.dumps(body), kind.status, problem.headers, content_type=MEDIA_TYPE)


def install(app: Flask) -> None:
    """One handler for everything that is raised while a request is served."""
    app.register_error_handler(Exception, _handle)


def _handle(error: Exception) -> Response | HTTPException:
    if isinstance(error, Problem):
        return response(error)
    if isinstance(error, HTTPException):
        # A redirect is raised like an error, but it is an answer.
        return error if (error.code or 500) < 400 else response(_of_http(error))
    structlog.get_logger().error("request_failed", exc_info=error)
    return response(
        Problem(ProblemCode.INTERNAL, "The request was not completed; it is safe to send it again.")
    )


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    code = CODE_OF_STATUS.get(status, ProblemCode.BAD_REQUEST if status < 500 else ProblemCode.INTERNAL)
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return Problem(code, f"This address takes {allowed}.", headers={"Allow": allowed})
    if code is ProblemCode.NOT_FOUND:
        return Problem(code, "There is nothing at this address; GET / lists what there is.")
    return Problem(code, error.description or error.name)
