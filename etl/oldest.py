"""Tell how old the oldest row of each table is: what should forget by age can stop it without a word."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from etl.asking import Warehouse
from etl.errors import EtlError
from telemetry.clock import Clock
from telemetry.metrics import Metrics

LOOK_EVERY_S = 600.0


class OldestRows:
    """Looks now and then, in a thread of its own, until asked to stop. An answer that does not come is
    waited for until the next look: the figure then stands still."""

    def __init__(self, warehouse: Warehouse, metrics: Metrics, *, clock: Clock) -> None:
        self._warehouse = warehouse
        self._oldest_at = metrics.gauge("ugc_warehouse_oldest_row_at_seconds")
        self._clock = clock

    def start(self, *, wait: Callable[[float], None], stopping: Callable[[], bool]) -> None:
        """`wait` ends early when the process is to stop."""

        def look_on() -> None:
            while not stopping():
                self.look()
                wait(LOOK_EVERY_S)

        threading.Thread(target=look_on, name="oldest-rows", daemon=True).start()

    def look(self) -> None:
        """Ask once."""
        try:
            for table, oldest_at, rows in self._warehouse.ask("oldest_rows"):
                self._oldest_at.labels(table=table).set(self._at_s(oldest_at, rows))
        except EtlError as error:
            structlog.get_logger().warning("oldest_rows_unknown", reason=str(error))

    def _at_s(self, oldest_at: datetime, rows: int) -> float:
        """Unix time; of an empty table now, as nothing in it is old."""
        if not rows:
            return self._clock.now().timestamp()
        return oldest_at.replace(tzinfo=oldest_at.tzinfo or UTC).timestamp()
