"""From what is wrong with an event to the one refusal its sender reads.

Messages say what was sent (cut short) and what is wanted, in words that need no documentation.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic_core import ErrorDetails

from contract import limits
from contract.events import FIELDS
from contract.fields import WITHOUT_OFFSET
from contract.refusals import Refusal, RefusalCode, pointer_to
from contract.shape import is_modest, shape_of
from contract.suggesting import suggestion_for


class Problem(NamedTuple):
    """One fault: the rank of its field in an event, and how it is told."""

    rank: int
    code: RefusalCode
    pointer: str
    message: str


RANKS: Final[Mapping[str | int, int]] = MappingProxyType({name: rank for rank, name in enumerate(FIELDS)})
_CODES: Final[Mapping[str | int, RefusalCode]] = MappingProxyType(
    {
        "event_id": RefusalCode.BAD_UUID,
        "occurred_at": RefusalCode.BAD_TIMESTAMP,
        "user_id": RefusalCode.BAD_USER_ID,
        "event_type": RefusalCode.BAD_EVENT_TYPE,
        "properties": RefusalCode.BAD_PROPERTY,
        "value": RefusalCode.BAD_VALUE,
        "session_id": RefusalCode.BAD_SESSION_ID,
        "sent_at": RefusalCode.BAD_TIMESTAMP,
    }
)
_WANTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "string_type": "a string",
        "string_too_short": "a string that is not empty",
        "string_too_long": "a string of {max_length:,} characters at most",
        "string_pattern_mismatch": "a lower-case letter, then lower-case letters, digits, dots "
        f"and underscores, {limits.EVENT_TYPE_CHARS_MAX} characters at most",
        "literal_error": "one of {expected}",
        "float_type": "a number, not quoted; leave it out if there is none",
        "finite_number": "a number that a 64-bit float holds",
        "model_type": "an object",
        "dict_type": "an object",
        "too_short": "an object with at least one member",
    }
)


def refusal(problems: Iterable[Problem], *, more: int = 0) -> Refusal:
    """The first problem in field order; the others, and `more`, are counted in its message."""
    ordered = sorted(problems, key=lambda problem: problem.rank)
    first = ordered[0]
    more += len(ordered) - 1
    others = f" (and {more:,} more problem{'s' if more > 1 else ''})" if more else ""
    return Refusal(first.code, first.pointer, first.message + others)


def problem_of(error: ErrorDetails, event_type: str) -> Problem:
    """What one error of a model means to the sender of an event of `event_type`, a known type or "custom"."""
    path = error["loc"]
    if not path:
        return Problem(
            0, RefusalCode.NOT_AN_OBJECT, "", f"An event is an object; {shown(error['input'])} was sent."
        )
    kind = error["type"]
    rank = RANKS.get(path[0], len(FIELDS))
    # A member named "from" is told by the name it was sent under.
    name = ".".join(str(step) for step in path)
    pointer = pointer_to(path)
    if kind == "extra_forbidden":
        return Problem(rank, RefusalCode.UNKNOWN_FIELD, pointer, _unknown(str(path[0])))
    if kind == "missing":
        who = f"every {event_type} event" if len(path) > 1 or path[0] == "properties" else "every event"
        return Problem(rank, RefusalCode.MISSING_FIELD, pointer, f"{name} is missing; {who} has it.")
    code = _CODES[path[0]]
    if kind == WITHOUT_OFFSET:
        code = RefusalCode.TIMESTAMP_WITHOUT_OFFSET
    elif path == ("properties",):
        code = RefusalCode.PROPERTIES_NOT_AN_OBJECT
    wanted = _WANTED.get(kind, error["msg"]).format_map(error.get("ctx", {}))
    return Problem(rank, code, pointer, f"{name} must be {wanted}; {shown(error['input'])} was sent.")


def properties_problem(properties: bytes) -> Problem | None:
    """The first bound that these properties break, if any."""
    if len(properties) > limits.PROPERTIES_BYTES_MAX:
        code = RefusalCode.PROPERTIES_TOO_LARGE
        told = f"are {len(properties):,} bytes of JSON; {limits.PROPERTIES_BYTES_MAX:,} is the most"
    elif is_modest(properties):
        return None
    else:
        keys, depth = shape_of(properties)
        if keys > limits.PROPERTIES_KEYS_MAX:
            code = RefusalCode.PROPERTIES_TOO_MANY_KEYS
            told = f"have {keys:,} keys; {limits.PROPERTIES_KEYS_MAX} is the most"
        elif depth > limits.PROPERTIES_DEPTH_MAX:
            code = RefusalCode.PROPERTIES_TOO_DEEP
            told = (
                f"nest more than {limits.PROPERTIES_DEPTH_MAX} levels deep (properties itself is the first)"
            )
        else:
            return None
    return Problem(RANKS["properties"], code, "/properties", f"The properties {told}.")


def time_problem(occurred_at_ms: int, received_at_ms: int, skew_ms: int | None) -> Problem | None:
    """Whether the event is too old or too far ahead, with what its sender needs to set its clock right."""
    age_ms = received_at_ms - occurred_at_ms
    if -limits.OCCURRED_AHEAD_MS_MAX <= age_ms <= limits.OCCURRED_AGE_MS_MAX:
        return None
    if age_ms > 0:
        days = limits.OCCURRED_AGE_MS_MAX // limits.DAY_MS
        message = f"occurred_at is {span(age_ms)} ago; events older than {days} days are not taken."
        return Problem(RANKS["occurred_at"], RefusalCode.TOO_OLD, "/occurred_at", message)
    minutes = limits.OCCURRED_AHEAD_MS_MAX // limits.MINUTE_MS
    message = f"occurred_at is {span(-age_ms)} ahead of the server's clock; {minutes} minutes is the most. "
    if skew_ms is None:
        message += (
            f"If it is your clock that is wrong, its skew_ms is {age_ms}; send sent_at to have it measured."
        )
    else:
        message += f"By sent_at your clock has a skew_ms of {skew_ms}: add it to your clock's times."
    return Problem(RANKS["occurred_at"], RefusalCode.IN_THE_FUTURE, "/occurred_at", message)


def span(duration_ms: int) -> str:
    """A duration in its two largest units."""
    left = duration_ms
    parts: list[str] = []
    for unit, unit_ms in (
        ("d", limits.DAY_MS),
        ("h", 3_600_000),
        ("min", limits.MINUTE_MS),
        ("s", 1000),
        ("ms", 1),
    ):
        count, left = divmod(left, unit_ms)
        if count:
            parts.append(f"{count:,} {unit}")
        if len(parts) == 2:
            break
    return " ".join(parts) or "0 ms"


def shown(sent: object) -> str:
    """What was sent, in a few characters of JSON or a few words."""
    if isinstance(sent, str):
        cut = json.dumps(sent[: limits.SHOWN_CHARS_MAX], ensure_ascii=False)
        return cut if len(sent) <= limits.SHOWN_CHARS_MAX else f'{cut[:-1]}…" ({len(sent):,} characters)'
    if isinstance(sent, dict):
        return "an object" if sent else "an empty object"
    if isinstance(sent, list):
        return "an array"
    if isinstance(sent, int) and not isinstance(sent, bool) and sent.bit_length() > 128:
        return "a number of very many digits"
    if isinstance(sent, float) and sent in (float("inf"), float("-inf")):
        return "a number beyond all bounds"
    return json.dumps(sent)


def _unknown(name: str) -> str:
    meant = suggestion_for(name)
    advice = f"did you mean {meant}?" if meant else "put it into properties."
    return f"An event has no field {shown(name)}; {advice}"


def lone_surrogate(sent: Any) -> tuple[str, ...] | None:
    """The path of the first string in `sent`, a member's name or its value, with half a surrogate pair."""
    return next(_broken_strings(sent, ()), None)


def _broken_strings(sent: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if isinstance(sent, str):
        if any("\ud800" <= char <= "\udfff" for char in sent):
            yield path
    elif isinstance(sent, Mapping):
        for name, member in sent.items():
            yield from _broken_strings(name, (*path, name))
            yield from _broken_strings(member, (*path, name))
    elif isinstance(sent, list):
        for index, member in enumerate(sent):
            yield from _broken_strings(member, (*path, str(index)))
