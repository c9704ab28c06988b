"""The stats routes: one a question, all served alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from flask import Flask, Response, request

from clickhouse import days
from telemetry.clock import Clock
from ugc_api import parameters
from ugc_api.settings import ApiSettings
from ugc_api.stats import replies
from ugc_api.stats.asked import SCOPE_PARAMETERS, SEGMENT, scope_as_understood, scope_of
from ugc_api.stats.daily import Daily
from ugc_api.stats.dau import Dau
from ugc_api.stats.places import Places
from ugc_api.stats.ports import Answers
from ugc_api.stats.question import Question
from ugc_api.stats.retention import Retention
from ugc_api.stats.retention_7d import Retention7d
from ugc_api.stats.returning import Returning
from ugc_api.stats.top_events import TopEvents

QUESTIONS: Final[tuple[type[Question], ...]] = (Dau, TopEvents, Daily, Retention, Retention7d, Returning)


class Stats:
    """Answers the questions of the stats routes; one object a process."""

    def __init__(self, settings: ApiSettings, warehouse: Answers, clock: Clock) -> None:
        self._warehouse = warehouse
        self._clock = clock
        self._places = Places(settings)
        # Threads start when they are first needed: after a server has forked.
        self._beside = ThreadPoolExecutor(self._places.count, thread_name_prefix="freshness")

    def serve(self, kind: type[Question]) -> Response:
        """One request: what is wrong with it is said before anybody asks the warehouse."""
        sent = parameters.only(request, (*kind.PARAMETERS, *SCOPE_PARAMETERS), repeated=(SEGMENT,))
        scope = scope_of(sent, request.args.getlist(SEGMENT))
        question = kind.read(sent, scope)
        started = self._clock.monotonic()
        with self._places.taken():
            # Beside the question and not after it: it would be a fifth of a quick answer's time.
            fresh = self._beside.submit(self._warehouse.freshness)
            try:
                reply = question.put(self._warehouse, days.day_of(self._clock.now(), scope.tz))
                freshness = fresh.result()
            finally:
                # Nobody waits for it any more where the question failed.
                fresh.cancel()
        elapsed_ms = round((self._clock.monotonic() - started) * 1000, 1)
        return replies.response(
            {**question.as_understood(), **scope_as_understood(scope)},
            reply,
            replies.meta(reply, freshness, elapsed_ms=elapsed_ms),
        )


def install(app: Flask, stats: Stats) -> None:
    """Put the routes on the app."""
    for kind in QUESTIONS:
        app.add_url_rule(kind.RULE, kind.NAME, _view(stats, kind), methods=["GET"])


def _view(stats: Stats, kind: type[Question]) -> Callable[[], Response]:
    def view() -> Response:
        return stats.serve(kind)

    return view
