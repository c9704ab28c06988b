"""The ids of events acknowledged lately by this process, so that a repeat hears that it is one.

A courtesy and a saving, not a guarantee: what is forgotten is written again, and the warehouse stores it once
all the same. But what is said is true: only an id whose event the log has acknowledged is remembered, so a
sender who hears `duplicate` may forget the event.
"""

import threading
from collections.abc import Sequence, Set
from operator import attrgetter

from contract.events import Event


class Remembered:
    """`ids_max` ids at most, of them always the newest half; 0 remembers nothing. Safe between threads.

    With each goes a digest of what the event said, to tell a repeat from another event under the same id.
    """

    def __init__(self, *, ids_max: int) -> None:
        self._half = ids_max // 2
        self._young: dict[str, int] = {}
        self._old: dict[str, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def said(self, event_id: str) -> int | None:
        """The digest of the event acknowledged under this id; None when there is none, or not any more."""
        found = self._young.get(event_id)
        return self._old.get(event_id) if found is None else found

    def any_of(self, event_ids: Set[str]) -> bool:
        """Whether one of them at least was acknowledged lately."""
        return not (self._young.keys().isdisjoint(event_ids) and self._old.keys().isdisjoint(event_ids))

    def add(self, events: Sequence[Event]) -> None:
        """For after the log has acknowledged them, and never before."""
        if not self._half:
            return
        said = [(event.event_id, digest(event)) for event in events]
        with self._lock:
            while said:
                if len(self._young) >= self._half:
                    # In this order: a look in between finds an id twice rather than not at all.
                    self._old = self._young
                    self._young = {}
                room = self._half - len(self._young)
                self._young.update(said[:room])
                said = said[room:]


def digest(event: Event) -> int:
    """Equal for events that say the same, however often and whenever they are sent; holds in one process."""
    return hash(_WHAT_IT_SAYS(event))


_WHAT_IT_SAYS = attrgetter("occurred_at_ms", "user_id", "event_type", "properties", "value", "session_id")
