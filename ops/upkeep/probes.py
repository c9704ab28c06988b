"""Is it there, is it ready? Asked over and over while something starts, so silence is an answer, no error."""

import socket
from collections.abc import Callable
from http.client import HTTPException
from urllib.error import URLError
from urllib.request import urlopen

TIMEOUT_S = 2


def http_ready(url: str) -> Callable[[], bool]:
    """A question that is true when `url` answers 200."""

    def ready() -> bool:
        try:
            with urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310 - our own processes on loopback
                return bool(response.status == 200)
        except (URLError, HTTPException, OSError):
            return False

    return ready


def listens(host: str, port: int) -> bool:
    """Whether something accepts connections there: known at once, where its own protocol would wait."""
    try:
        with socket.create_connection((host, port), timeout=TIMEOUT_S):
            return True
    except (OSError, UnicodeError):
        return False
