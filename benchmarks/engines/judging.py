"""Whether an engine holds and says what the generator knows: every load and every answer is asked this.

What is compared is said short, as sums over all event types; where one type differs, it is named.
"""

import math
from collections.abc import Mapping

from benchmarks.dataset import Totals
from benchmarks.engines.engine import Answer
from benchmarks.frame.session import Session

# Sums are exact; a mean is one division, which an engine may do with a digit more or less.
MEAN_WITHIN = 1e-12
DIFFERENCES_SHOWN = 3


def check_totals(
    session: Session, what: str, expected: Mapping[str, Totals], found: Mapping[str, Totals]
) -> None:
    """Raise Void unless every row is there once, with its values."""
    session.check(
        f"{what}: rows, values, users, ids, times",
        _totals_said(expected),
        _totals_said(found) + _differences({n: _words(t) for n, t in expected.items()}, _worded(found)),
    )


def check_answer(session: Session, what: str, expected: Answer, found: Answer) -> None:
    """Raise Void unless the owner's question is answered right, type by type."""
    mine = {name: f"{count} rows, mean {mean}" for name, (count, mean) in expected.items()}
    theirs = {
        name: mine[name] if _same(expected.get(name), each) else f"{each[0]} rows, mean {each[1]}"
        for name, each in found.items()
    }
    session.check(f"{what}: answer", _answer_said(expected), _answer_said(found) + _differences(mine, theirs))


def _same(expected: tuple[int, float] | None, found: tuple[int, float]) -> bool:
    return (
        expected is not None
        and expected[0] == found[0]
        and math.isclose(expected[1], found[1], rel_tol=MEAN_WITHIN)
    )


def _differences(expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Nothing, or what is wrong, beginning with the comma that joins it to a sentence."""
    wrong = [
        f"{name}: {found.get(name, 'nothing')} instead of {expected.get(name, 'nothing')}"
        for name in sorted({*expected, *found})
        if expected.get(name) != found.get(name)
    ]
    more = f" and {len(wrong) - DIFFERENCES_SHOWN} more" if len(wrong) > DIFFERENCES_SHOWN else ""
    return "".join(f"; {each}" for each in wrong[:DIFFERENCES_SHOWN]) + more


def _worded(totals: Mapping[str, Totals]) -> dict[str, str]:
    return {name: _words(each) for name, each in totals.items()}


def _words(each: Totals) -> str:
    return (
        f"{each.rows} rows, value {each.value_sum}, {each.users} users, ids {each.user_id_sum}, "
        f"times {each.time_ms_sum}"
    )


def _totals_said(totals: Mapping[str, Totals]) -> str:
    every = totals.values()
    return (
        f"{sum(t.rows for t in every)} of {len(totals)} types, {sum(t.value_sum for t in every)}, "
        f"{sum(t.users for t in every)}, {sum(t.user_id_sum for t in every)}, "
        f"{sum(t.time_ms_sum for t in every)}"
    )


def _answer_said(answer: Answer) -> str:
    total = sum(count for count, _ in answer.values())
    return f"{total} of {len(answer)} types, right by type"
