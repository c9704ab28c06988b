"""How a run ends: what is written, what is not, and with which code."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.frame import registry, results
from benchmarks.frame.errors import BenchFailed, Noisy
from benchmarks.frame.runner import Outcome, Plan, Runner, exit_code
from benchmarks.frame.session import Bench, Session


def good(session: Session) -> None:
    session.check("rows", 1, 1)
    session.figure(f"{session.bench}.one", "One", "s", [1.0])


def void(session: Session) -> None:
    good(session)
    session.check("rows", 2, 1)


def noisy(_: Session) -> None:
    raise Noisy("refused: not quiet")


def failing(_: Session) -> None:
    raise BenchFailed("the stack did not start: port in use")


def broken(_: Session) -> None:
    raise ValueError("first line\nsecond line")


def unchecked(session: Session) -> None:
    session.figure(f"{session.bench}.one", "One", "s", [1.0])


def missing_its_gate(session: Session) -> None:
    good(session)
    session.figure(f"{session.bench}.ratio", "Ratio", "x", [2.0], target=1.0, gates=True)


def slower_than_hoped(session: Session) -> None:
    good(session)
    session.figure(f"{session.bench}.ratio", "Ratio", "x", [2.0], target=1.0)
    session.figure(f"{session.bench}.absolute", "Absolute", "s", [2.0], target=1.0)


RUNS = (good, void, noisy, failing, broken, unchecked, missing_its_gate, slower_than_hoped)
BENCHES = {run.__name__: Bench(run.__name__, "What?", run) for run in RUNS}


@pytest.fixture
def run(machine: object, tmp_path: Path) -> Callable[..., list[Outcome]]:
    def run(*names: str, load: Callable[[str], Bench] = BENCHES.__getitem__) -> list[Outcome]:
        plan = Plan(scale="quick", seed=7, out=tmp_path / "out")
        return Runner(
            plan, load=load, clock=machine.clock, prepare=machine.prepare, say=machine.said.append
        ).run(names)

    return run


def written(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in (tmp_path / "out").glob("*"))


def test_a_good_run_is_written_whole(run: Callable[..., list[Outcome]], tmp_path: Path) -> None:
    [outcome] = run("good")
    assert (outcome.ended, outcome.message) == ("measured", "")
    assert written(tmp_path) == ["good.quick.json"]
    result = results.read(tmp_path / "out" / "good.quick.json")
    assert result == outcome.result
    assert result.command == "python -m benchmarks run good --scale quick --seed 7"
    assert result.seed == 7
    assert [each.key for each in result.figures] == ["good.one"]
    assert len(result.baseline.samples_s) == 6
    assert {"ugc", "python", "librdkafka", "kafka", "chdb"} <= set(result.versions)


@pytest.mark.parametrize(
    ("name", "ended", "message"),
    [
        ("void", "void", "rows should be 2 and is 1"),
        ("noisy", "noisy", "refused: not quiet"),
        ("failing", "failed", "the stack did not start: port in use"),
        ("broken", "failed", "ValueError: first line (test_frame_runner.py:"),
        ("unchecked", "failed", "unchecked checked nothing"),
    ],
)
def test_a_run_that_is_not_good_writes_nothing_and_the_next_still_runs(
    run: Callable[..., list[Outcome]], tmp_path: Path, name: str, ended: str, message: str
) -> None:
    outcomes = run(name, "good")
    assert [each.ended for each in outcomes] == [ended, "measured"]
    assert message in outcomes[0].message
    assert "\n" not in outcomes[0].message
    assert outcomes[0].result is None
    assert written(tmp_path) == ["good.quick.json"]
    assert exit_code(outcomes) == {"void": 2, "noisy": 3, "failed": 1}[ended]


def test_an_earlier_result_outlives_a_run_that_is_void(
    run: Callable[..., list[Outcome]], tmp_path: Path
) -> None:
    run("good")
    before = (tmp_path / "out" / "good.quick.json").read_bytes()
    run("good", load=lambda _: Bench("good", "What?", void))
    assert (tmp_path / "out" / "good.quick.json").read_bytes() == before


def test_a_ratio_that_misses_fails_the_run_and_is_written(
    run: Callable[..., list[Outcome]], tmp_path: Path
) -> None:
    outcomes = run("missing_its_gate")
    assert (outcomes[0].ended, outcomes[0].message) == ("missed", "missed: missing_its_gate.ratio")
    assert exit_code(outcomes) == 1
    assert written(tmp_path) == ["missing_its_gate.quick.json"]


def test_what_does_not_gate_never_fails_a_run(run: Callable[..., list[Outcome]]) -> None:
    assert exit_code(run("slower_than_hoped")) == 0


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        ([], 0),
        (["measured"], 0),
        (["missed", "measured"], 1),
        (["failed", "noisy"], 3),
        (["measured", "noisy", "void", "failed"], 2),
    ],
)
def test_the_gravest_bench_decides_the_exit_code(ended: list[str], code: int) -> None:
    assert exit_code([Outcome("x", each) for each in ended]) == code


def test_a_missing_package_is_one_line_and_the_others_run(
    run: Callable[..., list[Outcome]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "needs_vertica.py").write_text("import vertica_nowhere\n")
    (tmp_path / "stands.py").write_text(
        "from benchmarks.frame.session import Bench\n"
        "BENCH = Bench('stands', 'What?', lambda session: session.check('rows', 1, 1))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    modules = {"needs": "needs_vertica", "stands": "stands"}
    outcomes = run("needs", "stands", load=lambda name: registry.load(name, modules))
    assert [each.ended for each in outcomes] == ["failed", "measured"]
    assert "needs needs the package vertica_nowhere, which is not here" in outcomes[0].message
    assert exit_code(outcomes) == 1
    monkeypatch.delitem(sys.modules, "stands")


def test_a_disk_too_small_fails_the_bench_before_it_begins(
    run: Callable[..., list[Outcome]], machine: object
) -> None:
    began: list[str] = []
    huge = Bench("huge", "What?", lambda _: began.append("huge"), disk_bytes={"quick": 2**50})
    [outcome] = run("huge", load=lambda _: huge)
    assert "huge needs 1048576.0 GiB of scratch" in outcome.message
    assert began == []
    assert machine.taken == 0


def test_what_was_started_is_stopped_and_the_scratch_removed_when_interrupted(
    run: Callable[..., list[Outcome]], tmp_path: Path
) -> None:
    seen: list[Path] = []
    left: list[str] = []

    class Stack:
        def __enter__(self) -> None: ...

        def __exit__(self, *_: object) -> None:
            left.append("stopped")

    def interrupted(session: Session) -> None:
        seen.append(session.scratch)
        session.keep(Stack())
        (session.scratch / "rows.bin").write_bytes(b"1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("x", load=lambda _: Bench("x", "What?", interrupted))
    assert left == ["stopped"]
    assert not seen[0].exists()
    assert written(tmp_path) == []


def test_the_benches_there_are_load_under_their_own_names() -> None:
    for name in registry.BENCHES:
        bench = registry.load(name)
        assert bench.name == name
        assert bench.asks.endswith("?")


def test_every_bench_module_is_registered() -> None:
    root = Path(registry.__file__).parents[2]
    found = {
        file.stem
        for file in (root / "benchmarks").glob("*.py")
        if "\nBENCH = Bench(" in file.read_text(encoding="utf-8")
    }
    assert {module.rpartition(".")[2] for module in registry.BENCHES.values()} == found
