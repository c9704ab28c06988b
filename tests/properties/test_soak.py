"""The long comparison says what it has seen, ends when told, and goes on where it was."""

import json
import threading
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from properties import soak_result
from properties.soak import Soak
from properties.soak_result import Result
from properties.soak_worker import ROUND, Round


def begun(asked: int = 10 * ROUND) -> Result:
    return Result(first_number=1_000, asked=asked)


def saying(rounds: list[Round]) -> tuple[Connection, list[int], threading.Thread]:
    """The line to somebody who answers with these rounds and then is gone; the numbers he was told."""
    ours, theirs = Pipe()
    told: list[int] = []

    def answer() -> None:
        with suppress(EOFError), theirs:
            for each in rounds:
                told.append(theirs.recv())
                theirs.send(each)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    return ours, told, thread


def test_rounds_follow_each_other_until_there_are_enough(tmp_path: Path) -> None:
    path, result = tmp_path / "answers.json", begun(3 * ROUND)
    line, told, thread = saying([Round(ROUND, 9, 4, 5)] * 3)
    Soak(result, [line], path).run()
    thread.join(5)
    assert told == [1_000, 1_000 + ROUND, 1_000 + 2 * ROUND]
    said = json.loads(path.read_text())
    assert (said["histories"], said["events"], said["rounds"], said["passed"]) == (
        3 * ROUND,
        27,
        [0, 1, 2],
        True,
    )


def test_when_it_is_to_stop_nothing_more_is_begun(tmp_path: Path) -> None:
    path, result = tmp_path / "answers.json", begun()
    line, told, _ = saying([Round(ROUND)] * 10)
    soak = Soak(result, [line], path)
    soak.stopping.set()
    soak.run()
    assert told == []


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    path, result = tmp_path / "answers.json", begun(3 * ROUND)
    result.add(1, Round(ROUND, 7, 1, 1))
    result.write(path)
    again = Result.begun(path)
    assert again == result
    line, told, _ = saying([Round(ROUND)] * 2)
    Soak(again, [line], path).run()
    assert told == [1_000, 1_000 + 2 * ROUND]


def test_it_begins_anew_when_the_code_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, result = tmp_path / "answers.json", begun()
    result.write(path)
    assert Result.begun(path) is not None
    monkeypatch.setattr(soak_result, "COMPARED", ("clickhouse/queries/dau.sql",))
    assert Result.begun(path) is None


def test_it_begins_anew_after_an_end(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    assert Result.begun(path) is None
    passed, wrong = begun(ROUND), begun()
    passed.add(0, Round(ROUND))
    wrong.add(0, Round(ROUND, different=["dau: said 1, right is 2"]))
    for result in (passed, wrong):
        result.write(path)
        assert Result.begun(path) is None


def test_a_wrong_answer_is_never_passed(tmp_path: Path) -> None:
    result = begun(ROUND)
    result.add(0, Round(ROUND, different=["dau: said 1, right is 2"]))
    assert not result.passed
    assert begun(ROUND).passed is False


def test_a_worker_that_is_gone_is_told(tmp_path: Path) -> None:
    result = begun()
    line, _, _ = saying([Round(ROUND)])
    Soak(result, [line], tmp_path / "answers.json").run()
    assert result.histories == ROUND
    assert len(result.different) == 1
    assert "gone" in result.different[0]


def test_a_broken_warehouse_ends_it(tmp_path: Path) -> None:
    result = begun()
    line, told, _ = saying([Round(different=["wrong"] * 7)] * 10)
    Soak(result, [line], tmp_path / "answers.json").run()
    assert len(told) == 3
