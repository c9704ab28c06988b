"""What every answer tells a browser: run nothing, frame nothing, keep nothing, tell nobody where you were.

A route that says otherwise for itself (the documentation's page and files) is left as it is. TLS ends at
your proxy, so Strict-Transport-Security is the proxy's to say.

What else every answer says about its request (its id, how much its sender has left) comes the same way: put
down with `say` while it is served, written here, where a header is one item of a list.
"""

from collections.abc import Callable, Iterable
from typing import Any

SAID = "ugc.headers"
HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
    # A write key may stand in an address.
    ("Referrer-Policy", "no-referrer"),
)

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def say(environ: Environ, *headers: tuple[str, str]) -> None:
    """Have the answer to this request say `headers`, whatever else becomes of it."""
    environ.setdefault(SAID, []).extend(headers)


def complete(headers: list[tuple[str, str]], environ: Environ) -> None:
    """Add what every answer says, and what was put down for this one."""
    said = {name for name, _ in headers}
    headers += [header for header in HEADERS if header[0] not in said]
    headers += environ.get(SAID, ())


def around(application: Wsgi) -> Wsgi:
    """`application` with the headers on all it answers."""

    def answered(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            complete(headers, environ)
            return start_response(status, headers, *more)

        return application(environ, start)

    return answered
