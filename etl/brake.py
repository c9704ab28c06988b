"""The brake: a stream that goes bad as a whole stops the pipeline instead of emptying itself into letters.

One bad event in ten passes; a bad release of a producer, or a foreign stream, does not. Two measures, each
over records in the order they are moved: the part of the last `window` records that died, looked at when a
record dies and at least `SAMPLE_MIN` have been seen, and the length of the run of dead ones. A range is
judged before any of its letters is written, so what tripped the brake lies untouched in the log.

Duplicates are records that did not die; canaries are not looked at. A process that starts anew remembers, by
the ledger, what was moved before it: one that is restarted by a supervisor again and again does not write
`SAMPLE_MIN` letters more each time. What is older than a day is somebody's past.
"""

import threading
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NoReturn

from etl.batch import Batch, DeadLetter
from etl.errors import Fatal

# Below so many records a ratio says nothing: the first record ever may be a bad one.
SAMPLE_MIN: Final = 100
SHOWN_CHARS_MAX: Final = 120
REMEMBERED_DAYS: Final = 1
BEFORE_THE_START: Final = "before the start"


class Brake:
    """Judges the records of one process, whichever partition they are of. Safe to use from many threads."""

    def __init__(self, *, ratio_max: float, run_max: int, window: int) -> None:
        self._ratio_max = ratio_max
        self._run_max = run_max
        self._window = window
        self._sample_min = min(SAMPLE_MIN, window)
        self._lock = threading.Lock()
        self._seen = 0
        self._run = 0
        # Of each record that died within the window: its number in the stream, and why.
        self._died: deque[tuple[int, str]] = deque()
        self._reasons: Counter[str] = Counter()
        # By partition: the last range that was taken in.
        self._taken: dict[str, str] = {}

    def remember(self, moved: Iterable[Sequence[Any]]) -> None:
        """Take in what the ledger says of ranges before our time, oldest first: token, good ones, dead ones.

        Trips for nothing by itself: only when another record dies. In which order they lay in a range the
        ledger does not say; the good ones are taken for the later ones.
        """
        with self._lock:
            for token, good, dead in moved:
                if self._is_new(token):
                    for _ in range(dead):
                        self._count_dead(BEFORE_THE_START)
                    self._live(good)

    def check(self, batch: Batch, dead: Sequence[DeadLetter], *, token: str = "") -> None:
        """Take in the records of `batch`, of which `dead` are to become letters. Raises Fatal when it trips.

        To be called for every range, also one without dead records: the good ones count as well. A range
        that is redone counts once, by its `token`.
        """
        with self._lock:
            if token and not self._is_new(token):
                return
            try:
                self._take_in(batch, sorted(dead, key=lambda letter: letter.record.offset))
            except Fatal:
                # Should its partition be taken away before anybody hears of this, it is judged again.
                self._taken.pop(_partition(token), None)
                raise

    def _take_in(self, batch: Batch, ordered: Sequence[DeadLetter]) -> None:
        good_before = 0
        for letter, good in zip(ordered, _good_before(batch.offsets, ordered), strict=True):
            self._live(good - good_before)
            self._die(letter)
            good_before = good
        self._live(batch.records - batch.canaries - len(ordered) - good_before)

    def _live(self, records: int) -> None:
        if records > 0:
            self._seen += records
            self._run = 0

    def _is_new(self, token: str) -> bool:
        partition = _partition(token)
        known, self._taken[partition] = self._taken.get(partition), token
        return known != token

    def _count_dead(self, reason: str) -> None:
        self._seen += 1
        self._run += 1
        self._died.append((self._seen, reason))
        self._reasons[reason] += 1
        while self._died[0][0] <= self._seen - self._window:
            _, gone = self._died.popleft()
            self._reasons[gone] -= 1

    def _die(self, letter: DeadLetter) -> None:
        self._count_dead(letter.reason)
        looked_at = min(self._seen, self._window)
        if self._run >= self._run_max:
            self._stop(letter, f"{self._run:,} records in a row are dead", "UGC_ETL_DEAD_RUN_MAX")
        # Divided, not multiplied: 29 of 100 is not more than 0.29.
        if looked_at >= self._sample_min and len(self._died) / looked_at > self._ratio_max:
            found = f"{len(self._died):,} of the last {looked_at:,} records are dead"
            self._stop(letter, found, "UGC_ETL_DEAD_RATIO_MAX")

    def _stop(self, letter: DeadLetter, found: str, setting: str) -> NoReturn:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in self._reasons.most_common() if count)
        why = " ".join(letter.message[:SHOWN_CHARS_MAX].split())
        last = f"the last one at offset {letter.record.offset}: {why}"
        raise Fatal(
            f"{found} ({reasons}; {last}). No letter of this range is written, and it is not committed. "
            "Mend who writes them; `ugc dlq list` shows those that came before; to let all of them pass as "
            f"dead letters, raise {setting} and start again"
        )


def _partition(token: str) -> str:
    return token.rpartition(":")[0]


def _good_before(offsets: Sequence[int], dead: Sequence[DeadLetter]) -> Iterator[int]:
    """How many good records of the range lie before each dead one. Some of `offsets` may be of dead ones:
    rows that only the warehouse refused."""
    dead_rows = 0
    for letter in dead:
        place = bisect_left(offsets, letter.record.offset)
        yield place - dead_rows
        dead_rows += place < len(offsets) and offsets[place] == letter.record.offset
