"""What capacity rests on is there and in its unit, or one line says which bench to run or what to mend."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.capacity import assumptions, measured, show
from benchmarks.frame import results
from benchmarks.frame.figures import Figure, Machine, Result
from benchmarks.report.shelf import Shelf, Unmeasured, bench_of

Make = Callable[..., Result]


def with_needs(make_result: Make, *, without: str = "", unit: str = "", bench: str = "") -> list[Result]:
    """A result for each bench that capacity needs, every figure with samples 1, 2, 6 times its place."""
    figures: dict[str, list[Figure]] = {}
    for place, need in enumerate(measured.NEEDS.values(), 1):
        if need.key != without:
            made = Figure(
                key=need.key,
                name=need.what,
                unit=unit or need.unit,
                samples=[float(place), 2.0 * place, 6.0 * place],
            )
            figures.setdefault(bench_of(need.key), []).append(made)
    return [
        make_result(bench=name, figures=found, comparisons=[])
        for name, found in figures.items()
        if name != bench
    ]


@pytest.fixture
def directory(tmp_path: Path, make_result: Make) -> Path:
    for each in with_needs(make_result):
        results.write(each, tmp_path)
    return tmp_path


def test_every_input_is_the_median_of_its_figure(make_result: Make) -> None:
    found = measured.gather(Shelf(with_needs(make_result)))
    for place, name in enumerate(measured.NEEDS, 1):
        assert getattr(found, name) == 2.0 * place
    assert found.machine_cores == 2


@pytest.mark.parametrize("key", [need.key for need in measured.NEEDS.values()])
def test_a_missing_figure_names_itself_and_its_bench(make_result: Make, key: str) -> None:
    with pytest.raises(Unmeasured) as refused:
        measured.gather(Shelf(with_needs(make_result, without=key)))
    assert key in str(refused.value)
    assert f"python -m benchmarks run {bench_of(key)}" in str(refused.value)
    assert str(refused.value).count("run ") == 1


@pytest.mark.parametrize("bench", measured.benches())
def test_a_bench_that_was_not_run_is_named(make_result: Make, bench: str) -> None:
    with pytest.raises(Unmeasured, match=f"python -m benchmarks run {bench}"):
        measured.gather(Shelf(with_needs(make_result, bench=bench)))


def test_a_figure_in_another_unit_is_not_counted(make_result: Make) -> None:
    with pytest.raises(Unmeasured, match="is in furlongs and capacity counts it in"):
        measured.gather(Shelf(with_needs(make_result, unit="furlongs")))


def test_a_log_that_grows_beyond_its_events_is_not_believed(make_result: Make) -> None:
    shelf = Shelf(with_needs(make_result))
    figures = shelf.bench("pipeline").figures
    at = next(n for n, each in enumerate(figures) if each.key == "pipeline.bytes.log")
    figures[at] = Figure(key="pipeline.bytes.log", name="-", unit="bytes", samples=[1_452.0])
    with pytest.raises(Unmeasured, match=r"pipeline\.bytes\.log says 1,452 bytes on disk for an event of 12"):
        measured.gather(shelf)


def test_figures_of_two_machines_are_not_added_up(make_result: Make) -> None:
    first, *others = with_needs(make_result)
    foreign = make_result(
        bench=first.bench,
        figures=first.figures,
        comparisons=[],
        machine=Machine(cpu="Slow 1", cores=1, memory_gib=1.0, system="Linux 6", load_before=0.0),
    )
    if others:
        with pytest.raises(Unmeasured, match="different machines"):
            measured.gather(Shelf([foreign, *others]))
    else:
        assert measured.gather(Shelf([foreign])).machine_cores == 1


def test_the_command_prints_every_step(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show.main(["--results", str(directory)]) == 0
    printed = capsys.readouterr().out
    for words in ("1x", "100x", "10,000x", "collectors", "a million events", "load.peak_factor"):
        assert words in printed


def test_the_command_says_the_same_as_json(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert show.main(["--results", str(directory), "--json"]) == 0
    paper = json.loads(capsys.readouterr().out)
    assert [each["multiple"] for each in paper["plans"]] == [1, 100, 10_000]
    assert paper["plans"][0]["fleets"][0]["name"] == "collector"
    assert paper["partitions"] == 4
    assert paper["assumptions"]["load"]["daily_users"]["value"] == 10_000
    assert paper["measured"]["machine_cores"] == 2


def test_the_command_without_results_says_what_to_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show.main(["--results", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "measure it: python -m benchmarks run" in said.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("value = 10_000, unit", "value = 0, unit", "load.daily_users is 0; it must be above 0"),
        ("value = 0.6, unit", "value = 6, unit", "a share is at most 1"),
        ("value = 5, unit", "value = nan, unit", "load.peak_factor is nan"),
        ("value = 700, unit", "value = 3_000, unit", "leaves no byte"),
        ("log_copies = 3", "log_copies = 0", "less than one"),
        ("daily_users", "dayly_users", "dayly_users"),
        ('unit = "users a day"', 'unity = "users a day"', "unity"),
    ],
)
def test_an_assumption_nobody_can_use_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = assumptions.FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(assumptions.BadAssumption, match=words):
        assumptions.read(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(assumptions.BadAssumption, match="No such file"):
        assumptions.read(tmp_path / "nothing.toml")


def test_every_assumption_has_its_reason() -> None:
    given = assumptions.read()
    for name, each in assumptions.listed(given):
        assert len(each.why) > 10, name
        assert each.unit, name
    assert all(step.why for step in given.step)


def test_an_assumption_can_be_replaced(
    directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine.toml"
    text = assumptions.FILE.read_text(encoding="utf-8")
    mine.write_text(text.replace("daily_users = { value = 10_000", "daily_users = { value = 20_000"))
    paper = []
    for arguments in ([], ["--assumptions", str(mine)]):
        assert show.main(["--results", str(directory), "--json", *arguments]) == 0
        paper.append(json.loads(capsys.readouterr().out))
    old, new = (each["plans"][0]["rate"]["peak_s"] for each in paper)
    assert new == pytest.approx(2 * old)
