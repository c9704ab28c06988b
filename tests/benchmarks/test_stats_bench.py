"""The stats bench and the layouts of properties on the real warehouse, as small as they go."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks import properties, stats
from benchmarks.answering import filling, rounds
from benchmarks.answering.questions import questions
from benchmarks.frame.errors import Void
from benchmarks.frame.session import Session
from clickhouse.views import VIEWS
from clickhouse.warehouse import Answer, Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

SIZES = stats.Sizes(events=12_000, users=300, rounds=1, times=1, times_seldom=1, calls=1, block_rows=500)
# For what is over before anything is asked.
FEW = replace(SIZES, events=1_000, users=50)


@pytest.fixture(autouse=True)
def _on_lent_warehouses(monkeypatch: pytest.MonkeyPatch, lent: Any) -> None:
    monkeypatch.setattr(stats, "Server", lent)
    monkeypatch.setattr(properties, "Warehouse", lent)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges are not waited for, nor brought on: the run does not come to asking."""
    monkeypatch.setattr(filling, "CALM_LOOKS", 1)
    monkeypatch.setattr(filling, "rest", lambda *_: None)


def test_every_question_is_asked_and_every_answer_is_right(real: Session) -> None:
    real.bench = "stats"
    stats.measure(real, SIZES)
    figures = {each.key: each for each in real.figures}
    asks = questions()
    for question in asks:
        assert figures[f"stats.p95.{question.key}"].median > 0
        assert figures[f"stats.growth.{question.key}"].median > 0
    assert {key for key in figures if key.startswith("stats.raw.")} == {
        f"stats.raw.{each.key}" for each in asks if each.raw
    }
    for view in VIEWS:
        assert figures[f"stats.view.{view.target}"].median > 0
        assert figures[f"stats.disk.{view.target}"].median > 1_000
    assert figures["stats.disk.events_raw"].median > 1_000_000
    assert real.settings["one part a day, as after ten quiet minutes, but for today"] == (
        "events_by_quarter_hour, user_activity"
    )
    # Small figures are no gate and no judgement, and a question of a segment may grow with its events.
    assert not [each.key for each in real.figures if each.target and each.target.gates]
    assert not [each.key for each in real.figures if each.target and each.unit == "ms"]
    assert figures["stats.growth.dau_country"].target is None
    exact = [each for each in asks if each.as_raw]
    assert len([each for each in real.checks if "equal to those from raw" in each.what]) == len(exact) == 5


@pytest.mark.parametrize("judged", [True, False])
def test_the_targets_speak_of_one_size(real: Session, judged: bool) -> None:
    real.bench = "stats"
    asks = questions()
    slow = {each.key: rounds.Taken(p95_s=[9.0], growth=[9.0], of_raw=[9.0]) for each in asks}
    rounds.tell(real, asks, slow, judged=judged)
    limits = {each.key: each.target.limit for each in real.figures if each.target and each.unit == "ms"}
    assert limits == ({f"stats.p95.{each.key}": each.limit_ms for each in asks} if judged else {})
    gates = {each.key.split(".")[1] for each in real.figures if each.target and each.target.gates}
    assert gates == ({"growth", "raw"} if judged else set())


def test_a_wrong_answer_voids_the_run(real: Session, monkeypatch: pytest.MonkeyPatch, hasty: None) -> None:
    real.bench = "stats"
    honest: Callable[..., Any] = Warehouse.top_events

    def lying(*arguments: Any) -> Any:
        return Answer(list(honest(*arguments).rows)[:-1])

    monkeypatch.setattr(Warehouse, "top_events", lying)
    with pytest.raises(Void, match="top-events, 30 days: rows equal to those from raw events"):
        stats.measure(real, FEW)


def test_rows_that_are_lost_void_the_run(real: Session, monkeypatch: pytest.MonkeyPatch, hasty: None) -> None:
    real.bench = "stats"
    honest = filling.blocks

    def losing(*arguments: Any) -> Any:
        for block in honest(*arguments):
            yield block.partition(b"\n")[2]

    monkeypatch.setattr(filling, "blocks", losing)
    with pytest.raises(Void, match="events stored, of those generated"):
        stats.measure(real, FEW)


def test_every_layout_gives_the_same_answers(real: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    real.bench = "properties"
    # A day is a part in every table.
    monkeypatch.setattr(properties, "DAYS", 7)
    properties.measure(real, properties.Sizes(events=6_000, users=200, times=2))
    figures = {each.key: each for each in real.figures}
    for layout in properties.LAYOUTS:
        for question in layout.conditions:
            assert figures[f"properties.ask_{question}.{layout.key}"].median > 0
        assert figures[f"properties.insert.{layout.key}"].median > 0
        assert figures[f"properties.disk.{layout.key}"].median > 10
    assert figures["properties.disk.string"].median < figures["properties.disk.map"].median
    assert len([each for each in real.checks if "as by the text" in each.what]) == 16
    assert 5 < figures["properties.text"].median < figures["properties.disk.string"].median


def test_a_layout_that_answers_otherwise_voids_the_run(
    real: Session, monkeypatch: pytest.MonkeyPatch, hasty: None
) -> None:
    real.bench = "properties"
    monkeypatch.setattr(properties, "DAYS", 7)
    text, last = properties.LAYOUTS[0], properties.LAYOUTS[-1]
    wrong = properties.Layout(last.key, last.name, last.columns, {**last.conditions, "rare": "quantity > 1"})
    monkeypatch.setattr(properties, "LAYOUTS", (text, wrong))
    with pytest.raises(Void, match="a key of few events, text, and columns"):
        properties.measure(real, properties.Sizes(events=6_000, users=200, times=1))
