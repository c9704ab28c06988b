"""A bench nobody has heard of is shown whole: every figure, ratio, check, skip and setting it has."""

from collections.abc import Callable

import pytest

from benchmarks.frame.figures import (
    Baseline,
    Check,
    Comparison,
    Cost,
    Figure,
    Hot,
    Pair,
    Profile,
    Result,
    Skip,
    Target,
)
from benchmarks.report import sections

Make = Callable[..., Result]


def figure(key: str, *samples: float, **changes: object) -> Figure:
    return Figure(key=key, name=f"the {key}", unit="s", samples=list(samples or (1.0,)), **changes)  # type: ignore[arg-type]


def rows(page: str, beginning: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith(f"| {beginning}")]


@pytest.fixture
def page(make_result: Make) -> str:
    pair = Pair(
        a=Cost(
            wall_s=2, cpu_s={"etl": 1.0, "warehouse": 2.0}, rss_peak_bytes={"etl": 2**28}, units=1_000_000
        ),
        b=Cost(wall_s=4, cpu_s={"warehouse": 6.0}, rss_peak_bytes={"warehouse": 2**30}, units=1_000_000),
        baseline_s=[1.0, 1.0],
    )
    against = Comparison(
        key="tides.against",
        name="Draining",
        a="ours",
        b="theirs",
        unit="row",
        pairs=[pair] * 7,
        target=Target(limit=0.6, gates=True),
        retaken=2,
        note="both warm",
    )
    return sections.section(
        make_result(
            bench="tides",
            asks="How high?",
            figures=[
                figure("tides.first", 2.0, 3.0, 4.0, target=Target(limit=2.5), note="a note", retaken=3),
                figure("tides.load.small", 0.002),
                figure("tides.load.large", 0.004),
                figure("tides.lonely.one"),
            ],
            comparisons=[against],
            checks=[
                *[Check(what="rows in", expected="10", found="10")] * 2,
                Check(what="sum", expected="5", found="5"),
            ],
            skipped=[Skip(what="Vertica", reason="VERTICA_DSN is not set")],
            versions={"ugc": "0.1 abc"},
            settings={"rows": "10"},
            baseline=Baseline(samples_s=[1.0, 1.1, 1.0], drift_max=0.25),
            profiles=[
                Profile(
                    process="api", cpu_s=3.0, busy=0.97, hot=[Hot(function="read (events.py)", share=0.4)]
                )
            ],
        )
    )


def test_it_says_what_was_asked_and_under_what_it_was_taken(page: str) -> None:
    assert page.startswith("## Tides\n\n*How high?*")
    for said in ("Scale quick, seed 1", "2026-11-01", "Fast 9000, 2 cores, 24 GiB", "moved by 10%; at 25%"):
        assert said in page


def test_a_figure_has_its_middle_its_spread_and_its_target(page: str) -> None:
    assert rows(page, "the tides.first") == [
        "| the tides.first<br>*a note* | 3.00 s | 4.00 s | 67% | 3 (+3 taken again) "  # noqa: ISC004 - one row
        "| ≤ 2.5 s: **missed** | `tides.first` |"
    ]
    assert rows(page, "the tides.load.small") == [
        "| the tides.load.small | 2.00 ms |  |  | 1 |  | `tides.load.small` |"
    ]


def test_figures_that_share_a_word_stand_together_under_it(page: str) -> None:
    heading = page.index("### Load")
    assert heading < page.index("tides.load.small") < page.index("tides.load.large")
    assert page.index("tides.lonely.one") < heading
    assert "### Lonely" not in page


def test_a_comparison_has_both_ratios_its_target_and_what_each_side_took(page: str) -> None:
    assert rows(page, "Draining") == [
        "| Draining: ours / theirs<br>*both warm* | **0.50x** | 0.50x | 0.50x to 0.50x "  # noqa: ISC004
        "| 7 (+2 taken again) "
        "| ≤ 0.6x: reached | `tides.against` |"
    ]
    assert rows(page, "ours") == [
        "| ours | 2.00 µs | 3.00 µs | warehouse 2.00 µs, etl 1.00 µs | etl 256 MiB |"
    ]
    assert rows(page, "theirs") == ["| theirs | 4.00 µs | 6.00 µs | warehouse 6.00 µs | warehouse 1.00 GiB |"]


def test_what_was_skipped_checked_profiled_and_set_is_there(page: str) -> None:
    assert rows(page, "Vertica") == ["| Vertica | VERTICA_DSN is not set |"]
    assert "3 checks held" in page
    assert rows(page, "rows in") == ["| rows in | 10 | 10 | 2 |"]
    assert rows(page, "api") == ["| api | 3.00 s | 97% | 40% `read (events.py)` |"]
    assert rows(page, "ugc") == ["| ugc | 0.1 abc |"]
    assert rows(page, "rows |") == ["| rows | 10 |"]


def test_nothing_is_said_of_what_there_is_not(make_result: Make) -> None:
    bare = sections.section(make_result(figures=[], comparisons=[], settings={}))
    for heading in ("Held against", "Where the time goes", "Not run here", "| setting |"):
        assert heading not in bare


def test_every_figure_of_a_result_is_on_the_page(make_result: Make) -> None:
    keys = ["b.one", "b.x.a", "b.x.b", "b.x.c.d", "b.y.a", "b", "b.x"]
    made = sections.section(make_result(bench="b", figures=[figure(key) for key in keys], comparisons=[]))
    for key in keys:
        assert made.count(f"`{key}` |") == 1


def test_cpu_is_by_process_and_unit_the_most_first() -> None:
    costs = [
        Cost(wall_s=1, cpu_s={"a": 1.0, "b": 8.0, "idle": 0.0}, units=2),
        Cost(wall_s=1, cpu_s={"a": 3.0, "b": 2.0}, units=2),
        Cost(wall_s=1, cpu_s={"a": 2.0, "b": 6.0}, units=2),
    ]
    assert list(sections.cpu_by_role(costs).items()) == [("b", 3.0), ("a", 1.0)]
