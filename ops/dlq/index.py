"""What lies in the dead-letter topic, as columns: 40 bytes a letter, so that a million fit into memory.

One reading of the topic fills it. Then it tells which letters are open, which were settled and how, and which
match what an operator asks for; the letters themselves are read again where they are needed.
"""

from array import array
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from etl.letters import SETTLEMENTS, LetterId, StoredMessage, glance, id_of, settled_as
from etl.ranges import Offset

OPEN: Final = "open"
REPLACED: Final = "replaced"
# By a tool that did not say why.
SETTLED_SOMEHOW: Final = "settled"

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters somebody asks for; what is None does not matter."""

    origins: Collection[LetterId] | None = None
    reasons: Collection[str] | None = None
    partition: int | None = None
    since: datetime | None = None
    settled: bool = False


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """The letters of one reason."""

    reason: str
    letters: int
    oldest_at: str
    newest_at: str


class Index:
    """Filled by `add` with every record of the topic in order, then closed by `finish`, then asked."""

    def __init__(self) -> None:
        self.not_letters = 0
        self._words: dict[str, int] = {}
        # Of each record: where it lies; whose letter it is; why it is dead or how that one was settled; when.
        self._columns = {
            "place_partition": array("i"),
            "place": array("q"),
            "topic_id": array("i"),
            "partition": array("i"),
            "offset": array("q"),
            "word": array("i"),
            "settles": array("b"),
            "seen_ms": array("q"),
        }
        self._at: dict[str, npt.NDArray[Any]] = {}
        self._state: npt.NDArray[Any] = np.zeros(0, np.int32)
        self._names: list[str] = []

    def add(self, message: StoredMessage) -> None:
        """Take in one record."""
        origin = id_of(message.key())
        if origin is not None and message.value() is None:
            how = settled_as(message) or ""
            self._append(message, origin, how if how in SETTLEMENTS else SETTLED_SOMEHOW, None)
        elif origin is not None and (told := glance(message)) is not None:
            reason, first_seen_at = told
            self._append(message, origin, reason, _ms(first_seen_at))
        else:
            self.not_letters += 1

    def finish(self) -> None:
        """All is in. Of the records of one key the last one counts, as it does after a compaction."""
        self._at = {name: np.frombuffer(column, column.typecode) for name, column in self._columns.items()}
        at, count = self._at, len(self._columns["place"])
        order = np.lexsort((np.arange(count), at["offset"], at["partition"], at["topic_id"]))
        state = np.full(count, self._word(OPEN), np.int32)
        if count:
            this, after = order[:-1], order[1:]
            same = np.ones(count - 1, bool)
            for name in ("topic_id", "partition", "offset"):
                same &= at[name][this] == at[name][after]
            settled = at["settles"][after] == 1
            state[this[same & ~settled]] = self._word(REPLACED)
            state[this[same & settled]] = at["word"][after[same & settled]]
        self._state = state
        self._names = list(self._words)

    def find(self, wanted: Wanted) -> Rows:
        """The numbers of the letters that match, in the order they were written."""
        at = self._at
        shown = (at["settles"] == 0) & (self._state != self._word(REPLACED))
        if not wanted.settled:
            shown &= self._state == self._word(OPEN)
        if wanted.reasons is not None:
            shown &= np.isin(at["word"], [self._words.get(reason, -1) for reason in wanted.reasons])
        if wanted.partition is not None:
            shown &= at["partition"] == wanted.partition
        if wanted.since is not None:
            shown &= at["seen_ms"] >= int(wanted.since.timestamp() * 1000)
        if wanted.origins is not None:
            shown &= np.isin(at["offset"], [origin.offset for origin in wanted.origins])
        found = np.flatnonzero(shown)
        if wanted.origins is not None:
            known = set(wanted.origins)
            found = np.array([row for row in found if self.origin(int(row)) in known], np.int64)
        return found

    def by_reason(self, rows: Rows) -> list[ReasonCount]:
        """How many of `rows` died of what, the most frequent first."""
        words, seen = self._at["word"][rows], self._at["seen_ms"][rows]
        counts = []
        for reason, number in self._words.items():
            times = seen[words == number]
            if len(times):
                counts.append(ReasonCount(reason, len(times), _iso(times.min()), _iso(times.max())))
        return sorted(counts, key=lambda each: (-each.letters, each.reason))

    def by_state(self) -> dict[str, int]:
        """How many letters are open, retried, discarded."""
        states = self._state[self._at["settles"] == 0]
        counts = {word: int((states == number).sum()) for word, number in self._words.items()}
        return {word: count for word, count in counts.items() if count and word != REPLACED}

    def state(self, row: int) -> str:
        """Whether it is open, or how it was settled."""
        return self._names[int(self._state[row])]

    def origin(self, row: int) -> LetterId:
        """Whose letter it is."""
        at = self._at
        topic_id = self._names[int(at["topic_id"][row])]
        return LetterId(topic_id, int(at["partition"][row]), Offset(int(at["offset"][row])))

    def origins_between(self, topic_id: str, partition: int, first: int, end: int) -> int:
        """How many records of a partition, from `first` on and before `end`, ever had a letter."""
        at, number = self._at, self._words.get(topic_id, -1)
        ours = (at["topic_id"] == number) & (at["partition"] == partition)
        return len(np.unique(at["offset"][ours & (at["offset"] >= first) & (at["offset"] < end)]))

    def places(self, rows: Rows) -> list[tuple[int, Rows, Rows]]:
        """By partition of the dead-letter topic: the offsets where these lie, rising, and their rows."""
        partitions, places = self._at["place_partition"][rows], self._at["place"][rows]
        return [
            (int(each), places[partitions == each], rows[partitions == each])
            for each in np.unique(partitions)
        ]

    def _append(self, message: StoredMessage, origin: LetterId, word: str, seen_ms: int | None) -> None:
        columns = self._columns
        columns["place_partition"].append(message.partition() or 0)
        columns["place"].append(message.offset() or 0)
        columns["topic_id"].append(self._word(origin.topic_id))
        columns["partition"].append(origin.partition)
        columns["offset"].append(origin.offset)
        columns["word"].append(self._word(word))
        columns["settles"].append(seen_ms is None)
        columns["seen_ms"].append(seen_ms or 0)

    def _word(self, word: str) -> int:
        return self._words.setdefault(word, len(self._words))


# The letters of one range have the same.
@lru_cache(maxsize=1_024)
def _ms(text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        return 0


def _iso(at_ms: int) -> str:
    at = datetime.fromtimestamp(int(at_ms) / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
