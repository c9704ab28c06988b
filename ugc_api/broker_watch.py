"""Whether the broker is there, known before anybody asks.

A thread looks twice a second. One failed look makes readiness say so; two in a row with no
acknowledgement in between give the broker up, and requests are refused at once until a look succeeds.
Nobody's request is the probe.
"""

import threading
from collections.abc import Callable

import structlog

from telemetry.clock import Clock
from telemetry.health import NotReady
from telemetry.series import Gauge

INTERVAL_S = 0.5
STALE_S = 2.0
LOOKS_TO_GIVE_UP = 2
NOT_YET = "the broker has not answered yet"


class BrokerWatch:
    """The last looks at the broker. Reading it never waits."""

    def __init__(self, look: Callable[[], None], *, clock: Clock, up: Gauge) -> None:
        self._look = look
        self._clock = clock
        self._up = up
        self._failed_looks = 0
        self._looked_at: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker-watch", daemon=True)
        self._log = structlog.get_logger()
        self.message = NOT_YET

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Return at once; the thread ends with its current look."""
        self._stopping.set()

    @property
    def given_up(self) -> bool:
        """True while there is no point in waiting for an acknowledgement."""
        return self._failed_looks >= LOOKS_TO_GIVE_UP

    def acknowledged(self) -> None:
        """An acknowledgement came in: the best look there is."""
        self._failed_looks = 0

    def check(self) -> None:
        """Raise NotReady unless the last look was a success and is recent."""
        if self._looked_at is None or self._failed_looks:
            raise NotReady(self.message)
        age_s = self._clock.monotonic() - self._looked_at
        if age_s > STALE_S:
            raise NotReady(f"the last look at the broker was {age_s:.1f} s ago")

    def look(self) -> None:
        """Look once and remember what was seen."""
        was_away = self._failed_looks > 0 or self._looked_at is None
        try:
            self._look()
        except NotReady as reason:
            self.message = str(reason)
            self._failed_looks += 1
            if self._failed_looks == LOOKS_TO_GIVE_UP:
                self._log.error("broker_away", reason=self.message)
        else:
            self._failed_looks = 0
            self.message = "ok"
            if was_away:
                self._log.info("broker_answers")
        self._looked_at = self._clock.monotonic()
        self._up.set(0 if self._failed_looks else 1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self.look()
            self._stopping.wait(INTERVAL_S)
