"""A against B is fair: the order turns round, the first pair is forgotten, a disturbed one is taken again."""

import pytest

from benchmarks.frame.errors import BenchFailed, Noisy
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Rival, Session, Side


class Diary:
    """Two sides that write down when they were called; each call costs one more CPU second than the last."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.cost_s = 0.0

    def side(self, name: str) -> Side:
        def work() -> Cost:
            self.lines.append(name)
            self.cost_s += 1
            return Cost(wall_s=1.0, cpu_s={name: self.cost_s})

        return Side(name, work, before=lambda: self.lines.append(f"before {name}"))

    @property
    def works(self) -> str:
        return "".join(line for line in self.lines if len(line) == 1)


def test_a_and_b_alternate_and_turn_round(session: Session) -> None:
    diary = Diary()
    held = session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row")
    warm_up, taken = diary.works[:2], diary.works[2:]
    assert warm_up == "AB"
    assert taken == "ABBAABBAABBAAB"
    assert len(held.pairs) == 7
    # The warm-up's costs, 1 and 2, are in no pair; in a turned pair each still has its own.
    assert [(p.a.cpu_s["A"], p.b.cpu_s["B"]) for p in held.pairs[:3]] == [(3, 4), (6, 5), (7, 8)]
    assert session.comparisons == [held]


def test_each_measurement_has_its_baseline_just_before_it(session: Session, machine: object) -> None:
    diary = Diary()
    real_work = machine.work
    machine.script = iter([1.0 + number / 100 for number in range(14)])
    session._meter._prepare = lambda: lambda: (diary.lines.append("baseline"), real_work())[0]
    held = session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row")
    assert diary.lines[4:10] == ["before A", "baseline", "A", "before B", "baseline", "B"]
    assert diary.lines[10:16] == ["before B", "baseline", "B", "before A", "baseline", "A"]
    # A's baseline stands first, also in a pair that was begun with B.
    assert [p.baseline_s for p in held.pairs[:2]] == [
        pytest.approx([1.0, 1.01]),
        pytest.approx([1.03, 1.02]),
    ]


def test_a_pair_whose_baseline_moved_is_taken_again_and_counted(session: Session, machine: object) -> None:
    diary = Diary()
    # The second half of the second pair is disturbed, once.
    machine.script = iter([1.0, 1.0, 1.0, 1.26])
    held = session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row")
    assert held.retaken == 1
    assert len(held.pairs) == 7
    assert diary.works == "AB" + "AB" + "B" + "BA" + "ABBAABBAAB"
    assert all(each <= 1.25 for p in held.pairs for each in p.baseline_s)
    assert any("+26%" in line for line in machine.said)
    assert machine.clock.slept == [1.0], "the disturbance gets time to go"


@pytest.mark.parametrize("moved_s", [1.24, 0.76])
def test_a_quarter_is_let_pass(session: Session, machine: object, moved_s: float) -> None:
    diary = Diary()
    machine.script = iter([1.0, moved_s])
    assert session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row").retaken == 0


def test_a_machine_that_is_suddenly_faster_is_not_quiet_either(session: Session, machine: object) -> None:
    diary = Diary()
    machine.script = iter([1.0, 0.74])
    assert session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row").retaken == 1


def test_a_machine_that_does_not_get_quiet_is_refused(session: Session, machine: object) -> None:
    diary = Diary()
    machine.script = iter([1.0] * 6 + [2.0] * 100)
    with pytest.raises(Noisy, match=r"refused.*25%.*8 times.*stop what else runs here"):
        session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row")
    assert len(machine.clock.slept) == 7, "as often taken again as there are pairs, not more"
    assert session.comparisons == []


def test_few_pairs_are_refused(session: Session) -> None:
    diary = Diary()
    with pytest.raises(BenchFailed, match="6 pairs are too few"):
        session.compare("trial.k", "n", a=diary.side("A"), b=diary.side("B"), unit="row", pairs=6)
    assert diary.lines == []


@pytest.mark.parametrize(
    "cost",
    [
        Cost(wall_s=1.0, cpu_s={"a": 0.0}),
        Cost(wall_s=0.0, cpu_s={"a": 1.0}),
        Cost(wall_s=1.0, cpu_s={"a": 1.0}, units=0),
    ],
)
def test_a_side_that_measured_nothing_fails(session: Session, cost: Cost) -> None:
    with pytest.raises(BenchFailed, match="A measured nothing"):
        session.compare("trial.k", "n", a=Side("A", lambda: cost), b=Diary().side("B"), unit="row")


def test_a_is_measured_once_for_all_its_rivals(session: Session) -> None:
    diary = Diary()
    rivals = [Rival("trial.b", "n", diary.side("B")), Rival("trial.c", "m", diary.side("C"), target=2.0)]
    of_b, of_c = session.compare_all(diary.side("A"), rivals, unit="row")
    assert diary.works == "ABC" + "ABC" + "CBA" + "ABC" + "CBA" + "ABC" + "CBA" + "ABC"
    # The warm-up's costs, 1 to 3, are nowhere; in a turned round each still has its own.
    assert [(p.a.cpu_s["A"], p.b.cpu_s["B"]) for p in of_b.pairs[:2]] == [(4, 5), (9, 8)]
    assert [(p.a.cpu_s["A"], p.b.cpu_s["C"]) for p in of_c.pairs[:2]] == [(4, 6), (9, 7)]
    assert [(each.key, each.b) for each in session.comparisons] == [("trial.b", "B"), ("trial.c", "C")]
    assert of_b.target is None
    assert of_c.target is not None


def test_rivals_need_keys_of_their_own(session: Session) -> None:
    diary = Diary()
    rivals = [Rival("trial.b", "n", diary.side("B")), Rival("trial.b", "m", diary.side("C"))]
    with pytest.raises(BenchFailed, match="used twice"):
        session.compare_all(diary.side("A"), rivals, unit="row")
    assert diary.lines == []
