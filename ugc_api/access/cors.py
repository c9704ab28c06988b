"""Which web pages may read our answers to POST /events (the browser asks; a beacon does not need it).

Pages of `UGC_CORS_ORIGINS`, and pages that some key names. Whether a key may be used from a page is the
gate's to say; here it is only said whether the page gets to read the answer, a refusal too. Cookies play no
part, so credentials are never allowed.
"""

from collections.abc import Callable

from flask import Flask, Response, request

from ugc_api.access import origins

METHODS = "POST"
HEADERS_TAKEN = (
    "Content-Type, Content-Encoding, Idempotency-Key, X-Write-Key, X-API-Key, Authorization, X-Request-ID"
)
HEADERS_SHOWN = "X-Request-ID, Retry-After, RateLimit, RateLimit-Policy"
# As long as Chromium keeps it at most.
PREFLIGHT_S = 7_200


def install(
    app: Flask, *, rule: str, listed: tuple[str, ...], named_by_keys: Callable[[], frozenset[str]]
) -> None:
    """Put the headers on the answers of `rule`."""

    def allow(answer: Response) -> Response:
        if request.path != rule:
            return answer
        # Caches must not hand one page the answer that was meant for another.
        answer.headers.add("Vary", "Origin")
        origin = request.headers.get("Origin")
        if origin is None or not (
            origins.matches(origin, listed) or origins.matches(origin, named_by_keys())
        ):
            return answer
        answer.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            answer.headers["Access-Control-Allow-Methods"] = METHODS
            answer.headers["Access-Control-Allow-Headers"] = HEADERS_TAKEN
            answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_S)
        else:
            answer.headers["Access-Control-Expose-Headers"] = HEADERS_SHOWN
        return answer

    app.after_request(allow)
