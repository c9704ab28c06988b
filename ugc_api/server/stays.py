"""Why a connection lies with the poller, and until when it may."""

from dataclasses import dataclass
from typing import Any

from ugc_api.server.incoming import Incoming

LINGER_BYTES_MAX = 16 * 1024 * 1024


@dataclass(slots=True)
class Waiting:
    """A request that is not whole yet, and until when it may become so."""

    incoming: Incoming
    deadline: float
    polled: bool = False


@dataclass(slots=True)
class Leaving:
    """An answer that its reader does not take as fast as it was made, and until when he may."""

    deadline: float
    bytes_held: int
    # What the thread said of the connection: whether another request may follow.
    served: Any


@dataclass(slots=True)
class Lingering:
    """A connection that is answered for the last time and may not have stopped sending."""

    deadline: float
    bytes_left: int = LINGER_BYTES_MAX
