"""From bytes to an event or the reason why not. Pure: the time of arrival is an argument.

`read` never raises, whatever the bytes are. What is plainly good takes the short way (`plain`). Everything
else is parsed twice on purpose: msgspec hands out `properties` exactly as sent (nulls, repeated and dotted
keys included), which no model can give back; pydantic, which looks at every byte, UTF-8 too, holds the event
against its model. Of a field sent twice both take the last.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError, SchemaValidator

from contract import unreadable
from contract.events import FIELDS, KNOWN_TYPES, AnyEvent, CustomEvent, Event
from contract.explaining import Problem, problem_of, properties_problem, refusal, time_problem
from contract.fields import milliseconds, timestamp_ms
from contract.plain import on_one_line, read_plain
from contract.refusals import Refusal
from contract.shape import pruned
from contract.splitting import NotJson, split, split_lines

__all__ = ["NotJson", "read", "reader", "split", "split_lines"]

# Telling an error costs more than finding it; beyond this many they are only counted.
ERRORS_TOLD_MAX: Final = 32


class _Peek(msgspec.Struct):
    event_type: msgspec.Raw = msgspec.Raw()
    properties: msgspec.Raw = msgspec.Raw()


class _Times(msgspec.Struct):
    occurred_at: Any = None
    sent_at: Any = None


def _validator_of(model: type[AnyEvent]) -> SchemaValidator:
    validator = model.__pydantic_validator__
    assert isinstance(validator, SchemaValidator), "no pydantic plugin may stand between"  # noqa: S101
    return validator


_PEEK: Final = msgspec.json.Decoder(_Peek)
_TIMES: Final = msgspec.json.Decoder(_Times)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CUSTOM: Final = _validator_of(CustomEvent)
_KNOWN: Final = {msgspec.json.encode(name): _validator_of(model) for name, model in KNOWN_TYPES.items()}


def read(raw: bytes, *, received_at: datetime) -> Event | Refusal:
    """The event that `raw` is, or the first of its faults in the order of the fields.

    `received_at` is the time it arrived, with an offset; ages and skew are counted from it.
    """
    return reader(received_at)(raw)


def reader(received_at: datetime) -> Callable[[bytes], Event | Refusal]:
    """`read` for events that arrived together."""
    received_at_ms = milliseconds(received_at)

    def read_one(raw: bytes) -> Event | Refusal:
        return read_plain(raw, received_at_ms) or judged(raw, received_at_ms)

    return read_one


def judged(raw: bytes, received_at_ms: int) -> Event | Refusal:
    """What the models say of `raw`: the whole judgement, slower than `read` and never of another mind."""
    try:
        peeked = _PEEK.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return _unreadable(raw, received_at_ms)
    properties = bytes(peeked.properties) or b"{}"
    problem = properties_problem(properties)
    event_type = bytes(peeked.event_type)
    validator = _KNOWN.get(event_type) or _validator_for(event_type)
    try:
        sent: AnyEvent = validator.validate_json(raw)
    except ValidationError as error:
        return _explained(error, validator, raw, received_at_ms, problem)
    skew_ms = None if sent.sent_at is None else received_at_ms - sent.sent_at
    late = time_problem(sent.occurred_at, received_at_ms, skew_ms)
    if late or problem:
        return refusal(each for each in (late, problem) if each)
    return Event(
        sent.event_id,
        sent.occurred_at,
        sent.user_id,
        sent.event_type,
        on_one_line(properties),
        sent.value,
        sent.session_id or None,
        skew_ms,
    )


def _validator_for(event_type: bytes) -> SchemaValidator:
    """The validator for a type that is custom, or known and spelt with escapes."""
    if event_type.startswith(b'"') and b"\\" in event_type:
        return _KNOWN.get(msgspec.json.encode(msgspec.json.decode(event_type)), _CUSTOM)
    return _CUSTOM


def _unreadable(raw: bytes, received_at_ms: int) -> Event | Refusal:
    """The refusal of what no parser took; what is only too deep for one is judged without its depths."""
    less = pruned(raw)
    return judged(less, received_at_ms) if less != raw else unreadable.refusal_of(raw)


def _explained(
    error: ValidationError,
    validator: SchemaValidator,
    raw: bytes,
    received_at_ms: int,
    problem: Problem | None,
) -> Event | Refusal:
    found = error.error_count()
    told = error if found <= ERRORS_TOLD_MAX else _on_fewer_members(validator, raw, otherwise=error)
    details = told.errors(include_url=False)
    if details[0]["type"] == "json_invalid":
        return _unreadable(raw, received_at_ms)
    worth_telling = _worth_telling(details)
    problems = [problem_of(each, error.title) for each in worth_telling]
    if problem and all(each.pointer != problem.pointer for each in problems):
        problems.append(problem)
    if late := _time_problem_of(raw, received_at_ms):
        problems.append(late)
    return refusal(problems, more=found - len(worth_telling))


def _worth_telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """All but unknown fields after the first: to find what a name was meant to be costs the most."""
    known = [each for each in details if each["type"] != "extra_forbidden"]
    unknown = [each for each in details if each["type"] == "extra_forbidden"]
    return known + unknown[:1]


def _on_fewer_members(
    validator: SchemaValidator, raw: bytes, *, otherwise: ValidationError
) -> ValidationError:
    """The errors of the event with one only of its unknown fields, which may be a hundred thousand."""
    members = _MEMBERS.decode(raw)
    first_unknown = next((name for name in members if name not in FIELDS), None)
    few = {name: member for name, member in members.items() if name in FIELDS or name == first_unknown}
    try:
        validator.validate_json(msgspec.json.encode(few))
    except ValidationError as error:
        return error
    return otherwise


def _time_problem_of(raw: bytes, received_at_ms: int) -> Problem | None:
    """The fault of a time that reads well; one that does not has been told already."""
    try:
        sent = _TIMES.decode(raw)
        occurred_at_ms = timestamp_ms(sent.occurred_at)
    except (msgspec.DecodeError, PydanticCustomError):
        return None
    try:
        skew_ms = received_at_ms - timestamp_ms(sent.sent_at)
    except PydanticCustomError:
        skew_ms = None
    return time_problem(occurred_at_ms, received_at_ms, skew_ms)
