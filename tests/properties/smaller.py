"""What is left of a case when everything is taken away that a wrong answer does not need."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from properties.histories import History
from properties.questions import Case

TRIES_MAX = 300


def smallest(case: Case, fails: Callable[[Case], bool]) -> Case:
    """`case`, which fails, with less and less in it as long as it does. Each try is a load of its own."""
    tries = 0
    found = True
    while found:
        found = False
        for less in _with_less(case):
            tries += 1
            if tries > TRIES_MAX:
                return case
            if fails(less):
                case, found = less, True
                break
    return case


def _with_less(case: Case) -> Iterator[Case]:
    history, asked = case.history, case.asked
    if history.redone:
        yield _told(case, replace(history, redone=frozenset()))
    if len(history.deliveries) > 1:
        together = tuple(sent for delivery in history.deliveries for sent in delivery)
        yield _told(case, replace(history, deliveries=(together,), redone=frozenset()))
    for number, delivery in enumerate(history.deliveries):
        for place in range(len(delivery)):
            fewer = (*delivery[:place], *delivery[place + 1 :])
            deliveries = (*history.deliveries[:number], fewer, *history.deliveries[number + 1 :])
            yield _told(case, replace(history, deliveries=deliveries))
    for place in range(len(asked.segments)):
        segments = (*asked.segments[:place], *asked.segments[place + 1 :])
        yield replace(case, asked=replace(asked, segments=segments))
    if asked.bots:
        yield replace(case, asked=replace(asked, bots=False))
    if asked.tz != "UTC":
        yield replace(case, asked=replace(asked, tz="UTC"))


def _told(case: Case, history: History) -> Case:
    return replace(case, history=history)
