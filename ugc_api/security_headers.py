"""What every answer tells a browser: run nothing, frame nothing, keep nothing, tell nobody where you were.

A route that says otherwise for itself (the documentation's page and files) is left as it is. TLS ends at
your proxy, so Strict-Transport-Security is the proxy's to say.
"""

from collections.abc import Callable, Iterable
from typing import Any

HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
    # A write key may stand in an address.
    ("Referrer-Policy", "no-referrer"),
)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def around(application: Wsgi) -> Wsgi:
    """`application` with the headers on all it answers."""

    def answered(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            said = {name for name, _ in headers}
            headers.extend(header for header in HEADERS if header[0] not in said)
            return start_response(status, headers, *more)

        return application(environ, start)

    return answered
