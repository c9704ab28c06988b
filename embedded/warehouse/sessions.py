"""Sessions: what SET, USE and temporary tables leave for the next request of the same session.

A session without such state costs a dictionary entry, with it a handle of the engine. Both are bounded.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from embedded.warehouse.engine import Handle
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import Limits
from embedded.warehouse.request import Request
from telemetry.clock import Clock

# More of them are no number of seconds, and Python itself refuses some thousands.
TIMEOUT_DIGITS_MAX = 9


@dataclass(slots=True)
class Session:
    """One of them; `handle` is kept only when it holds state.

    `settings` is what SET means for a read-only user, whose handles take no changes.
    """

    timeout_s: float
    expires_s: float
    busy: bool = True
    database: str = ""
    handle: Handle | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        if self.handle is not None:
            self.handle.close()
            self.handle = None


class Sessions:
    """Every session, by user and id. Safe to share between threads."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[tuple[str, str], Session] = {}

    @contextmanager
    def use(self, user: str, request: Request) -> Iterator[Session | None]:
        """The session a request names, held until it is answered; None when it names none."""
        session_id = request.options.get("session_id", "")
        if not session_id:
            yield None
            return
        timeout_s = self._timeout_s(request.options.get("session_timeout", ""))
        key = (user, session_id)
        session = self._take(key, timeout_s, must_exist=request.flag("session_check"))
        try:
            yield session
        finally:
            with self._lock:
                session.busy = False
                session.expires_s = self._clock.monotonic() + session.timeout_s
                if request.flag("close_session"):
                    self._sessions.pop(key).close()

    def _take(self, key: tuple[str, str], timeout_s: float, *, must_exist: bool) -> Session:
        with self._lock:
            self._forget_expired()
            session = self._sessions.get(key)
            if session is not None and session.busy:
                raise Refused(
                    373, "SESSION_IS_LOCKED", f"Session {key[1][:200]} is locked by a concurrent client."
                )
            if session is None:
                if must_exist:
                    raise Refused(372, "SESSION_NOT_FOUND", f"Session {key[1][:200]} not found.")
                of_user = sum(user == key[0] for user, _ in self._sessions)
                if max(len(self._sessions), 2 * of_user) >= self._limits.sessions_max:
                    raise Refused(
                        202,
                        "TOO_MANY_SIMULTANEOUS_QUERIES",
                        f"Too many sessions: {self._limits.sessions_max} in all, half of them for one user; "
                        "close some (close_session=1) or wait.",
                    )
                session = self._sessions[key] = Session(timeout_s, 0.0)
            session.busy, session.timeout_s = True, timeout_s
            return session

    def _forget_expired(self) -> None:
        now = self._clock.monotonic()
        for key in [k for k, each in self._sessions.items() if not each.busy and each.expires_s <= now]:
            self._sessions.pop(key).close()

    def _timeout_s(self, given: str) -> float:
        if not given:
            return self._limits.session_timeout_s_default
        is_number = given.isascii() and given.isdigit() and len(given) <= TIMEOUT_DIGITS_MAX
        if not is_number or int(given) > self._limits.session_timeout_s_max:
            raise Refused(
                374,
                "INVALID_SESSION_TIMEOUT",
                f"Invalid session timeout: '{given[:40]}', "
                f"the most is {self._limits.session_timeout_s_max} s.",
            )
        return int(given)

    def close(self) -> None:
        """Drop them all; at shutdown, when no request runs."""
        with self._lock:
            for session in self._sessions.values():
                session.close()
            self._sessions.clear()
