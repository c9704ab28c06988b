"""Query parameters, read strictly: a misspelt one is refused, not ignored, or it would lie by silence."""

from collections.abc import Collection
from datetime import date

from flask import Request

from ugc_api.problems import Problem, ProblemCode

FLAGS = {"1": True, "true": True, "0": False, "false": False}


def only(request: Request, known: Collection[str]) -> dict[str, str]:
    """The parameters sent, each at most once. Raises Problem on one that is not in `known`."""
    if not request.query_string:
        return {}
    sent = request.args
    for name in sent:
        if name not in known:
            allowed = f"known here: {', '.join(known)}" if known else "this address takes none"
            raise Problem(
                ProblemCode.UNKNOWN_PARAMETER,
                f"{name[:64]!r} is not a parameter; {allowed}.",
                parameter=name[:64],
            )
        if len(sent.getlist(name)) > 1:
            raise _invalid(name, "is given more than once")
    return sent.to_dict()


def flag(sent: dict[str, str], name: str) -> bool:
    """A switch; absent is off."""
    if name not in sent:
        return False
    value = FLAGS.get(sent[name])
    if value is None:
        raise _invalid(name, f"must be one of {', '.join(FLAGS)}")
    return value


def day(sent: dict[str, str], name: str) -> date:
    """A calendar day, YYYY-MM-DD and nothing else that Python would take for one."""
    if name not in sent:
        raise Problem(
            ProblemCode.MISSING_PARAMETER,
            f"{name!r} is missing; ask like ?from=2026-01-01&to=2026-01-31 (both days included, UTC).",
            parameter=name,
        )
    text = sent[name]
    try:
        value = date.fromisoformat(text)
    except ValueError:
        raise _invalid(name, f"must be a day as YYYY-MM-DD, not {text[:32]!r}") from None
    if value.isoformat() != text:
        raise _invalid(name, f"must be a day as YYYY-MM-DD, not {text[:32]!r}")
    return value


def _invalid(name: str, what: str) -> Problem:
    return Problem(ProblemCode.INVALID_PARAMETER, f"{name!r} {what}.", parameter=name)
