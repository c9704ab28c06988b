"""What is to be stored next, written down before it is: the text that rides on every commit of ours.

    ugc1;<topic id>;<partitions>;<first>-<last>;<records>;<crc>;<decoder>;<cut_at_ms>     a range is next
    ugc1;<topic id>;<partitions>                                                         nothing is

Whoever is assigned the partition next redoes exactly that range first. The topic's id and its number of
partitions are always there, so that another topic of the same name, or partitions that were added, are
noticed. `cut_at_ms` is the only reading of a clock that the content of a range may depend on.
"""

import re
from dataclasses import dataclass

from etl.batch import Batch
from etl.errors import Fatal
from etl.ranges import Offset

VERSION = "ugc1"
# One more, and a broker with its default settings refuses the commit.
TEXT_BYTES_MAX = 4_095

_OURS = re.compile(r"ugc[0-9]+;")
_TEXT = re.compile(
    r"ugc1;(?P<topic_id>[A-Za-z0-9+/=_-]{1,64});(?P<partitions>[0-9]{1,9})"
    r"(?:;(?P<first>[0-9]{1,19})-(?P<last>[0-9]{1,19});(?P<records>[0-9]{1,9})"
    r";(?P<crc>[0-9]{1,10});(?P<decoder>[0-9]{1,9});(?P<cut_at_ms>[0-9]{1,15}))?"
)


@dataclass(frozen=True, slots=True)
class Intent:
    """The range to be stored next, and what tells whether a redo reads the same."""

    first: Offset
    last: Offset
    records: int
    crc: int
    decoder: int
    cut_at_ms: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"not a range: {self.first}..{self.last}")

    def describes(self, batch: Batch, *, decoder: int) -> bool:
        """Whether `batch`, read by `decoder`, is what was to be stored."""
        return (self.records, self.crc, self.decoder) == (batch.records, batch.crc, decoder)


@dataclass(frozen=True, slots=True)
class Mark:
    """What a commit says besides its position."""

    topic_id: str
    partitions: int
    intent: Intent | None = None

    def text(self) -> str:
        """For the log to keep with the position."""
        text = f"{VERSION};{self.topic_id};{self.partitions}"
        if (n := self.intent) is not None:
            text += f";{n.first}-{n.last};{n.records};{n.crc};{n.decoder};{n.cut_at_ms}"
        return text


def parse(text: str | None) -> Mark | None:
    """What a commit of ours said. None when somebody else committed: a tool that moved the group.

    Raises Fatal for what is ours and cannot be read: a newer release wrote it, or it was damaged.
    """
    if not text or not _OURS.match(text):
        return None
    found = _TEXT.fullmatch(text)
    if found is None:
        raise Fatal(
            f"the group's commit says {text[:80]!r}, which this release cannot read: start the release that "
            "wrote it, drain, and then change; or, when a redo of its range is accepted as lost, set the "
            "group's offsets with Kafka's own tool"
        )
    intent = None
    if found["first"] is not None:
        try:
            intent = Intent(
                first=Offset(int(found["first"])),
                last=Offset(int(found["last"])),
                records=int(found["records"]),
                crc=int(found["crc"]),
                decoder=int(found["decoder"]),
                cut_at_ms=int(found["cut_at_ms"]),
            )
        except ValueError as error:
            raise Fatal(f"the group's commit says {text[:80]!r}: {error}") from None
    return Mark(found["topic_id"], int(found["partitions"]), intent)
