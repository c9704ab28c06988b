"""POST /events: judge every event, write the good ones, answer when the broker has them.

202 is said after the acknowledgement of every accepted event and never before. Whatever else happens, the
sender hears it as a problem document, and sending the same request again does no harm.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from flask import Flask, Response, g, request

from contract import reading, wire
from contract.events import Event
from contract.refusals import Refusal
from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api import arrival, parameters, verdicts
from ugc_api.answers import JSON, json_response
from ugc_api.body import read_body
from ugc_api.event_log import EventLog, LogUnavailable, RecordTooLarge
from ugc_api.problems import Problem, ProblemCode
from ugc_api.settings import ApiSettings
from ugc_api.verdicts import Judgement

RULE = "/events"
CHARSETS = ("", "utf-8", "utf8")


@dataclass(frozen=True, slots=True)
class Collector:
    """What the route needs; one object a process."""

    settings: ApiSettings
    event_log: EventLog
    clock: Clock
    metrics: Metrics

    def collect(self) -> Response:
        """One request. Raises Problem for everything but an answer with verdicts that is a success."""
        sent = parameters.only(request, ("dry_run", "key"))
        dry_run = parameters.flag(sent, "dry_run")
        body = read_body(request.environ, bytes_max=self.settings.body_bytes_max)
        _check_headers()
        received_at = self.clock.now()
        judgement = verdicts.judge(self._split(body), received_at=received_at, read=_read)
        if dry_run:
            return json_response({**judgement.as_answer(), "dry_run": True})
        if judgement.accepted:
            self._write(judgement.accepted, received_at)
        self._count(judgement)
        if not judgement.accepted:
            raise Problem(
                ProblemCode.NO_VALID_EVENT,
                f"None of the {len(judgement.results)} events is valid; nothing was stored.",
                **judgement.as_answer(),
            )
        return json_response(judgement.as_answer(), 202)

    def _split(self, body: bytes) -> Sequence[bytes]:
        try:
            raws = reading.split(body)
        except reading.NotJson as error:
            raise Problem(ProblemCode.NOT_JSON, str(error)) from None
        if not raws:
            raise Problem(ProblemCode.NO_EVENTS, "The array is empty.")
        events_max = self.settings.events_max
        if len(raws) > events_max:
            raise Problem(
                ProblemCode.TOO_MANY_EVENTS,
                f"{len(raws):,} events came in one request; {events_max:,} is the most.",
                limit_events=events_max,
            )
        return raws

    def _write(self, events: Sequence[Event], received_at: datetime) -> None:
        came = arrival.of(request, received_at=received_at)
        try:
            self.event_log.append([wire.encode(event, came) for event in events])
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

    def _count(self, judgement: Judgement) -> None:
        metrics = self.metrics
        metrics.counter("ugc_events_accepted_total").inc(len(judgement.accepted))
        if judgement.duplicates:
            metrics.counter("ugc_events_duplicate_total").inc(judgement.duplicates)
        for code, count in judgement.rejected_by_code.items():
            metrics.counter("ugc_events_rejected_total").labels(code).inc(count)
        g.line = {
            "accepted": len(judgement.accepted),
            "duplicates": judgement.duplicates,
            "rejected": judgement.rejected,
        }


def install(app: Flask, collector: Collector) -> None:
    """Put the route on the app."""

    def post_events() -> Response:
        return collector.collect()

    app.add_url_rule(RULE, "post_events", post_events, methods=["POST"])


def _read(raw: bytes, received_at: datetime) -> Event | Refusal:
    return reading.read(raw, received_at=received_at)


def _check_headers() -> None:
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise Problem(ProblemCode.UNSUPPORTED_ENCODING, f"Content-Encoding {encoding[:64]!r} is not taken.")
    if request.mimetype != JSON:
        what = f"Content-Type {request.mimetype[:64]!r}" if request.mimetype else "A missing Content-Type"
        raise Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE, f"{what} is not taken; send Content-Type: {JSON}.")
    charset = request.mimetype_params.get("charset", "").lower()
    if charset not in CHARSETS:
        raise Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE, f"JSON is UTF-8; charset {charset[:32]!r} is not.")
