"""Query parameters, read strictly: a misspelt one is refused, not ignored, or it would lie by silence.

Every refusal names the parameter, what is right, and the limit where there is one.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from flask import Request

from ugc_api.problems import Problem, ProblemCode

FLAGS: Final = {"1": True, "true": True, "0": False, "false": False}
SHOWN_CHARS_MAX: Final = 64
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most a whole number may be, what it is when it is not sent, and the way out."""

    least: int
    most: int
    default: int
    way_out: str


def only(request: Request, known: Collection[str], *, repeated: Collection[str] = ()) -> dict[str, str]:
    """The parameters sent, each at most once but those `repeated`, which are not among the result.

    Raises Problem on one that is in neither, and on bytes that are no UTF-8.
    """
    if not request.query_string:
        return {}
    _require_utf8(request.query_string)
    sent = request.args
    for name in sent:
        if name in repeated:
            continue
        if name not in known:
            listed = [*known, *repeated]
            allowed = f"known here: {', '.join(listed)}" if listed else "this address takes none"
            raise Problem(
                ProblemCode.UNKNOWN_PARAMETER,
                f"{name[:SHOWN_CHARS_MAX]!r} is not a parameter; {allowed}.",
                parameter=name[:SHOWN_CHARS_MAX],
            )
        if len(sent.getlist(name)) > 1:
            raise invalid(name, "is given more than once; it has one value")
    return {name: value for name, value in sent.items() if name not in repeated}


def flag(sent: Mapping[str, str], name: str) -> bool:
    """A switch; absent is off."""
    return FLAGS[choice(sent, name, FLAGS, default="0")]


def choice(sent: Mapping[str, str], name: str, options: Collection[str], *, default: str) -> str:
    """One of a few words."""
    value = sent.get(name, default)
    if value not in options:
        raise invalid(name, f"is one of {', '.join(options)}, not {shown(value)}")
    return value


def whole_number(sent: Mapping[str, str], name: str, bounds: Bounds) -> int:
    """A whole number within its bounds, written in plain digits."""
    if name not in sent:
        return bounds.default
    text = sent[name]
    if _WHOLE.fullmatch(text) is None:
        raise invalid(name, f"is a whole number from {bounds.least} to {bounds.most:,}, not {shown(text)}")
    # Longer than any bound is beyond it; int() of a million digits would be an attack.
    value = int(text) if len(text) <= 18 else (bounds.least - 1 if text[0] == "-" else bounds.most + 1)
    if not bounds.least <= value <= bounds.most:
        raise Problem(
            ProblemCode.OUT_OF_BOUNDS,
            f"{name!r} goes from {bounds.least} to {bounds.most:,}, and {shown(text)} was asked for; "
            f"{bounds.way_out}.",
            parameter=name,
            limit_min=bounds.least,
            limit_max=bounds.most,
        )
    return value


def day(sent: Mapping[str, str], name: str, *, like: str) -> date:
    """A calendar day, YYYY-MM-DD and nothing else that Python would take for one."""
    if name not in sent:
        raise Problem(ProblemCode.MISSING_PARAMETER, f"{name!r} is missing; ask like {like}.", parameter=name)
    text = sent[name]
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise invalid(name, f"must be a day as YYYY-MM-DD, not {shown(text)}") from None
    if value.isoformat() != text:
        raise invalid(name, f"must be a day as YYYY-MM-DD, not {shown(text)}")
    return value


def invalid(name: str, what: str, **extensions: Any) -> Problem:
    """The refusal of a value; `what` goes on from the parameter's name."""
    return Problem(ProblemCode.INVALID_PARAMETER, f"{name!r} {what}.", parameter=name, **extensions)


def shown(text: str) -> str:
    """What was sent, quoted, and cut to what a person reads."""
    return repr(text if len(text) <= SHOWN_CHARS_MAX else text[:SHOWN_CHARS_MAX] + "…")


def _require_utf8(query_string: bytes) -> None:
    if b"%" not in query_string and query_string.isascii():
        return
    for pair in query_string.split(b"&"):
        try:
            unquote_to_bytes(pair).decode()
        except UnicodeDecodeError:
            name = pair.split(b"=")[0].decode("ascii", "replace")[:SHOWN_CHARS_MAX]
            raise invalid(name, "is not UTF-8; encode it as UTF-8 and then in percent") from None
