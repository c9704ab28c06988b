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
    │   422 out_of_bounds         a number beyond its limit                     sender: stay within
    │   422 invalid_segment       `place` is the character at fault             sender
    │   422 too_many_segments     more conditions than one question may have    sender: leave some out
    │   422 too_many_rows         the answer would be too long                  sender: ask for less
    ├── 429 rate_limited          too many events lately; wait `Retry-After`    sender
    │   429 batch_exceeds_burst   more events than may ever come at once        sender: split it
    ├── 431 headers_too_large     the headers have too many bytes               sender
    ├── 500 internal              our fault; the log has it under the id        operator
    └── 503 log_unavailable       not stored for sure; send the same again      nobody: it passes
        503 warehouse_unavailable no answer now; ask again                      nobody: it passes
        503 question_too_heavy    it took too long or too much memory           sender: ask for less
        503 stats_busy            too many questions at once; ask again         nobody: it passes
        503 not_ready             /health/ready says which dependency           operator

`code` is stable and may be programmed against; `title` and `detail` are for people and may change.
"""

from collections.abc import Mapping
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from ugc_api.problem_codes import KINDS, Kind, ProblemCode

__all__ = ["KINDS", "MEDIA_TYPE", "Kind", "Problem", "ProblemCode", "body_too_large", "install", "response"]

MEDIA_TYPE = "application/problem+json"


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
