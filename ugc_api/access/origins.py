"""Origins of web pages: what a browser says in `Origin`, and which of them are meant by a list."""

import re
from collections.abc import Collection, Iterable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

ANY = "*"
# A page without a referrer and a page in a file say this.
NULL = "null"
ORIGIN_CHARS_MAX = 255
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")


def parsed(text: str) -> str:
    """The one spelling of an origin in a list, as browsers spell it. Raises ValueError for what is none.

    `https://*.example.com` means every name below example.com and not that one itself.
    """
    said = text.strip().lower()
    if said in (ANY, NULL):
        return said
    try:
        parts = urlsplit(said)
        port = parts.port
    except ValueError:
        raise _not_one(text) from None
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    plain = parts._replace(scheme="", netloc="").geturl() in ("", "/")
    if parts.scheme not in _DEFAULT_PORTS or not plain or not _HOST.fullmatch(host):
        raise _not_one(text)
    at = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{host}{at}"


Origin = Annotated[str, AfterValidator(parsed)]


def parsed_list(text: str) -> tuple[str, ...]:
    """Origins separated by commas. Raises ValueError."""
    return tuple(dict.fromkeys(parsed(each) for each in text.split(",") if each.strip()))


def matches(origin: str, listed: Collection[str]) -> bool:
    """Whether a list means `origin`, which is as a browser sent it."""
    if origin in listed or ANY in listed:
        return True
    if len(origin) > ORIGIN_CHARS_MAX:
        return False
    scheme, _, place = origin.partition("://")
    return any(f"{scheme}://*{part}" in listed for part in _domains(place))


def _domains(place: str) -> Iterable[str]:
    """`.b.c` and `.c` of `a.b.c`, ports included."""
    labels = place.split(".")
    return (f".{'.'.join(labels[n:])}" for n in range(1, len(labels)))


def _not_one(text: str) -> ValueError:
    return ValueError(
        f"{text.strip()[:80]!r} is no origin; write it like https://shop.example.com, "
        "without path, or https://*.example.com for every name below"
    )
