"""The page, the pictures and the README's table say what the results say, or are called stale by name."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.capacity import measured
from benchmarks.frame import results
from benchmarks.frame.figures import Comparison, Cost, Figure, Machine, Pair, Result, Target
from benchmarks.profiling import Bottleneck
from benchmarks.report import bottleneck, command, readme, write
from benchmarks.report.shelf import Shelf, Unmeasured, bench_of

Make = Callable[..., Result]
ROOT = Path(__file__).parents[2]
README = f"# Us\n\nBefore.\n\n{readme.BEGIN}old table\n{readme.END}\n\nAfter.\n"


def pipeline_keys() -> dict[str, str]:
    """Every figure of the pipeline that some page needs, and its unit."""
    keys = {need.key: need.unit for need in measured.NEEDS.values()}
    text = bottleneck.FRAGMENT.read_text(encoding="utf-8")
    keys |= dict.fromkeys(re.findall(r'"(pipeline\.[\w.]+)"', text), "s") | keys
    for process in bottleneck.PROCESSES:
        keys.setdefault(bottleneck.CPU.format(process=process), "µs")
        keys.setdefault(bottleneck.BUSY.format(process=process), "% of a core")
    return {key: unit for key, unit in keys.items() if bench_of(key) == "pipeline"}


@pytest.fixture
def all_results(make_result: Make) -> list[Result]:
    figures = [
        Figure(key=key, name=f"the {key}", unit=unit, samples=[float(place), place + 0.5, place + 2.0])
        for place, (key, unit) in enumerate(pipeline_keys().items(), 1)
    ]
    pace = str(Bottleneck("api", "its one core", busy=0.9, of=1, share=0.7))
    figures.append(Figure(key=bottleneck.VERDICT, name="-", unit="% of a core", samples=[90.0], note=pace))
    startup = [
        Figure(
            key="startup.ready",
            name="start → ready",
            unit="s",
            samples=[6.0, 5.0, 7.5],
            target=Target(limit=5),
        )
    ]
    return [
        make_result(bench="pipeline", scale="standard", figures=figures, comparisons=[]),
        make_result(bench="startup", scale="standard", figures=startup, comparisons=[]),
        make_result(bench="tides", scale="standard", figures=[], comparisons=[]),
    ]


@pytest.fixture
def root(tmp_path: Path, all_results: list[Result]) -> Path:
    for each in all_results:
        results.write(each, tmp_path / write.RESULTS)
    (tmp_path / write.README).write_text(README, encoding="utf-8")
    write.write(tmp_path)
    return tmp_path


def test_what_this_repository_shows_is_what_was_measured() -> None:
    assert write.stale(ROOT) == []


def test_what_was_written_is_fresh_and_not_written_again(root: Path) -> None:
    assert write.stale(root) == []
    assert write.write(root) == []


def test_it_says_what_it_wrote(tmp_path: Path, all_results: list[Result]) -> None:
    for each in all_results:
        results.write(each, tmp_path / write.RESULTS)
    (tmp_path / write.README).write_text(README, encoding="utf-8")
    written = [path.relative_to(tmp_path).as_posix() for path in write.write(tmp_path)]
    assert written == ["benchmarks/RESULTS.md", "README.md", "benchmarks/results/plots/path.svg"]


@pytest.mark.parametrize("name", ["benchmarks/RESULTS.md", "README.md", "benchmarks/results/plots/path.svg"])
def test_a_page_of_yesterday_is_named(root: Path, name: str, all_results: list[Result]) -> None:
    fresh = (root / name).read_bytes()
    older = [
        Result(
            **{field: getattr(each, field) for field in each.__struct_fields__} | {"started_at": "2026-10-01"}
        )
        for each in all_results
    ]
    for each in older:
        results.write(each, root / write.RESULTS)
    assert f"{name} is not what the results say; run: python -m benchmarks report" in write.stale(root)
    assert root / name in write.write(root)
    assert write.stale(root) == []
    assert (root / name).read_bytes() != fresh


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command_checks_writes_and_says_so(
    root: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    def call(*arguments: str) -> tuple[int, str]:
        more = ["--json"] if as_json else []
        code = command.report.main(["--root", str(root), *arguments, *more], standalone_mode=False)
        return code, capsys.readouterr().out

    (root / write.PAGE).unlink()
    code, said = call("--check")
    assert code == 1
    assert "benchmarks/RESULTS.md is not what the results say; run: python -m benchmarks report" in said
    assert not (root / write.PAGE).exists()
    code, said = call()
    assert code == 0
    assert "benchmarks/RESULTS.md" in said
    assert (root / write.PAGE).exists()
    code, said = call("--check")
    assert code == 0
    assert "RESULTS" not in said


@pytest.mark.parametrize("name", ["benchmarks/RESULTS.md", "benchmarks/results/plots/path.svg"])
def test_a_page_that_is_gone_is_named(root: Path, name: str) -> None:
    (root / name).unlink()
    assert [line.split()[0] for line in write.stale(root)] == [name]


def test_a_figure_changed_by_hand_is_named(root: Path) -> None:
    page, front = root / write.PAGE, root / write.README
    page.write_text(page.read_text().replace("6.00 s", "1.00 s"))
    front.write_text(front.read_text().replace("6.00 s", "1.00 s"))
    assert [line.split()[0] for line in write.stale(root)] == ["benchmarks/RESULTS.md", "README.md"]


def test_a_picture_nobody_draws_any_more_is_named_and_removed(root: Path) -> None:
    left = root / write.PICTURES / "moon.svg"
    left.write_bytes(b"<svg></svg>")
    assert [line.split()[0] for line in write.stale(root)] == ["benchmarks/results/plots/moon.svg"]
    assert write.write(root) == [left]
    assert not left.exists()


def test_without_results_there_is_nothing_to_write_and_nothing_stale(tmp_path: Path) -> None:
    (tmp_path / write.README).write_text(README, encoding="utf-8")
    assert write.stale(tmp_path) == []
    with pytest.raises(Unmeasured, match="make bench"):
        write.write(tmp_path)
    assert (tmp_path / write.README).read_text(encoding="utf-8") == README


def test_a_page_about_nothing_is_stale(root: Path) -> None:
    for each in (root / write.RESULTS).glob("*.json"):
        each.unlink()
    names = [line.split()[0] for line in write.stale(root)]
    assert names == ["benchmarks/results/plots/path.svg", "benchmarks/RESULTS.md"]


def test_nothing_is_drawn_to_see_whether_it_is_fresh(root: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from benchmarks.report import write; "
        "print(write.stale(Path(sys.argv[1])), 'matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(root)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[] False"


def test_the_page_has_every_bench_picture_and_part(root: Path) -> None:
    page = (root / write.PAGE).read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert headings[:3] == ["How to run it again", "How to read it", "What was run"]
    assert set(headings[3:6]) == {"Startup", "Pipeline", "Tides"}
    assert headings[6:] == ["What is the bottleneck, and how we would remove it", "Capacity on paper"]
    for link in re.findall(r'src="([^"]+)"', page):
        assert (root / write.PAGE).parent.joinpath(link).is_file()
    assert "**The collector is full: it sets the pace.** So it is for 70% of the time" in page
    assert "10,000x" in page
    for line in re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", page):
        assert line[1] in {re.sub(r"[^\w-]", "", each.lower().replace(" ", "-")) for each in headings}


def test_a_table_on_the_page_has_as_many_cells_in_every_row(root: Path) -> None:
    columns = 0
    for line in (root / write.PAGE).read_text(encoding="utf-8").splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not columns or not cells or cells == columns, line
        columns = cells


def test_a_bench_that_is_not_there_yet_leaves_its_part_open(root: Path) -> None:
    (root / write.RESULTS / "pipeline.standard.json").unlink()
    write.write(root)
    page = (root / write.PAGE).read_text(encoding="utf-8")
    assert page.count("Not measured yet: `python -m benchmarks run pipeline`.") == 2
    assert not list((root / write.PICTURES).glob("*.svg"))


@pytest.mark.parametrize("key", ["pipeline.cpu.etl", "pipeline.bytes.raw", bottleneck.VERDICT])
def test_a_bench_that_lacks_a_figure_the_page_speaks_of_fails_by_its_name(root: Path, key: str) -> None:
    file = root / write.RESULTS / "pipeline.standard.json"
    whole = results.read(file)
    results.write(
        Result(
            **{field: getattr(whole, field) for field in whole.__struct_fields__}
            | {"figures": [each for each in whole.figures if each.key != key]}
        ),
        file.parent,
    )
    with pytest.raises(Unmeasured, match=f"{key}.*python -m benchmarks run pipeline"):
        write.stale(root)


def test_published_figures_stand_beside_ours_and_are_marked(root: Path, make_result: Make) -> None:
    load = Figure(key="storage.insert.duckdb", name="DuckDB, insert 500 rows", unit="s", samples=[1.5])
    answers = [
        Figure(
            key=f"storage.aggregate.duckdb_{n}", name=f"DuckDB, aggregate, {n}", unit="s", samples=[0.1 * n]
        )
        for n in (10, 2)
    ]
    results.write(
        make_result(
            scale="standard",
            figures=[load, *answers],
            comparisons=[],
            settings={"data, rows": "500 in chunks"},
        ),
        root / write.RESULTS,
    )
    write.write(root)
    page = (root / write.PAGE).read_text(encoding="utf-8")
    where = "the owner's earlier run: official images, another machine, 8 threads"
    for row in (
        "| DuckDB | 500 | 1.50 s | 1.00 s, 10 threads | here, Fast 9000, 2 cores, 24 GiB, Linux 6 |",
        f"| ClickHouse | 10,000,000 | 46.64 s | 0.27 s | **published**: {where} |",
        f"| Vertica | 10,000,000 | 100.43 s | 0.73 s | **published**: {where} |",
    ):
        assert row in page
    assert "no ratio on this page is made of both" in page


def test_a_bench_run_at_two_scales_has_two_sections(root: Path, make_result: Make) -> None:
    results.write(make_result(bench="tides", scale="quick", figures=[], comparisons=[]), root / write.RESULTS)
    write.write(root)
    page = (root / write.PAGE).read_text(encoding="utf-8")
    assert "\n## Tides\n" in page
    assert "\n## Tides, quick\n" in page
    assert "(#tides-quick)" in page


def test_the_readme_keeps_everything_but_its_table(root: Path) -> None:
    page = (root / write.README).read_text(encoding="utf-8")
    before, rest = page.split(readme.BEGIN)
    table, after = rest.split(readme.END)
    assert before == "# Us\n\nBefore.\n\n"
    assert after == "\n\nAfter.\n"
    assert "old table" not in page
    assert "| start → ready | 6.00 s | 5.00 to 7.50 s | 3 | ≤ 5 s: **missed** |" in table
    assert "Measured 2026-11-01 on Fast 9000, 2 cores, 24 GiB, Linux 6." in table
    assert f"]({readme.LINK})" in table


def test_a_readme_without_a_place_is_refused(root: Path) -> None:
    (root / write.README).write_text("# Us\n")
    with pytest.raises(readme.NoBlock, match="has no <!-- figures -->"):
        write.stale(root)


def test_the_readme_says_what_was_measured_small_or_on_another_machine(make_result: Make) -> None:
    slow = Machine(cpu="Slow 1", cores=1, memory_gib=1.0, system="Linux 6", load_before=0.0)
    ready = Figure(key="startup.ready", name="start → ready", unit="s", samples=[6.0])
    pair = Pair(a=Cost(wall_s=1, cpu_s={"a": 1.0}), b=Cost(wall_s=1, cpu_s={"b": 2.0}), baseline_s=[1.0, 1.0])
    drained = Comparison(
        key="kafka_engine.etl.uuid7.tuned",
        name="Draining",
        a="ours",
        b="theirs",
        unit="row",
        pairs=[pair] * 7,
    )
    shelf = Shelf(
        [
            make_result(bench="startup", figures=[ready], comparisons=[]),
            make_result(
                bench="kafka_engine", scale="standard", figures=[], comparisons=[drained], machine=slow
            ),
        ]
    )
    table = readme.block(shelf)
    assert "| start → ready (scale quick) | 6.00 s |  | 1 |  |" in table
    assert "| 0.50x | 0.50x to 0.50x | 7 pairs |  |" in table
    assert "on Fast 9000, 2 cores, 24 GiB, Linux 6 and on Slow 1, 1 core, 1 GiB, Linux 6." in table


def test_the_readme_shows_answers_of_the_most_threads(make_result: Make) -> None:
    answers = [
        Figure(key=f"storage.aggregate{key}", name=f"answer{key}", unit="s", samples=[1.0])
        for key in (".duckdb_1", ".duckdb_10", ".duckdb_2", ".postgres_2", "_cpu.duckdb_64", "_cold.duckdb")
    ]
    table = readme.block(Shelf([make_result(scale="standard", figures=answers, comparisons=[])]))
    assert [line.split(" | ")[0] for line in table.splitlines() if "answer" in line] == [
        "| answer.duckdb_10",
        "| answer.postgres_2",
    ]


def test_the_readme_shows_the_scale_that_a_target_speaks_of(make_result: Make) -> None:
    def ran(scale: str) -> Result:
        keys = ("ids.new.uuid7.wall", "ids.new.uuid4.wall")
        figures = [Figure(key=key, name=f"{scale} {key}", unit="s", samples=[1.0]) for key in keys]
        return make_result(bench="ids", scale=scale, figures=figures, comparisons=[])

    def shown(*results: Result) -> list[str]:
        return [line.split(" | ")[0] for line in readme.block(Shelf(results)).splitlines() if " ids." in line]

    assert shown(ran("standard"), ran("full")) == [
        "| full ids.new.uuid7.wall (scale full)",
        "| standard ids.new.uuid4.wall",
    ]
    assert shown(ran("standard")) == ["| standard ids.new.uuid7.wall", "| standard ids.new.uuid4.wall"]


def test_one_result_speaks_for_a_bench(make_result: Make) -> None:
    def ran(scale: str, sample: float) -> Result:
        figures = [Figure(key="storage.load", name="-", unit="s", samples=[sample])]
        return make_result(scale=scale, figures=figures, comparisons=[])

    quick, standard, full = ran("quick", 1.0), ran("standard", 2.0), ran("full", 3.0)
    assert Shelf([quick, full, standard]).figure("storage.load").median == 2.0
    assert Shelf([quick, full]).figure("storage.load").median == 3.0
    assert Shelf([quick]).figure("storage.load").median == 1.0
    assert Shelf([]).find_figure("storage.load") is None
    # A figure that the speaker lacks is absent, whatever the others hold.
    silent = make_result(scale="standard", figures=[], comparisons=[])
    assert Shelf([quick, silent]).find_figure("storage.load") is None
