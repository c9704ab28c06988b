"""Where a request comes from, believing no more of X-Forwarded-For than trusted proxies wrote.

Each proxy appends the address it was called from, so with N trusted proxies the N-th entry from the right is
the client's, and everything to its left is whatever the client made up. When that entry is missing or is no
address, the one we were called from counts: the request then shares the proxy's limit, which is never a way
to more.
"""

import re
import socket
from functools import lru_cache
from typing import Any

IPV6_NETWORK_BYTES = 8
_MAPPED_IPV4 = bytes(10) + b"\xff\xff"
# Some proxies add the port: 203.0.113.7:50000, [2001:db8::7]:50000.
_WITH_PORT = re.compile(r"\[(?P<ipv6>[^\]]+)\](?::\d{1,5})?|(?P<ipv4>[0-9.]+):\d{1,5}")


def client_address(environ: dict[str, Any], *, trusted_hops: int) -> str:
    """The client's address in its one spelling; empty when nobody knows it (a unix socket)."""
    called_from: str = environ.get("REMOTE_ADDR") or ""
    if trusted_hops:
        entries = environ.get("HTTP_X_FORWARDED_FOR", "").rsplit(",", trusted_hops)
        if len(entries) >= trusted_hops and (said := _address(_without_port(entries[-trusted_hops]))):
            return said
    # A link-local address names its interface: fe80::1%eth0.
    return _address(called_from.partition("%")[0])


# The same few senders send most requests.
@lru_cache(maxsize=4096)
def network(address: str) -> bytes:
    """What counts as one sender: an IPv4 address, the /64 of an IPv6 one; empty when there is no address.

    A household or a server gets a whole /64, so one sender has 2^64 addresses to choose from.
    """
    packed = _packed(address)
    return packed if len(packed) == 4 else packed[:IPV6_NETWORK_BYTES]


@lru_cache(maxsize=4096)
def _address(text: str) -> str:
    packed = _packed(text)
    if not packed:
        return ""
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _packed(text: str) -> bytes:
    """4 bytes, 16 bytes, or none when it is no address. IPv4 written as IPv6 is IPv4."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        packed = socket.inet_pton(family, text)
    except (OSError, ValueError):
        return b""
    return packed[12:] if packed.startswith(_MAPPED_IPV4) and len(packed) == 16 else packed


def _without_port(entry: str) -> str:
    entry = entry.strip()
    found = _WITH_PORT.fullmatch(entry)
    return (found["ipv6"] or found["ipv4"]) if found else entry
