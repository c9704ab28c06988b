"""Why bytes that no model could be held against are no event."""

import json
import re
from typing import Final

import msgspec

from contract import limits
from contract.explaining import lone_surrogate, shown
from contract.refusals import Refusal, RefusalCode, pointer_to
from contract.splitting import strict_json

_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LONG_NUMBER: Final = re.compile(rb"[0-9]{%d}" % (limits.NUMBER_DIGITS_MAX + 1))


def refusal_of(raw: bytes) -> Refusal:
    """The refusal of `raw`, which msgspec or pydantic could not parse and which is not nested deeply."""
    try:
        sent = strict_json().decode(raw.decode())
    except UnicodeDecodeError as error:
        return Refusal(RefusalCode.INVALID_JSON, "", f"The event is not UTF-8: byte {error.start} is wrong.")
    except json.JSONDecodeError as error:
        why = f"{error.msg[:1].lower()}{error.msg[1:]}, at character {error.pos:,}"
        return Refusal(RefusalCode.INVALID_JSON, "", f"The event is not JSON: {why}.")
    except (ValueError, RecursionError) as error:
        return Refusal(RefusalCode.INVALID_JSON, "", f"The event is not JSON: {error}.")
    if not isinstance(sent, dict):
        what = shown(sent) if isinstance(sent, str | list) else raw[: limits.SHOWN_CHARS_MAX].decode()
        # Half a surrogate pair is sent back as a question mark: in an answer nobody could read it either.
        what = what.encode(errors="replace").decode()
        return Refusal(RefusalCode.NOT_AN_OBJECT, "", f"An event is an object; {what} was sent.")
    path = lone_surrogate(sent)
    return _too_long_a_number(raw) if path is None else _half_a_pair(path)


def _half_a_pair(path: tuple[str, ...]) -> Refusal:
    return Refusal(
        RefusalCode.LONE_SURROGATE,
        pointer_to(path),
        "A string holds half of a surrogate pair (an emoji cut in two?); cut strings between characters.",
    )


def _too_long_a_number(raw: bytes) -> Refusal:
    try:
        members = _MEMBERS.decode(raw)
    except msgspec.DecodeError:
        # The one thing it does not take and the parser of the standard library does. That one keeps the
        # last of members that are sent twice, so it stands in an earlier one.
        return _half_a_pair(())
    for name, member in members.items():
        if _LONG_NUMBER.search(bytes(member)):
            message = f"A number has more than {limits.NUMBER_DIGITS_MAX:,} digits; send it as a string."
            return Refusal(RefusalCode.NUMBER_TOO_LONG, pointer_to([name]), message)
    return Refusal(RefusalCode.INVALID_JSON, "", "The event is not JSON that can be read.")
