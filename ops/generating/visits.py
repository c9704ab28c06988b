"""Who comes on which day and at what hour of his own clock, and how many events each visit is made of."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from clickhouse import zones
from contract.limits import DAY_MS
from ops.generating.chance import Whole, below, chosen, draw
from ops.generating.people import AGES, CERTAIN, PLACES, People, chances
from ops.generating.plan import HOUR_MS, Plan

# How the visits of a day fall on its hours: few at night, most in the evening.
HOURS = (3, 2, 1, 1, 1, 2, 5, 9, 12, 12, 11, 11, 13, 13, 12, 12, 13, 15, 19, 24, 28, 26, 17, 9)
# One day in eight something is on, and half as many again come.
PREMIERE_ONE_IN = 8
SATURDAY = 5
VISITS_WEIGHT_MAX = 4


@dataclass(frozen=True, slots=True)
class Visits:
    """One element a visit, in the order in which they begin."""

    user: Whole
    starts_at_ms: Whole
    events: Whole


def visits(plan: Plan, crowd: People) -> Visits:
    """All visits of the span; their events are the plan's originals, to the last one.

    Everybody comes at least once where there are events enough for that.
    """
    user, starts_at_ms = _comings(plan, crowd)
    weight = crowd.vigour[user] * (
        1 + below(draw(plan.seed, "weight", user, starts_at_ms), VISITS_WEIGHT_MAX)
    )
    events = _shared(plan.originals, user, weight)
    happens = events > 0
    return Visits(user[happens], starts_at_ms[happens], events[happens])


def _comings(plan: Plan, crowd: People) -> tuple[Whole, Whole]:
    """Who begins a visit, and when; in the order of time."""
    first = _date(plan.begins_at_ms)
    likely = chances()
    users, starts = [], []
    # A day begins up to 14 hours before the one of UTC and up to 12 after it.
    for number in range(-1, (_date(plan.ends_at_ms) - first).days + 2):
        coming = _coming(plan, crowd, likely, first + timedelta(days=number), number)
        at_ms = _hours(plan, crowd, coming, first + timedelta(days=number), number)
        inside = (at_ms >= plan.begins_at_ms) & (at_ms < plan.ends_at_ms)
        users.append(coming[inside])
        starts.append(at_ms[inside])
    absent = np.setdiff1d(crowd.number, np.concatenate(users))
    span_ms = plan.ends_at_ms - plan.begins_at_ms
    users.append(absent)
    starts.append(plan.begins_at_ms + below(draw(plan.seed, "comes once", absent), span_ms))
    user, starts_at_ms = np.concatenate(users), np.concatenate(starts)
    order = np.argsort(starts_at_ms, kind="stable")
    return user[order], starts_at_ms[order]


def _coming(plan: Plan, crowd: People, likely: Whole, day: date, number: int) -> Whole:
    """Who comes on that day of his own calendar."""
    weekend = int(day.weekday() >= SATURDAY)
    age = number - crowd.joined
    chance = likely[crowd.habit, np.clip(age, 0, AGES - 1), weekend]
    days = np.full(crowd.count, day.toordinal())
    if below(draw(plan.seed, "premiere", days[:1]), PREMIERE_ONE_IN)[0] == 0:
        chance = chance * 3 // 2
    comes = (age >= 0) & (below(draw(plan.seed, "comes", crowd.number, days), CERTAIN) < chance)
    who: Whole = crowd.number[comes]
    return who


def _hours(plan: Plan, crowd: People, user: Whole, day: date, number: int) -> Whole:
    """When on that day: its hours are those of each one's own clock, also where it has 23 or 25."""
    edges = np.array(
        [[_midnight_ms(d, place.zone) for d in (day, day + timedelta(days=1))] for place in PLACES]
    )
    begins_ms, ends_ms = edges[crowd.place[user]].T
    days = np.full(len(user), number)
    hour = chosen(draw(plan.seed, "hour", user, days), HOURS)
    into_ms = hour * HOUR_MS + below(draw(plan.seed, "minute", user, days), HOUR_MS)
    moments: Whole = begins_ms + into_ms * (ends_ms - begins_ms) // DAY_MS
    return moments


def _shared(events: int, user: Whole, weight: Whole) -> Whole:
    """`events` over the visits by their weight, one at least for each where there are enough."""
    count = len(user)
    if events >= count:
        so_far = np.cumsum(weight) * (events - count) // max(1, int(weight.sum()))
        shares: Whole = 1 + np.diff(so_far, prepend=0)
        return shares
    # Too few for all: the first visit of each comes before anybody's second, spread over the whole span.
    is_first = np.zeros(count, dtype=np.bool_)
    is_first[np.unique(user, return_index=True)[1]] = True
    firsts, others = np.flatnonzero(is_first), np.flatnonzero(~is_first)
    kept = min(events, len(firsts))
    made = np.zeros(count, dtype=np.int64)
    made[_evenly(firsts, kept)] = 1
    made[_evenly(others, events - kept)] = 1
    return made


def _evenly(places: Whole, count: int) -> Whole:
    """So many of them, at equal distances."""
    return places[np.arange(count, dtype=np.int64) * len(places) // max(1, count)]


def _date(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date()


def _midnight_ms(day: date, zone: str) -> int:
    return int(datetime.combine(day, time(), zones.zone(zone)).timestamp()) * 1000
