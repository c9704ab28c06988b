"""POST /events: judge every event, write the good ones, answer when the broker has them.

202 is said after the acknowledgement of every accepted event and never before. Whatever else happens, the
sender hears it as a problem document, and sending the same request again does no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog
from flask import Flask, Request, Response
from flask.globals import app_ctx, request_ctx

from contract import reading, wire
from contract.events import Event
from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api import arrival, forms, parameters, verdicts
from ugc_api.access import guard
from ugc_api.answers import json_response
from ugc_api.body import read_body
from ugc_api.caller import Caller
from ugc_api.event_log import EventLog, LogUnavailable, RecordTooLarge
from ugc_api.forms import Form
from ugc_api.idempotency.first_answers import FirstAnswers
from ugc_api.idempotency.keys import key_in
from ugc_api.limiting.limits import Admission, RateLimits
from ugc_api.problems import Problem, ProblemCode
from ugc_api.remembered import Remembered
from ugc_api.settings import ApiSettings
from ugc_api.verdicts import Judgement

RULE = "/events"


@dataclass(frozen=True, slots=True)
class _Sent:
    """One request, let in and read: who sent it, and what."""

    request: Request
    caller: Caller
    admission: Admission
    form: Form
    body: bytes


@dataclass(frozen=True, slots=True)
class Collector:
    """What the route needs; one object a process."""

    settings: ApiSettings
    event_log: EventLog
    limits: RateLimits
    first_answers: FirstAnswers
    remembered: Remembered
    clock: Clock
    metrics: Metrics

    def collect(self) -> Response:
        """One request. Raises Problem for everything but an answer with verdicts that is a success."""
        # Through the proxy once: it costs more than what is looked at.
        request: Request = request_ctx.request
        caller = guard.caller()
        admission = self.limits.admit(caller)
        dry_run = parameters.flag(parameters.only(request, ("dry_run", "key")), "dry_run")
        key = key_in(request.environ)
        form = forms.of(request.environ)
        sent = _Sent(request, caller, admission, form, self._body(request, form))
        if dry_run:
            return json_response({**self._judge(sent, self.clock.now()).as_answer(), "dry_run": True})
        take = partial(self._take, sent)
        return self.first_answers.answer(key, caller_id=caller.key_id, body=sent.body, run=take)

    def _judge(self, sent: _Sent, received_at: datetime) -> Judgement:
        raws = self._split(sent.form, sent.body)
        sent.admission.charge(len(raws))
        return verdicts.judge(raws, read=reading.reader(received_at), remembered=self.remembered)

    def _take(self, sent: _Sent) -> Response:
        received_at = self.clock.now()
        judgement = self._judge(sent, received_at)
        if judgement.accepted:
            self._write(judgement.accepted, sent, received_at)
            self.remembered.add(judgement.accepted)
        self._count(judgement)
        if not judgement.accepted and not judgement.duplicates:
            raise Problem(
                ProblemCode.NO_VALID_EVENT,
                f"None of the {len(judgement.results)} events is valid; nothing was stored.",
                **judgement.as_answer(),
            )
        return json_response(judgement.as_answer(), 202)

    def _body(self, request: Request, form: Form) -> bytes:
        bytes_max = self.settings.body_bytes_max
        return form.unpack(read_body(request.environ, bytes_max=bytes_max), bytes_max=bytes_max)

    def _split(self, form: Form, body: bytes) -> Sequence[bytes]:
        try:
            raws = form.split(body)
        except reading.NotJson as error:
            raise Problem(ProblemCode.NOT_JSON, f"{error}{forms.hint(body)}") from None
        if not raws:
            raise Problem(ProblemCode.NO_EVENTS, "The array is empty, or no line has anything on it.")
        events_max = self.settings.events_max
        if len(raws) > events_max:
            raise Problem(
                ProblemCode.TOO_MANY_EVENTS,
                f"{len(raws):,} events came in one request; {events_max:,} is the most.",
                limit_events=events_max,
            )
        return raws

    def _write(self, events: Sequence[Event], sent: _Sent, received_at: datetime) -> None:
        came = arrival.of(sent.request.environ, address=sent.caller.address, received_at=received_at)
        try:
            self.event_log.append(wire.encode_all(events, came))
        except LogUnavailable as error:
            structlog.get_logger().warning("events_not_stored", reason=error.reason, detail=str(error))
            raise Problem(
                ProblemCode.LOG_UNAVAILABLE,
                "It is not certain that the events are stored; send the same request again, without harm: "
                "an event_id counts once.",
                retry_after_s=error.retry_after_s,
            ) from None
        except RecordTooLarge as error:
            raise Problem(ProblemCode.RECORD_TOO_LARGE, f"The log refused an event: {error}.") from None
        for reason in came.bot_reasons:
            self.metrics.counter("ugc_events_bot_total").labels(reason).inc(len(events))

    def _count(self, judgement: Judgement) -> None:
        metrics = self.metrics
        metrics.counter("ugc_events_accepted_total").inc(len(judgement.accepted))
        if judgement.duplicates:
            metrics.counter("ugc_events_duplicate_total").inc(judgement.duplicates)
        if judgement.conflicts:
            metrics.counter("ugc_events_conflict_total").inc(judgement.conflicts)
        for code, count in judgement.rejected_by_code.items():
            metrics.counter("ugc_events_rejected_total").labels(code).inc(count)
        app_ctx.g.line = {
            "accepted": len(judgement.accepted),
            "duplicates": judgement.duplicates,
            "rejected": judgement.rejected,
        }


def install(app: Flask, collector: Collector) -> None:
    """Put the route on the app."""

    def post_events() -> Response:
        return collector.collect()

    app.add_url_rule(RULE, "post_events", post_events, methods=["POST"])
