"""The places at the warehouse: a slow question must not keep events out.

Only so many questions of a process run at once, and never more than half of its threads wait for one; the
next is told to come back at once.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from clickhouse.client import Unavailable, WarehouseError
from ugc_api.problems import Problem, ProblemCode
from ugc_api.settings import ApiSettings

ASK_AGAIN_S = 2
BUSY_ASK_AGAIN_S = 1
# ClickHouse's codes for a question that was cut off at one of its limits: rows, time, memory, result.
TOO_HEAVY = frozenset({158, 159, 160, 241, 307, 396})


class Places:
    """One object a process."""

    def __init__(self, settings: ApiSettings) -> None:
        self.count = min(settings.stats_concurrency_max, settings.api_threads // 2)
        self._free = threading.BoundedSemaphore(self.count)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One of the places, and the warehouse's errors as problems. Raises Problem when none is free."""
        if not self._free.acquire(blocking=False):
            raise Problem(
                ProblemCode.STATS_BUSY, "All places are taken; ask again.", retry_after_s=BUSY_ASK_AGAIN_S
            )
        try:
            yield
        except WarehouseError as error:
            raise _problem(error) from None
        finally:
            self._free.release()


def _problem(error: WarehouseError) -> Problem:
    log = structlog.get_logger()
    if error.code in TOO_HEAVY:
        log.warning("question_too_heavy", code=error.code, detail=str(error))
        return Problem(
            ProblemCode.QUESTION_TOO_HEAVY,
            "The question took more time or memory than one may; ask for fewer days or without segments, or "
            "later, when less is going on.",
            retry_after_s=ASK_AGAIN_S,
        )
    # Away passes by itself. Anything else (schema, rights) needs somebody to look.
    say = log.warning if isinstance(error, Unavailable) else log.error
    say("warehouse_did_not_answer", code=error.code, detail=str(error))
    return Problem(
        ProblemCode.WAREHOUSE_UNAVAILABLE,
        "The warehouse cannot answer now; events are taken in all the same.",
        retry_after_s=ASK_AGAIN_S,
    )
