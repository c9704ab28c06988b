"""Why a record is dead: the closed list, with what each means and what somebody can do about it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from contract.wire import UNDECODABLE_MEANINGS, UndecodableReason
from etl.errors import Refused
from etl.rows import (
    HORIZON_DAYS,
    KEY_IS_NOT_EVENT_ID,
    OLDER_THAN_HORIZON,
    TIME_NOT_STORABLE,
    TIMES_DISAGREE,
)


class Reason(NamedTuple):
    """One of them, explained."""

    meaning: str
    what_to_do: str


_MEND_THE_SENDER: Final = "Find who wrote it and have it send through the collector; then discard the letter."

_TO_DO: Final[Mapping[UndecodableReason, str]] = {
    UndecodableReason.TOMBSTONE: "It says nothing, so nothing is lost. Find its writer; discard the letter.",
    UndecodableReason.TOO_LARGE: "No event is so large. " + _MEND_THE_SENDER,
    UndecodableReason.VERSION_MISSING: _MEND_THE_SENDER,
    UndecodableReason.VERSION_UNKNOWN: "Upgrade the ETL to the release that reads it, then retry the letter.",
    UndecodableReason.NOT_JSON: _MEND_THE_SENDER,
    UndecodableReason.WRONG_SHAPE: "If a release that reads it is coming, retry after the upgrade. "
    + _MEND_THE_SENDER,
}

REASONS: Final[Mapping[str, Reason]] = MappingProxyType(
    {
        **{str(reason): Reason(meaning, _TO_DO[reason]) for reason, meaning in UNDECODABLE_MEANINGS.items()},
        KEY_IS_NOT_EVENT_ID: Reason(
            "The record's key is not its event_id, so copies of the event could meet in no one partition.",
            "Have its writer use the event_id as the key, or send the event through the collector; "
            "then discard the letter.",
        ),
        TIME_NOT_STORABLE: Reason(
            "A time of the event is before 1970 or after 2099, which the warehouse cannot hold.",
            "Mend the clock of who wrote it and have it send anew; then discard the letter.",
        ),
        TIMES_DISAGREE: Reason(
            "It was received more than an hour before it happened, or more than 31 days after: the collector "
            "takes no such event, and its id would be forgotten too early or too late.",
            _MEND_THE_SENDER,
        ),
        OLDER_THAN_HORIZON: Reason(
            f"It was received more than {HORIZON_DAYS} days ago: whether it is stored already is forgotten, "
            "so it could count twice.",
            "Import it anew if you know that it was never stored; else discard the letter.",
        ),
        Refused("").reason: Reason(
            "The contract takes it and the warehouse refuses the row: the two disagree.",
            "Run `ugc migrate` so that the schema is what this release needs, then retry the letter.",
        ),
    }
)


def explained(reason: str) -> Reason:
    """The meaning of `reason`, also of one that a newer release gave."""
    return REASONS.get(reason) or Reason(
        "This release does not know this reason.", "Look at it with the release that wrote it."
    )
