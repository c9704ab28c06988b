"""Many cases in one warehouse at once, as what a warehouse costs is mostly to fill and to empty it.

Two cases can lie beside each other when the days that their answers look at do not meet, and no user of one
is a user of the other: when somebody came first is asked of all days there are. So each tells the others that
an answer leaves alone what it was not asked about.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from properties.histories import History, Sent
from properties.questions import Case

CASES_MAX = 16


def side_by_side(cases: Sequence[Case]) -> list[list[Case]]:
    """The cases in as few lists as it takes, users renamed where there are several."""
    lists: list[list[Case]] = []
    ends: list[date] = []
    for case in sorted(cases, key=Case.span):
        first, last = case.span()
        for number, end in enumerate(ends):
            if end < first and len(lists[number]) < CASES_MAX:
                lists[number].append(case)
                ends[number] = last
                break
        else:
            lists.append([case])
            ends.append(last)
    return [[apart(case, lane) for lane, case in enumerate(each)] for each in lists]


def apart(case: Case, lane: int) -> Case:
    """The same with users of its own, in the order they had; those of lane 0 keep their names."""
    if lane == 0:
        return case
    deliveries = tuple(
        tuple(Sent(sent.number, replace(sent.event, user=f"{lane:02d}{sent.event.user}")) for sent in each)
        for each in case.history.deliveries
    )
    return replace(case, history=History(case.history.now, deliveries, case.history.redone))
