"""Two runs side by side: what changed by more than they vary, and what must not be compared at all."""

from collections.abc import Callable

import pytest

from benchmarks.frame.compare import Change, NotComparable, compare
from benchmarks.frame.figures import Figure, Machine, Result


def change(old: Result, new: Result, key: str) -> Change:
    return next(each for each in compare(old, new).changes if each.key == key)


def test_the_same_result_twice_has_not_changed(make_result: Callable[..., Result]) -> None:
    changes = compare(make_result(), make_result())
    assert [each.key for each in changes.changes] == ["load", "size", "ab"]
    assert {each.verdict for each in changes.changes} == {"within the spread"}
    assert {each.change for each in changes.changes} == {0.0}
    assert changes.same_machine
    assert not changes.conditions
    assert not changes.left_out


@pytest.mark.parametrize(
    ("samples", "verdict", "relative"),
    [
        ([1.05, 1.1, 1.2], "within the spread", 0.1),
        ([1.2, 1.3, 1.4], "worse", 0.3),
        ([0.5, 0.6, 0.7], "better", -0.4),
        # Its own spread reaches back to the old median.
        ([0.9, 1.3, 1.4], "within the spread", 0.3),
        ([2.0, 2.0], "too few samples", 1.0),
    ],
)
def test_only_what_lies_beyond_both_spreads_is_marked(
    make_result: Callable[..., Result], samples: list[float], verdict: str, relative: float
) -> None:
    found = change(make_result(), make_result(samples=samples), "load")
    assert found.verdict == verdict
    assert found.change == pytest.approx(relative)


def test_more_is_better_where_the_figure_says_so(make_result: Callable[..., Result]) -> None:
    def rate(samples: list[float]) -> Result:
        return make_result(
            figures=[Figure(key="r", name="R", unit="rows/s", samples=samples, better="higher")]
        )

    assert change(rate([1.0, 1.0, 1.0]), rate([2.0, 2.0, 2.0]), "r").verdict == "better"
    assert change(rate([2.0, 2.0, 2.0]), rate([1.0, 1.0, 1.0]), "r").verdict == "worse"


def test_of_different_machines_only_ratios_are_compared(make_result: Callable[..., Result]) -> None:
    changes = compare(make_result(), make_result(cpu="Slow 3", samples=[9.0, 9.0, 9.0]))
    assert not changes.same_machine
    assert [each.key for each in changes.changes] == ["size", "ab"]
    assert changes.left_out == ["load"]
    assert changes.conditions["cpu"] == ("Fast 9000", "Slow 3")


def test_a_new_kernel_is_the_same_machine_and_is_said(make_result: Callable[..., Result]) -> None:
    newer = Machine(cpu="Fast 9000", cores=2, memory_gib=24.1, system="Linux 7", load_before=0.0)
    changes = compare(make_result(), make_result(machine=newer))
    assert changes.same_machine
    assert changes.conditions["system"] == ("Linux 6", "Linux 7")


@pytest.mark.parametrize(
    "other",
    [
        Machine(cpu="Fast 9000", cores=4, memory_gib=24.0, system="Linux 6", load_before=0.1),
        Machine(cpu="Fast 9000", cores=2, memory_gib=16.0, system="Linux 6", load_before=0.1),
    ],
)
def test_more_cores_or_memory_are_another_machine(make_result: Callable[..., Result], other: Machine) -> None:
    assert not compare(make_result(), make_result(machine=other)).same_machine


def test_changed_versions_and_settings_are_said(make_result: Callable[..., Result]) -> None:
    new = make_result(versions={"python": "3.14", "duckdb": "2"}, settings={"rows": "20"})
    assert compare(make_result(), new).conditions == {
        "python": ("3.11", "3.14"),
        "duckdb": ("-", "2"),
        "rows": ("10", "20"),
    }


def test_what_came_and_went_is_said(make_result: Callable[..., Result]) -> None:
    fewer = make_result(comparisons=[])
    assert compare(make_result(), fewer).only_old == ["ab"]
    assert compare(fewer, make_result()).only_new == ["ab"]


@pytest.mark.parametrize(("what", "value"), [("bench", "growth"), ("scale", "full"), ("seed", 2)])
def test_other_questions_are_not_compared(
    make_result: Callable[..., Result], what: str, value: object
) -> None:
    with pytest.raises(NotComparable, match=f"the {what} is"):
        compare(make_result(), make_result(**{what: value}))
