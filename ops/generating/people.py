"""The people: where each lives, what he uses, when he came first, and how often he comes back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ops.generating.chance import Whole, below, chosen, draw

# Chances are of 1,024; ages in days since somebody's first visit.
CERTAIN = 1_024
AGES = 128
# Half of the people were there before the first day; so long before, at most.
KNOWN_FOR_DAYS_MAX = 60


class Place(NamedTuple):
    """A time zone, the country said in events of its people, and how many of 256 live there."""

    zone: str
    country: str
    share: int


PLACES = (
    Place("Europe/Berlin", "DE", 52),
    Place("America/New_York", "US", 40),
    Place("Europe/London", "GB", 30),
    Place("Asia/Kolkata", "IN", 28),
    Place("America/Sao_Paulo", "BR", 24),
    Place("Asia/Tokyo", "JP", 22),
    Place("America/Los_Angeles", "US", 20),
    Place("UTC", "IS", 12),
    Place("Australia/Sydney", "AU", 10),
    Place("Asia/Kathmandu", "NP", 8),
    Place("America/St_Johns", "CA", 6),
    Place("Australia/Lord_Howe", "AU", 4),
)


class Device(NamedTuple):
    """What people use, how many of 8, and whether its client makes ids that tell their time (UUIDv7)."""

    name: str
    share: int
    ids_tell_time: bool


DEVICES = (Device("web", 4, False), Device("android", 2, True), Device("ios", 1, True), Device("tv", 1, True))


class Habit(NamedTuple):
    """How likely somebody comes on a working day and at a weekend, and what becomes of that with his age."""

    share: int
    working_day: int
    weekend: int
    of_it_left: Callable[[int], int]


def _all(_: int) -> int:
    return CERTAIN


def _fading(age: int) -> int:
    """Keen at first, a fifth less every day, gone in the end."""
    left: int = CERTAIN * 4**age // 5**age
    return left


def _on_and_off(age: int) -> int:
    """A week there, twelve days away, and back."""
    return CERTAIN if age % 19 < 7 else 0


REGULAR = Habit(52, 820, 620, _all)
AT_WEEKENDS = Habit(36, 90, 780, _all)
NOW_AND_THEN = Habit(64, 210, 210, _all)
CHURNING = Habit(56, 900, 900, _fading)
RETURNING = Habit(28, 760, 760, _on_and_off)
# One day, and never again.
GUEST = Habit(20, 0, 0, _all)
HABITS = (REGULAR, AT_WEEKENDS, NOW_AND_THEN, CHURNING, RETURNING, GUEST)


def chances() -> Whole:
    """By habit, age and weekend: how likely somebody comes. On his first day everybody does."""
    table = np.full((len(HABITS), AGES, 2), CERTAIN, dtype=np.int64)
    for number, habit in enumerate(HABITS):
        for age in range(1, AGES):
            left = habit.of_it_left(age)
            table[number, age] = habit.working_day * left // CERTAIN, habit.weekend * left // CERTAIN
    return table


@dataclass(frozen=True, slots=True)
class People:
    """One element a person. `joined` counts days from the first one; whoever was there before has less."""

    seed: int
    number: Whole
    place: Whole
    device: Whole
    habit: Whole
    joined: Whole
    vigour: Whole

    @property
    def count(self) -> int:
        return len(self.number)


def people(seed: int, count: int, *, days: int) -> People:
    """So many; one of a larger crowd with the same seed is the same person in a smaller one."""
    number = np.arange(count, dtype=np.int64)
    habit = chosen(draw(seed, "habit", number), [each.share for each in HABITS])
    fresh = below(draw(seed, "joined in these days", number), days + 1)
    known = -1 - below(draw(seed, "joined before", number), KNOWN_FOR_DAYS_MAX)
    is_new = (below(draw(seed, "is new", number), 2) == 1) | (habit == HABITS.index(GUEST))
    return People(
        seed=seed,
        number=number,
        place=chosen(draw(seed, "place", number), [each.share for each in PLACES]),
        device=chosen(draw(seed, "device", number), [each.share for each in DEVICES]),
        habit=habit,
        joined=np.where(is_new, fresh, known),
        # From 1 to 15, most of them little: few people do much of what is done.
        vigour=1
        + (below(draw(seed, "vigour", number), 16) * below(draw(seed, "more vigour", number), 16) >> 4),
    )
