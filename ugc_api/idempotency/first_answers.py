"""Same key, same body: the first answer again, byte for byte, from whichever process of this host.

What is kept is final: the answer when events were taken, and the refusals that the body itself earned. An
outage or a limit is not; the same request may go better next time. A worker killed between the log and the
store has kept nothing: the request runs again, and the event ids see to it that nothing counts twice.
"""

from collections.abc import Callable

import structlog
from flask import Response, g

from telemetry.metrics import Metrics
from ugc_api import problems
from ugc_api.idempotency.answer_store import AnswerStore, StoreAway
from ugc_api.idempotency.claims import Claims
from ugc_api.idempotency.keys import HEADER, fingerprint, name_of
from ugc_api.idempotency.sealing import Answer, Kept
from ugc_api.problems import Problem, ProblemCode

REPLAYED = "Idempotent-Replayed"
RETRY_AFTER_S = 1

Run = Callable[[], Response]
FINAL = frozenset(
    {
        ProblemCode.NOT_JSON,
        ProblemCode.TOO_MANY_EVENTS,
        ProblemCode.RECORD_TOO_LARGE,
        ProblemCode.NO_EVENTS,
        ProblemCode.NO_VALID_EVENT,
    }
)


class FirstAnswers:
    """One object a process."""

    def __init__(self, store: AnswerStore, claims: Claims, *, metrics: Metrics) -> None:
        self._store = store
        self._claims = claims
        self._claims_away = ""
        self._requests = metrics.counter("ugc_idempotent_requests_total")

    def answer(self, key: str | None, *, caller_id: str, body: bytes, run: Run) -> Response:
        """The first answer under this key, or that of `run`. Raises what `run` raises, and Problem
        (idempotency_key_reused, idempotency_key_in_use)."""
        if key is None:
            return run()
        name = name_of(key, caller_id=caller_id)
        try:
            ours = self._claims.take(name)
        except OSError as error:
            self._say_once(str(error))
            return self._unprotected(run)
        self._claims_away = ""
        if not ours:
            return self._of_somebody_else(name, body)
        try:
            return self._first_or_again(name, body, run)
        finally:
            self._claims.release(name)

    def close(self) -> None:
        self._store.close()
        self._claims.close()

    def _first_or_again(self, name: bytes, body: bytes, run: Run) -> Response:
        try:
            kept = self._store.find(name)
        except StoreAway:
            return self._unprotected(run)
        if kept is not None:
            return self._again(kept, body)
        response = _final(run)
        answer = Answer(response.status_code, response.headers["Content-Type"], response.get_data())
        try:
            self._store.keep(name, Kept(fingerprint(body), answer))
        except StoreAway:
            self._say("not_kept")
        else:
            self._say("first")
        return response

    def _of_somebody_else(self, name: bytes, body: bytes) -> Response:
        """Another request has the key now: it may be only giving its answer again, like us."""
        try:
            kept = self._store.find(name)
        except StoreAway:
            kept = None
        if kept is not None:
            return self._again(kept, body)
        self._say("in_use")
        raise Problem(
            ProblemCode.IDEMPOTENCY_KEY_IN_USE,
            f"A request with this {HEADER} is being worked on.",
            retry_after_s=RETRY_AFTER_S,
        )

    def _again(self, kept: Kept, body: bytes) -> Response:
        if kept.fingerprint != fingerprint(body):
            self._say("reused")
            raise Problem(
                ProblemCode.IDEMPOTENCY_KEY_REUSED,
                f"This {HEADER} came before with another body, within the last 24 hours.",
            )
        self._say("replayed")
        answer = kept.answer
        return Response(answer.body, answer.status, {REPLAYED: "true"}, content_type=answer.content_type)

    def _unprotected(self, run: Run) -> Response:
        try:
            return run()
        finally:
            self._say("unprotected")

    def _say_once(self, reason: str) -> None:
        if reason != self._claims_away:
            structlog.get_logger().warning("idempotency_claims_away", reason=reason)
        self._claims_away = reason

    def _say(self, outcome: str) -> None:
        self._requests.labels(outcome).inc()
        g.line = {**g.get("line", {}), "idempotency": outcome}


def _final(run: Run) -> Response:
    """The answer of `run`, when the same request can never get another one."""
    try:
        return run()
    except Problem as problem:
        if problem.code not in FINAL:
            raise
        return problems.response(problem)
