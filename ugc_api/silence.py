"""A broker that is there and acknowledges nothing, as with too few replicas or a disk that hangs.

It would hold every thread until its request's deadline, and who waits for a thread far beyond his own. So
once an acknowledgement did not come in time, one request at a time waits for the next one, and the others
are refused at once; the first acknowledgement lets all of them in again.
"""

import threading

import structlog

from ugc_api.event_log import LogUnavailable, Reason

MESSAGE = "the broker is there and acknowledges nothing; one request waits to see it begin again"


class Silence:
    """Safe to share between threads; while the broker speaks it costs a look at a flag."""

    def __init__(self) -> None:
        self._lasts = False
        self._asking = threading.Lock()
        self._log = structlog.get_logger()

    def enter(self) -> bool:
        """Whether the caller is the one who finds out. Raises LogUnavailable when another one is."""
        if not self._lasts:
            return False
        if self._asking.acquire(blocking=False):
            return True
        raise LogUnavailable(Reason.DEADLINE, MESSAGE)

    def leave(self, *, asks: bool) -> None:
        """What `enter` said is given back, whatever came of it."""
        if asks:
            self._asking.release()

    def begins(self) -> None:
        """An acknowledgement did not come in time."""
        if not self._lasts:
            self._lasts = True
            self._log.error("broker_silent", reason=MESSAGE)

    def ends(self) -> None:
        """One came."""
        if self._lasts:
            self._lasts = False
            self._log.info("broker_acknowledges_again")
