"""Numbers on a page read well, and no text breaks out of its cell."""

import pytest

from benchmarks import published
from benchmarks.frame.figures import Target
from benchmarks.report import words


@pytest.mark.parametrize(
    ("value", "unit", "read"),
    [
        (0.0, "s", "0 µs"),
        (0.000_002_1, "s", "2.10 µs"),
        (0.0938, "s", "93.8 ms"),
        (46.64, "s", "46.6 s"),
        (192, "s", "3.20 min"),
        (512, "bytes", "512 B"),
        (3 * 2**30, "bytes", "3.00 GiB"),
        (1_234_567, "rows/s", "1,234,567 rows/s"),
        (0.036, "x", "0.036x"),
        (1.283, "x", "1.28x"),
        (0.000_04, "units", "0.00004 units"),
        (2.5, "", "2.50"),
    ],
)
def test_a_quantity_is_read_in_a_unit_that_fits(value: float, unit: str, read: str) -> None:
    assert words.quantity(value, unit) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(4_754_330, "4.75M"), (641_999, "642k"), (9_999, "9,999"), (50.06, "50.1"), (2e9, "2G")],
)
def test_where_there_is_little_room_thousands_are_a_letter(value: float, read: str) -> None:
    assert words.rounded(value) == read


@pytest.mark.parametrize(("share", "read"), [(0.0, "0%"), (0.004, "0.4%"), (0.12, "12%"), (1.5, "150%")])
def test_a_share_is_read_as_percents(share: float, read: str) -> None:
    assert words.percent(share) == read


def test_a_target_says_whether_it_was_reached() -> None:
    limit = Target(limit=15)
    assert words.target(None, better="lower", reached=None, unit="s") == ""
    assert words.target(limit, better="lower", reached=True, unit="s") == "≤ 15 s: reached"
    small = Target(limit=1 / 1.7)
    assert words.target(small, better="lower", reached=True, unit="x") == "≤ 0.588x: reached"
    heavy = Target(limit=1536)
    assert words.target(heavy, better="lower", reached=False, unit="MiB") == "≤ 1,536 MiB: **missed**"
    assert words.target(limit, better="higher", reached=False, unit="x") == "≥ 15x: **missed**"


def test_a_table_is_one_whatever_it_holds() -> None:
    made = words.table(("name", ">value"), [("a | b", "1\n2"), ("c", "")])
    assert made.splitlines() == ["| name | value |", "|---|---:|", "| a \\| b | 1 2 |", "| c |  |"]


def test_what_was_published_elsewhere_is_as_it_was_published() -> None:
    assert [(each.engine, each.value_s) for each in published.of("insert")] == [
        ("ClickHouse", 46.64),
        ("Vertica", 100.43),
    ]
    assert [(each.engine, each.value_s) for each in published.of("aggregate")] == [
        ("ClickHouse", 0.27),
        ("Vertica", 0.73),
    ]
