"""When the events of a visit happen, in which order they arrive, and which of them arrive twice.

Events come as a collector sees them: mostly in the order in which they happened, from a phone that had no
network hours later, and some once more, unchanged, because a client did not hear the answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ops.generating.chance import Whole, Words, below, chosen, draw
from ops.generating.people import People
from ops.generating.plan import HOUR_MS, Plan
from ops.generating.visits import Visits

# Made at once; what they weigh is bounded by this and by what arrives later than the next visit begins.
EVENTS_AT_ONCE = 200_000
# Mean pause between two events of a visit, by how somebody is: bursts of clicks, or a film that runs.
PACES_MS = (700, 2_000, 6_000, 15_000, 30_000, 60_000, 120_000)
PACE_SHARES = (2, 5, 8, 8, 5, 3, 1)
# One visit in four is interrupted half-way.
PAUSE_ONE_IN = 4
PAUSE_MS_MAX = 5 * HOUR_MS
# One visit in sixty-four was made without a network.
OFFLINE_ONE_IN = 64
OFFLINE_MS_MAX = 12 * HOUR_MS
# A copy follows after half a second, or twice that, or twice that …
COPY_AFTER_MS = 500
COPY_DOUBLINGS = 15


@dataclass(frozen=True, slots=True)
class Columns:
    """One element an event, in the order in which they arrive.

    `bits` are the event's own chance and the same in its copy; `visit` names the visit; `place` counts in it.
    """

    arrives_at_ms: Whole
    at_ms: Whole
    user: Whole
    visit: Words
    place: Whole
    bits: Words
    is_copy: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.at_ms)

    def of(self, which: npt.NDArray[np.bool_] | Whole) -> "Columns":
        """Only these, or in this order."""
        return Columns(*(getattr(self, each.name)[which] for each in fields(self)))

    def and_then(self, others: "Columns") -> "Columns":
        """Both, one after the other."""
        names = [each.name for each in fields(self)]
        return Columns(*(np.concatenate([getattr(self, n), getattr(others, n)]) for n in names))


def arriving(plan: Plan, crowd: People, made: Visits) -> Iterator[Columns]:
    """All events of the visits and their copies, chunk by chunk."""
    waiting: Columns | None = None
    ends = np.cumsum(made.events)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(EVENTS_AT_ONCE, total, EVENTS_AT_ONCE), side="left") + 1
    edges = [0, *dict.fromkeys(cuts.tolist()), len(ends)]
    for first, last in pairwise(edges):
        if first == last:
            continue
        some = Visits(made.user[first:last], made.starts_at_ms[first:last], made.events[first:last])
        fresh = _with_copies(plan, _events(plan, crowd, some), int(ends[first] - made.events[first]))
        together = fresh if waiting is None else waiting.and_then(fresh)
        # Nothing that is still to be made arrives before the next visit begins.
        until_ms = made.starts_at_ms[last] if last < len(ends) else np.iinfo(np.int64).max
        is_due = together.arrives_at_ms < until_ms
        due, waiting = together.of(is_due), together.of(~is_due)
        if len(due):
            yield due.of(np.argsort(due.arrives_at_ms, kind="stable"))


def _events(plan: Plan, crowd: People, made: Visits) -> Columns:
    """The events of these visits, visit by visit."""
    seed = plan.seed
    key = draw(seed, "visit", made.user, made.starts_at_ms)
    place = np.arange(int(made.events.sum()), dtype=np.int64)
    begin = np.cumsum(made.events) - made.events
    each = np.repeat(np.arange(len(made.user)), made.events)
    place -= begin[each]
    bits = draw(seed, "event", key[each], place)
    pace_ms = np.array(PACES_MS)[chosen(draw(seed, "pace", key), PACE_SHARES)]
    pause_ms = below(draw(seed, "pause", key), PAUSE_MS_MAX)
    pause_ms[below(draw(seed, "is interrupted", key), PAUSE_ONE_IN) != 0] = 0
    gap_ms = (below(draw(seed, "gap", bits), 2**16) * 2 * pace_ms[each]) >> 16
    gap_ms += np.where(place == (made.events // 2)[each], pause_ms[each], 0)
    gap_ms[place == 0] = 0
    so_far = np.cumsum(gap_ms)
    at_ms = made.starts_at_ms[each] + so_far - so_far[begin][each]
    # Nobody has done yet what lies ahead: it happened within his visit so far.
    room_ms = plan.ends_at_ms - made.starts_at_ms[each]
    within_ms = (below(draw(seed, "within", bits), 2**31) * room_ms) >> 31
    at_ms = np.where(at_ms >= plan.ends_at_ms, made.starts_at_ms[each] + within_ms, at_ms)
    late_ms = below(draw(seed, "late", key), OFFLINE_MS_MAX)
    late_ms[below(draw(seed, "is offline", key), OFFLINE_ONE_IN) != 0] = 0
    user = crowd.number[made.user][each]
    return Columns(at_ms + late_ms[each], at_ms, user, key[each], place, bits, np.zeros(len(user), np.bool_))


def _with_copies(plan: Plan, originals: Columns, before: int) -> Columns:
    """And those that are sent again. `before`: so many originals came before these."""
    number = before + np.arange(len(originals), dtype=np.int64)
    share, of = plan.copies, max(1, plan.originals)
    copied = originals.of((number + 1) * share // of > number * share // of)
    after_ms = COPY_AFTER_MS << below(draw(plan.seed, "again", copied.bits), COPY_DOUBLINGS)
    copies = Columns(
        copied.arrives_at_ms + after_ms,
        *(copied.at_ms, copied.user, copied.visit, copied.place, copied.bits),
        np.ones(len(copied), np.bool_),
    )
    return originals.and_then(copies)
