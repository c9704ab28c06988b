"""What is refused before there is a request: the same problem document as everywhere, by the same road.

It goes through the application's own hooks, so it has an id, a log line and a place in the metrics. Nothing
of what was sent is repeated, neither to the sender nor in the log: a broken request line may hold a key.
"""

from email.utils import formatdate
from typing import Any

from flask import Flask, Response
from gunicorn.http import errors  # type: ignore[import-untyped]

from ugc_api import problems, security_headers
from ugc_api.problems import Problem, ProblemCode
from ugc_api.server.incoming import REQUEST_LINE_BYTES_MAX, Stage

# The first that fits; everything else that the parser refuses is told in general words.
DETAILS: tuple[tuple[type[Exception], ProblemCode, str], ...] = (
    (
        errors.LimitRequestLine,
        ProblemCode.URI_TOO_LONG,
        f"The first line of a request has {REQUEST_LINE_BYTES_MAX:,} bytes at most.",
    ),
    (errors.LimitRequestHeaders, ProblemCode.HEADERS_TOO_LARGE, "Headers are too long, or too many."),
    (errors.InvalidRequestMethod, ProblemCode.BAD_REQUEST, "The method is not one of HTTP."),
    (errors.InvalidHTTPVersion, ProblemCode.BAD_REQUEST, "This is HTTP/1.0 and HTTP/1.1."),
    (errors.InvalidRequestLine, ProblemCode.BAD_REQUEST, "The first line is not `METHOD /address HTTP/1.1`."),
    (errors.InvalidHeaderName, ProblemCode.BAD_REQUEST, "A header has a name that none may have."),
    (
        errors.ObsoleteFolding,
        ProblemCode.BAD_REQUEST,
        "A header goes on in a second line.",
    ),
    (errors.InvalidHeader, ProblemCode.BAD_REQUEST, "A header has a value it cannot have, or comes twice."),
    (errors.UnsupportedTransferCoding, ProblemCode.BAD_REQUEST, "The only Transfer-Encoding is chunked."),
    (errors.ExpectationFailed, ProblemCode.BAD_REQUEST, "The only thing to Expect is 100-continue."),
    (errors.ParseException, ProblemCode.BAD_REQUEST, "The request is not HTTP."),
)
# What is refused before the parser sees it.
AT_STAGE = {
    Stage.HEAD_TOO_LARGE: (ProblemCode.HEADERS_TOO_LARGE, "The headers have no end."),
    Stage.BODY_TOO_LARGE: (ProblemCode.BODY_TOO_LARGE, "The body comes in too many chunks."),
    Stage.CODING_UNKNOWN: (ProblemCode.BAD_REQUEST, "The only Transfer-Encoding is chunked."),
}
BUSY = (
    ProblemCode.LOG_UNAVAILABLE,
    "Too much is under way at once; nothing of this request was looked at.",
)
# Of the same family, but not the sender's fault.
OURS = (errors.InvalidResponseHeader, errors.InvalidResponseHeaderName, errors.ConfigurationProblem)


def problem_of(error: Exception) -> Problem | None:
    """What the parser's `error` means to the sender; None when it is not his."""
    if isinstance(error, OURS):
        return None
    return next((Problem(code, detail) for kind, code, detail in DETAILS if isinstance(error, kind)), None)


def answer_to(problem: Problem, *, app: Flask) -> bytes:
    """The whole answer as it goes over the wire, the last on its connection."""
    # No address and no method: none was read, or it does not matter.
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "-",
        "PATH_INFO": "*",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
    }
    with app.request_context(environ):
        app.preprocess_request()
        response = app.process_response(problems.response(problem))
    return _on_the_wire(response, environ)


def _on_the_wire(response: Response, environ: dict[str, Any]) -> bytes:
    body = response.get_data()
    headers = [*response.headers.items(), ("Date", formatdate(usegmt=True)), ("Connection", "close")]
    security_headers.complete(headers, environ)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"HTTP/1.1 {response.status}\r\n{lines}\r\n".encode("latin-1") + body
