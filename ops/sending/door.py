"""A collector as `ugc send` speaks to it: one request at a time, again while it says that it cannot now."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from telemetry.clock import Clock
from telemetry.errors import OperatorError

ATTEMPTS_MAX = 10
TIMEOUT_S = 30
RETRY_AFTER_S_DEFAULT = 1.0
RETRY_AFTER_S_MAX = 30.0
TRY_AGAIN = (429, 503)
# A 429 that waiting does not heal: more than may ever come at once.
TOO_MANY_AT_ONCE = "batch_exceeds_burst"
NOT_LET_IN = (401, 403)
COUNTS = ("accepted", "duplicates", "rejected")


class SendFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The collector took nothing, or not all; the message says why. Sending the same again is harmless."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a collector said of one request: how many of each, and a verdict an event."""

    counts: dict[str, int]
    results: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """POST /events of the collector at `url`."""

    url: str
    clock: Clock
    headers: Mapping[str, str] = field(default_factory=dict)

    def post(self, events: Sequence[bytes]) -> Answer:
        """The verdicts on `events`. Raises SendFailed when there are none to be had.

        What the collector takes in smaller pieces only is sent in those.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            status, headers, body = self._once(b"[" + b",".join(events) + b"]")
            document = _parsed(body)
            answer = _answer(document)
            if answer is not None:
                return answer
            if 200 <= status < 300:
                raise SendFailed(f"what answers at {self.url} is no collector; name one with --url")
            if pieces := _pieces(events, document):
                return _together([self.post(piece) for piece in pieces])
            if status not in TRY_AGAIN or attempt == ATTEMPTS_MAX:
                keys = "another" if self.headers else "one"
                way_out = f"; bring {keys} with --key or --write-key" if status in NOT_LET_IN else ""
                raise SendFailed(f"{self.url} answered {status}: {_detail(document)}{way_out}")
            self.clock.sleep(retry_after_s(headers.get("Retry-After"), clock=self.clock))
        raise AssertionError("the last attempt returns or raises")

    def _once(self, body: bytes) -> tuple[int, Message, bytes]:
        try:
            request = Request(  # noqa: S310
                self.url, body, {"Content-Type": "application/json", **self.headers}
            )
            try:
                with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the operator's own
                    return response.status, response.headers, response.read()
            except HTTPError as error:
                with error:
                    return error.code, error.headers, error.read()
        # ValueError: a host name that cannot be one.
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise SendFailed(
                f"no collector answers at {self.url} ({reason}); start one with `ugc up`, "
                "or name it with --url"
            ) from None


def is_address(url: str) -> bool:
    """Whether a collector can be there: http or https, a host, a port that is one."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def retry_after_s(header: str | None, *, clock: Clock) -> float:
    """How long the server asks us to wait, said in seconds or as a date; within bounds, whatever it says."""
    text = (header or "").strip()
    try:
        seconds = (
            float(text)
            if text.isdecimal()
            else parsedate_to_datetime(text).timestamp() - clock.now().timestamp()
        )
    except (ValueError, OverflowError):
        return RETRY_AFTER_S_DEFAULT
    return min(max(seconds, 0.0), RETRY_AFTER_S_MAX)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _answer(document: Any) -> Answer | None:
    """The document as our collector writes it; None when it is not one of its."""
    if not isinstance(document, dict):
        return None
    results = document.get("results")
    if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
        return None
    counts = {name: document.get(name) for name in COUNTS}
    known = {name: count for name, count in counts.items() if isinstance(count, int)}
    return Answer(known, results) if len(known) == len(COUNTS) else None


def _pieces(events: Sequence[bytes], document: Any) -> list[Sequence[bytes]]:
    """The events as often as they are taken at once, when that is why they were refused; else nothing."""
    if not isinstance(document, dict) or document.get("code") != TOO_MANY_AT_ONCE:
        return []
    most = document.get("limit_events")
    if not isinstance(most, int) or not 0 < most < len(events):
        return []
    return [events[first : first + most] for first in range(0, len(events), most)]


def _together(answers: Sequence[Answer]) -> Answer:
    counts = {name: sum(each.counts[name] for each in answers) for name in COUNTS}
    return Answer(counts, [verdict for each in answers for verdict in each.results])


def _detail(document: Any) -> str:
    detail = document.get("detail") or document.get("title") if isinstance(document, dict) else None
    return str(detail) if detail else "it does not say why"
