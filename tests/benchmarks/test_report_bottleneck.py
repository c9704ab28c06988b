"""The prose about the bottleneck is filled from the result, and cannot say what the result does not."""

import re
from collections.abc import Callable
from typing import get_args

import pytest

from benchmarks.frame.figures import Figure, Hot, Profile, Result
from benchmarks.profiling import Bottleneck, Limit
from benchmarks.report import bottleneck
from benchmarks.report.shelf import Shelf, Unmeasured

Make = Callable[..., Result]
CPU_US = {"api": 30.0, "broker": 10.0, "etl": 40.0, "warehouse": 20.0}


def said(role: str, limit: Limit = "its one core") -> str:
    return str(Bottleneck(role, limit, busy=0.97, of=1, share=0.62))


def measured(make_result: Make, *, without: str = "", note: str = "") -> Shelf:
    """A result of the pipeline with every figure the prose may speak of, each with its own number."""
    figures = [
        Figure(key=f"pipeline.cpu.{process}", name="-", unit="µs", samples=[cpu_us])
        for process, cpu_us in CPU_US.items()
    ]
    figures += [
        Figure(key=f"pipeline.busy.{process}", name="-", unit="% of a core", samples=[busy])
        for process, busy in (("api", 97.0), ("broker", 31.0), ("etl", 88.0), ("warehouse", 52.0))
    ]
    figures.append(
        Figure(key=bottleneck.VERDICT, name="-", unit="% of a core", samples=[97.0], note=note or said("api"))
    )
    asked = re.findall(r'"(pipeline\.[\w.]+)"', bottleneck.FRAGMENT.read_text(encoding="utf-8"))
    figures += [
        Figure(key=key, name="-", unit="s", samples=[7.0 + place])
        for place, key in enumerate(dict.fromkeys(asked))
    ]
    profiles = [
        Profile(
            process="api",
            cpu_s=3.0,
            busy=0.9,
            hot=[Hot(function="second (b.py)", share=0.2), Hot(function="first (a.py)", share=0.5)],
        ),
        Profile(process="broker", cpu_s=1.0, busy=0.3, hot=[]),
    ]
    return Shelf(
        [
            make_result(
                bench="pipeline",
                figures=[each for each in figures if each.key != without],
                comparisons=[],
                profiles=profiles,
                settings={"users": "10000"},
            )
        ]
    )


def test_the_processes_stand_by_what_they_cost(make_result: Make) -> None:
    found = bottleneck.parts(measured(make_result))
    assert [each.process for each in found] == ["etl", "api", "warehouse", "broker"]
    assert [each.cpu for each in found] == ["40.0 µs", "30.0 µs", "20.0 µs", "10.0 µs"]
    assert [each.share for each in found] == ["40%", "30%", "20%", "10%"]
    assert [each.busy for each in found] == ["88%", "97%", "52%", "31%"]
    assert [hot.function for hot in found[1].hot] == ["first (a.py)", "second (b.py)"]
    assert found[0].hot == found[3].hot == []


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        ("its one core", "The {} is full: it sets the pace"),
        ("all cores of the machine", "All cores are at work, and the {} takes most of them"),
        ("none: it waits", "Nothing is full: the path waits, and the {} is nearest to its limit"),
    ],
)
@pytest.mark.parametrize(("role", "name"), [("api", "collector"), ("generator", "bench's generator")])
def test_what_the_bench_says_of_the_bottleneck_is_understood(
    make_result: Make, role: str, name: str, limit: Limit, sentence: str
) -> None:
    found = bottleneck.verdict(measured(make_result, note=said(role, limit)))
    assert (found.process, found.share) == (role, "62%")
    assert found.sentence == sentence.format(name)


def test_every_limit_the_bench_knows_is_understood() -> None:
    assert set(bottleneck.LIMITS) == set(get_args(Limit))


def test_another_way_to_say_it_is_not_guessed_at(make_result: Make) -> None:
    with pytest.raises(Unmeasured, match="does not say what set the pace but 'the moon'"):
        bottleneck.verdict(measured(make_result, note="the moon"))


@pytest.mark.parametrize(
    ("role", "limit", "words"),
    [
        ("api", "its one core", "`UGC_API_WORKERS`"),
        ("api", "all cores of the machine", "clients that batch"),
        ("etl", "its one core", "takes over half of the partitions"),
        ("etl", "all cores of the machine", "pass through undecoded"),
        ("warehouse", "all cores of the machine", "second shard"),
        ("broker", "all cores of the machine", "second broker"),
        ("etl", "none: it waits", "Work in progress"),
        ("generator", "its one core", "a lower bound of the product's"),
        ("bench", "none: it waits", "a lower bound of the product's"),
    ],
)
def test_the_remedy_is_the_one_for_what_was_found(
    make_result: Make, role: str, limit: Limit, words: str
) -> None:
    page = bottleneck.filled(measured(make_result, note=said(role, limit)))
    remedy = page.split("**How we would remove it.**")[1]
    assert words in remedy
    # A worker more helps nobody when every core is at work.
    if limit != "its one core":
        assert "under one lock" not in remedy


def test_the_page_has_the_figures_of_the_result(make_result: Make) -> None:
    page = bottleneck.filled(measured(make_result))
    assert page.startswith("**The collector is full: it sets the pace.** So it is for 62% of the time.")
    assert "| ETL | 40.0 µs | 40% | 88% |\n| collector | 30.0 µs | 30% | 97% |" in page
    assert "| collector | `first (a.py)` | 50% |\n| collector | `second (b.py)` | 20% |" in page
    assert "{" not in page
    assert "Undefined" not in page


def test_tables_of_the_page_have_no_hole(make_result: Make) -> None:
    """A blank line inside would end the table and leave the rest of it as text."""
    lines = bottleneck.filled(measured(make_result)).splitlines()
    for before, line in zip(["", *lines], lines, strict=False):
        if line.startswith("|---"):
            assert before.startswith("| ")
    for at, line in enumerate(lines):
        if line.startswith("| ") and not lines[at - 1].startswith("|"):
            assert lines[at + 1].startswith("|---")


def asked_for() -> list[str]:
    text = bottleneck.FRAGMENT.read_text(encoding="utf-8")
    keys = re.findall(r'"(pipeline\.[\w.]+)"', text)
    fixed = [f"pipeline.{what}.{process}" for what in ("cpu", "busy") for process in bottleneck.PROCESSES]
    return list(dict.fromkeys([*keys, *fixed, bottleneck.VERDICT]))


@pytest.mark.parametrize("key", asked_for())
def test_a_figure_that_is_absent_is_named(make_result: Make, key: str) -> None:
    with pytest.raises(Unmeasured, match=f"no figure {key} .*: python -m benchmarks run pipeline"):
        bottleneck.filled(measured(make_result, without=key))


def test_a_bench_that_was_not_run_is_named() -> None:
    with pytest.raises(Unmeasured, match="bench pipeline has no result"):
        bottleneck.filled(Shelf([]))


@pytest.mark.parametrize(
    ("fragment", "words"),
    [
        ("{{ figur('pipeline.cpu.api') }}", "figur"),
        ("{{ processes[9].cpu }}", "9"),
        ("{{ bottleneck.colour }}", "colour"),
        ("{% if %}", "Expected an expression"),
    ],
)
def test_a_wrong_word_in_the_prose_is_said(make_result: Make, fragment: str, words: str) -> None:
    with pytest.raises(bottleneck.BadFragment, match=words):
        bottleneck.filled(measured(make_result), fragment)


def test_every_word_of_the_vocabulary_works(make_result: Make) -> None:
    shelf = measured(make_result)
    filled = bottleneck.filled(
        shelf,
        "{{ figure('pipeline.cpu.etl') }} {{ p95('pipeline.cpu.etl') }} {{ setting('users') }} "
        "{{ times('pipeline.cpu.etl', 'pipeline.cpu.broker') }} {{ machine.cores }} {{ part.etl.cpu }} "
        "{{ share('pipeline.cpu.broker', 'pipeline.cpu.etl') }}",
    )
    assert filled == "40.0 µs 40.0 µs 10000 4.00x 2 40.0 µs 25%"
    with pytest.raises(Unmeasured, match="no setting 'nonsense'"):
        bottleneck.filled(shelf, "{{ setting('nonsense') }}")


def test_the_prose_holds_no_figure_of_its_own() -> None:
    text = bottleneck.FRAGMENT.read_text(encoding="utf-8")
    prose = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|`[^`]*`", "", text, flags=re.DOTALL)
    # Of numbers only the names of decisions may stand there.
    assert re.findall(r"(?<!ADR-)\b\d[\d.,]*", prose) == []
