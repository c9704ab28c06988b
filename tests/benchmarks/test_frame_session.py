"""What a bench may say, and what it may not."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.frame.errors import BenchFailed, Noisy, Void
from benchmarks.frame.session import Session, refuse_full_disk


def test_an_absolute_figure_never_gates(session: Session) -> None:
    with pytest.raises(BenchFailed, match="absolute figure"):
        session.figure("trial.k", "n", "s", [1.0], target=2, gates=True)
    ratio = session.figure("trial.k", "n", "x", [1.0], target=2, gates=True)
    assert ratio.target is not None
    assert ratio.target.gates
    assert session.figures == [ratio]


@pytest.mark.parametrize("samples", [[], [float("nan")], [1.0, float("inf")]])
def test_a_figure_is_made_of_numbers(session: Session, samples: list[float]) -> None:
    with pytest.raises(BenchFailed, match="not every sample is a number"):
        session.figure("trial.k", "n", "s", samples)


def test_a_key_is_used_once(session: Session) -> None:
    session.figure("trial.k", "n", "s", [1.0])
    with pytest.raises(BenchFailed, match=r"trial\.k was used twice"):
        session.repeat("trial.k", "n", "s", lambda: 1.0)


@pytest.mark.parametrize("key", ["trial", "other.k", "trial.", "trial.K", "trial.a b", "trialx.k"])
def test_a_key_begins_with_the_benchs_name(session: Session, key: str) -> None:
    with pytest.raises(BenchFailed, match="is not trial"):
        session.figure(key, "n", "s", [1.0])


def test_what_is_not_so_makes_the_run_void(session: Session) -> None:
    session.check("rows", 10, 10)
    session.check("average", 0.5, 0.5 + 1e-12, within=1e-9)
    with pytest.raises(Void, match="rows should be 10 and is 9"):
        session.check("rows", 10, 9)
    with pytest.raises(Void, match="average"):
        session.check("average", 0.5, 0.51, within=1e-9)
    with pytest.raises(Void):
        session.check("a sum that is no number", 1.0, float("nan"), within=1e-9)
    assert [(each.what, each.found) for each in session.checks] == [
        ("rows", "10"),
        ("average", "0.500000000001"),
    ]


def test_a_skip_keeps_its_reason(session: Session, machine: object) -> None:
    session.skip("Vertica", "VERTICA_DSN is not set")
    assert [(each.what, each.reason) for each in session.skipped] == [("Vertica", "VERTICA_DSN is not set")]
    assert machine.said[-1] == "skipped: Vertica: VERTICA_DSN is not set"


def test_repetitions_are_warmed_up_made_ready_and_kept(session: Session, machine: object) -> None:
    calls: list[str] = []

    def work() -> float:
        calls.append("work")
        return float(len(calls))

    figure = session.repeat("trial.k", "n", "s", work, times=5, before=lambda: calls.append("before"))
    assert calls == ["before", "work"] * 6
    assert figure.samples == [4.0, 6.0, 8.0, 10.0, 12.0]
    assert machine.taken == 5


def test_a_disturbed_repetition_is_taken_again_before_it_is_worked(session: Session, machine: object) -> None:
    worked: list[float] = []
    machine.script = iter([1.0, 1.5, 1.5])
    figure = session.repeat("trial.k", "n", "s", lambda: worked.append(1.0) or 1.0, warm_up=False)
    assert (figure.retaken, len(figure.samples), len(worked)) == (2, 5, 5)


def test_repetitions_on_a_restless_machine_are_refused(session: Session, machine: object) -> None:
    machine.script = iter([2.0] * 6)
    with pytest.raises(Noisy, match="6 times"):
        session.repeat("trial.k", "n", "s", lambda: 1.0, times=5)


def test_few_repetitions_are_refused(session: Session) -> None:
    with pytest.raises(BenchFailed, match="4 repetitions are too few"):
        session.repeat("trial.k", "n", "s", lambda: 1.0, times=4)


def test_one_long_work_begins_on_a_quiet_machine(session: Session, machine: object) -> None:
    machine.script = iter([1.5, 1.0])
    began: list[float] = []
    session.steady(lambda: began.append(machine.clock.monotonic()))
    assert len(began) == 1
    assert machine.clock.slept == [1.0]


def test_what_is_kept_is_left_in_the_opposite_order(session: Session) -> None:
    left: list[str] = []

    @contextmanager
    def resource(name: str):
        yield name
        left.append(name)

    assert session.keep(resource("stack")) == "stack"
    session.keep(resource("load"))
    session.close()
    assert left == ["load", "stack"]


def test_a_disk_that_is_too_small_is_said_before_the_work(tmp_path: Path) -> None:
    refuse_full_disk(tmp_path, 1, "storage")
    with pytest.raises(BenchFailed, match=r"storage needs 1048576.0 GiB of scratch and .* free; .*TMPDIR"):
        refuse_full_disk(tmp_path, 2**50, "storage")


def test_the_scale_picks(session: Session) -> None:
    assert session.pick(quick=1, standard=2, full=3) == 1
