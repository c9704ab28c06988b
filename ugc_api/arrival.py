"""What the server adds to an event from the connection it came on, and nothing that names a person.

The address is cut before it enters any event: IPv4 to its /24, IPv6 to its /48. The user agent becomes
the name of a family; the rest of the header is forgotten with the request.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from contract.fields import milliseconds
from contract.wire import Arrival
from ugc_api import bots

IPV4_BITS_FORGOTTEN = 8
IPV6_BITS_FORGOTTEN = 80
USER_AGENT_CHARS_READ = 512
OTHER = "other"

# The first that occurs wins: every Edge says Chrome, every Chrome says Safari.
FAMILIES: tuple[tuple[str, str], ...] = (
    ("edg/", "edge"),
    ("edga/", "edge"),
    ("edgios/", "edge"),
    ("opr/", "opera"),
    ("opera", "opera"),
    ("yabrowser/", "yandex"),
    ("samsungbrowser/", "samsung"),
    ("fxios/", "firefox"),
    ("firefox/", "firefox"),
    ("crios/", "chrome"),
    ("chrome/", "chrome"),
    ("safari/", "safari"),
    ("okhttp/", "okhttp"),
    ("dalvik/", "android"),
    ("cfnetwork/", "ios"),
    ("curl/", "curl"),
    ("wget/", "wget"),
    ("python", "python"),
    ("aiohttp/", "python"),
    ("node", "node"),
    ("go-http-client/", "go"),
    ("java/", "java"),
)


def of(environ: Mapping[str, Any], *, address: str, received_at: datetime) -> Arrival:
    """How the events of a request came in; `address` is the client's."""
    return Arrival(
        received_at_ms=milliseconds(received_at),
        ip=truncated(address),
        user_agent_family=family(environ.get("HTTP_USER_AGENT", "")),
        bot_reasons=bots.reasons(environ),
    )


# The same few addresses and programs send most of the events.
@lru_cache(maxsize=4096)
def truncated(address: str) -> str:
    """The network the address is in; empty when it is not an address (a unix socket, a test)."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    if isinstance(parsed, IPv4Address):
        return str(IPv4Address(_cleared(int(parsed), IPV4_BITS_FORGOTTEN)))
    return str(IPv6Address(_cleared(int(parsed), IPV6_BITS_FORGOTTEN)))


@lru_cache(maxsize=1024)
def family(user_agent: str) -> str:
    """One word for the program that sent the request; empty when it did not say."""
    text = user_agent[:USER_AGENT_CHARS_READ].lower().strip()
    if not text:
        return ""
    return next((name for part, name in FAMILIES if part in text), OTHER)


def _cleared(number: int, bits: int) -> int:
    return number >> bits << bits
