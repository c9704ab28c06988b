"""What this process remembers of the ids that are stored, so that the warehouse is asked for few of them.

Never wrong, only slower without it: `known` is exact, and an id is called new only when a filter over
everything stored within the horizon says so. What neither decides is asked.

The filter holds, of an id that does not tell its own time, the id; of one that does (UUIDv7), the 256 ms in
which it was made: new events are younger than all that is stored, and old ones are cheap to ask for. It is
read from the warehouse in the background, over all partitions, and is valid for the assignments that were
known here before the reading began: what others stored meanwhile is not in it. Those that tell their time and
were stored here last are held beside it one by one (young.py), until the filter gets their times.
"""

import threading
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import structlog

from etl import young
from etl.assignment import Assignment
from etl.errors import EtlError, Retryable
from etl.filter import Filter, keys_of, tells_its_time
from etl.packed import Ids, Mask, unpack
from etl.recent import Recent
from etl.young import Young

# Below it the memory is not worth a reading of all ids; it also spaces readings in a rebalance storm.
ASKED_BEFORE_READING = 100_000
# Two filters are held while one is read anew.
FILTER_SHARE = 5 / 16
RECENT_SHARE = 1 / 4
YOUNG_SHARE = 1 / 8
# Of the ids that were counted before the reading: with less it did not come to its end.
READ_SHARE_MIN = 0.9


class Remembering(Protocol):
    """The side of the row store that a filter is read from."""

    def remembered_count(self) -> int: ...
    def remembered(self) -> Iterator[bytes]: ...


def in_thread(work: Callable[[], None]) -> None:
    """Run `work` beside everything else; it must not raise."""
    threading.Thread(target=work, name="remember-ids", daemon=True).start()


class Seen:
    """One a process, for all its assignments; safe to share between loader threads."""

    def __init__(
        self,
        store: Remembering,
        *,
        bytes_max: int,
        asked_before_reading: int = ASKED_BEFORE_READING,
        in_background: Callable[[Callable[[], None]], None] = in_thread,
        young_bytes_max: int | None = None,
    ) -> None:
        self._store = store
        self._filter_bytes_max = int(bytes_max * FILTER_SHARE)
        self._recent = Recent(bytes_max=int(bytes_max * RECENT_SHARE))
        self._young = Young(
            bytes_max=int(bytes_max * YOUNG_SHARE) if young_bytes_max is None else young_bytes_max
        )
        self._asked_before_reading = asked_before_reading
        self._in_background = in_background
        self._lock = threading.Lock()
        self._met: set[Assignment] = set()
        self._covered: set[Assignment] = set()
        self._filter: Filter | None = None
        self._growing: Filter | None = None
        self._reading = False
        self._asked = 0
        self._log = structlog.get_logger()

    @property
    def bytes_held(self) -> int:
        """Memory in use, without Python's own."""
        with self._lock:
            filters = [each for each in (self._filter, self._growing) if each is not None]
            held = self._recent.bytes_held + self._young.bytes_held
            return held + sum(each.bytes_held for each in filters)

    def judge(self, assignment: Assignment, ids: Ids) -> tuple[Mask, Mask]:
        """For each of `ids`: is it stored for certain, and must it be asked for? Neither: it is new."""
        with self._lock:
            self._met.add(assignment)
            filter_ = self._filter if assignment in self._covered else None
            # Together with the filter: what leaves the one is in the other.
            generations = self._young.generations
        if filter_ is None:
            ask = np.ones(len(ids), dtype=np.bool_)
        else:
            ask = filter_.may_have(keys_of(ids)) | young.may_have(generations, ids)
        known = np.zeros(len(ids), dtype=np.bool_)
        maybe = np.flatnonzero(ask)
        with self._lock:
            known[maybe] = self._recent.has(ids[maybe])
        ask &= ~known
        self._note_asked(int(ask.sum()))
        return known, ask

    def stored(self, ids: Ids) -> None:
        """These are in the warehouse from now on."""
        with self._lock:
            self._recent.add(ids)
            keys = [keys_of(ids[~tells_its_time(ids)])]
            if (given_up := self._young.add(ids)) is not None:
                keys.append(given_up)
            for each in (self._filter, self._growing):
                if each is not None:
                    each.add(np.concatenate(keys))
            if self._filter is not None and self._filter.is_full:
                self._filter = None

    def forget_ended(self) -> None:
        """Let go of assignments that are not current."""
        with self._lock:
            for assignments in (self._met, self._covered):
                assignments.difference_update([each for each in assignments if not each.current])

    def _note_asked(self, count: int) -> None:
        with self._lock:
            self._asked += count
            due = self._asked >= self._asked_before_reading and not self._reading
            if not due or self._filter_bytes_max < Filter.BYTES_MIN:
                return
            self._asked = 0
            self._reading = True
        self._in_background(self._read)

    def _read(self) -> None:
        try:
            expected = self._store.remembered_count()
            filter_ = Filter.for_keys(expected, bytes_max=self._filter_bytes_max)
            if filter_ is None:
                self._log.warning(
                    "ids_not_kept_in_memory",
                    ids=expected,
                    reason="more memory would be needed: UGC_ETL_SEEN_BYTES_MAX",
                )
                return
            with self._lock:
                # From here on nothing that is stored passes it by, be it through `stored` or the reading.
                self._growing, covered = filter_, set(self._met)
            read = 0
            for chunk in self._store.remembered():
                keys = keys_of(unpack(chunk))
                read += len(keys)
                with self._lock:
                    filter_.add(keys)
            # A filter that lacks ids calls them new. The count is an estimate, and days expire meanwhile.
            if read < expected * READ_SHARE_MIN:
                raise Retryable(f"{read:,} ids came of about {expected:,}")
            with self._lock:
                self._filter = None if filter_.is_full else filter_
                self._covered = covered
        except EtlError as error:
            self._log.warning("ids_not_kept_in_memory", reason=str(error))
        finally:
            with self._lock:
                self._growing = None
                self._reading = False
