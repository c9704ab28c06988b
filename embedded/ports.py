"""Loopback ports: which are free, and one nobody else will take before its server asks for it."""

import itertools
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# Below these are the ports people give their servers; from OUTGOING on, the kernel lends them to whoever
# connects to something, so that one found free is somebody's a second later.
FIRST = 10_000
OUTGOING = 32_768
RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A loopback port nobody listens on, never the same twice until all were had."""
    return next(port for port in _ports if port_is_free(port))


def _lent_from(range_file: Path = RANGE_FILE) -> int:
    """The first port the kernel lends to connections, where it says so and leaves us some."""
    try:
        first = int(range_file.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        return OUTGOING
    return first if first > FIRST else OUTGOING


def _one_after_the_other(end: int) -> Iterator[int]:
    """From a place by chance, so that two processes that look at the same time seldom meet."""
    start = random.SystemRandom().randrange(FIRST, end)
    return itertools.cycle([*range(start, end), *range(FIRST, start)])


_ports: Final = _one_after_the_other(_lent_from())
