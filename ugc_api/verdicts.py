"""One verdict an event, in the order sent. Pure: bytes in, verdicts and events out.

accepted    it will be written to the log
duplicate   an event with this id was accepted earlier in the same request, or lately: the first wins
rejected    it breaks the contract; `code`, `pointer` and `message` say where and how
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson

from contract.events import Event
from contract.refusals import Refusal
from ugc_api.remembered import Remembered, digest

REPEATED_IN_REQUEST = "repeated_in_request"
ALREADY_ACCEPTED = "already_accepted"
OTHERWISE = " It says something else; give every event an id of its own."
EVENT_ID_CHARS_ECHOED_MAX = 64

# Code, pointer, message.
Why = tuple[str, str, str] | tuple[None, None, None]
NO_REASON: Why = (None, None, None)

Reader = Callable[[bytes], Event | Refusal]


class Status(StrEnum):
    """What became of an event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(slots=True)
class Judgement:
    """The verdicts on one request and the events it left to write.

    Without results there is nothing to say of any event but that it is accepted.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[Event] = field(default_factory=list)
    duplicates: int = 0
    conflicts: int = 0
    rejected_by_code: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        return sum(self.rejected_by_code.values())

    def as_answer(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "accepted": len(self.accepted),
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "results": self.results or _all_accepted(self.accepted),
        }


def judge(raws: Sequence[bytes], *, read: Reader, remembered: Remembered) -> Judgement:
    """A verdict for each of `raws`; a bad one never costs its neighbours anything."""
    found = [read(raw) for raw in raws]
    events = [each for each in found if not isinstance(each, Refusal)]
    ids = {event.event_id for event in events}
    if len(ids) == len(raws) and not remembered.any_of(ids):
        return Judgement(accepted=events)
    return _one_by_one(raws, found, remembered)


def _one_by_one(raws: Sequence[bytes], found: Sequence[Event | Refusal], remembered: Remembered) -> Judgement:
    judgement = Judgement()
    first: dict[str, tuple[int, Event]] = {}
    for index, (raw, event) in enumerate(zip(raws, found, strict=True)):
        if isinstance(event, Refusal):
            judgement.rejected_by_code[event.code] += 1
            judgement.results.append(_rejected(index, raw, event))
        elif event.event_id in first:
            earlier, told = first[event.event_id]
            message = f"The event at index {earlier} has the same event_id; the first one counts."
            _repeated(judgement, index, event, said=digest(told), code=REPEATED_IN_REQUEST, message=message)
        elif (said := remembered.said(event.event_id)) is not None:
            message = "An event with this event_id was accepted before; the first one counts."
            _repeated(judgement, index, event, said=said, code=ALREADY_ACCEPTED, message=message)
        else:
            first[event.event_id] = index, event
            judgement.accepted.append(event)
            judgement.results.append(_verdict(index, event.event_id, Status.ACCEPTED))
    return judgement


# A verdict of acceptance has nothing of its own but its index and the id, which is canonical: the rest of its
# JSON is written once.
_AFTER_ID = f'","status":"{Status.ACCEPTED}","code":null,"pointer":null,"message":null}}'


def _all_accepted(events: Sequence[Event]) -> orjson.Fragment:
    verdicts = [
        f'{{"index":{index},"event_id":"{event.event_id}{_AFTER_ID}' for index, event in enumerate(events)
    ]
    return orjson.Fragment(f"[{','.join(verdicts)}]")


def _rejected(index: int, raw: bytes, refusal: Refusal) -> dict[str, Any]:
    return _verdict(index, sent_id(raw), Status.REJECTED, (refusal.code, refusal.pointer, refusal.message))


def _repeated(  # noqa: PLR0913 - a verdict has that many parts
    judgement: Judgement, index: int, event: Event, *, said: int, code: str, message: str
) -> None:
    judgement.duplicates += 1
    if digest(event) != said:
        judgement.conflicts += 1
        message += OTHERWISE
    why = (code, "/event_id", message)
    judgement.results.append(_verdict(index, event.event_id, Status.DUPLICATE, why))


def _verdict(index: int, event_id: str | None, status: Status, why: Why = NO_REASON) -> dict[str, Any]:
    code, pointer, message = why
    return {
        "index": index,
        "event_id": event_id,
        "status": status,
        "code": code,
        "pointer": pointer,
        "message": message,
    }


def sent_id(raw: bytes) -> str | None:
    """The id a refused event came with, so that its sender finds it; None when there is none to show.

    Cut off by length: a refusal must not become a way to have us echo whatever was sent.
    """
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    event_id = sent.get("event_id") if isinstance(sent, dict) else None
    if isinstance(event_id, str) and len(event_id) <= EVENT_ID_CHARS_ECHOED_MAX:
        return event_id
    return None
