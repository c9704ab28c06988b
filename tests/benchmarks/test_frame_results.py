"""A result is read back as it was written, or refused with a word that says why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.frame import results
from benchmarks.frame.baseline import DRIFT_MAX
from benchmarks.frame.figures import FORMAT, Result


def test_a_result_comes_back_as_it_was_written(tmp_path: Path, make_result: Callable[..., Result]) -> None:
    result = make_result()
    file = results.write(result, tmp_path / "new" / "directory")
    assert file.name == "storage.quick.json"
    assert results.read(file) == result
    assert results.read_all(file.parent) == [result]
    assert [each.name for each in file.parent.iterdir()] == ["storage.quick.json"]


def test_a_person_can_read_it(tmp_path: Path, make_result: Callable[..., Result]) -> None:
    text = results.write(make_result(), tmp_path).read_text()
    assert '\n "bench": "storage",\n' in text
    assert json.loads(text)["format"] == FORMAT


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": FORMAT + 1}, f"of format {FORMAT + 1} and this version reads {FORMAT}"),
        ({"format": None}, "not a result"),
        ({"surprise": 1}, "surprise"),
        ({"bench": None}, "not a result"),
        ({"seed": "1"}, "seed"),
        ({"scale": "huge"}, "scale"),
    ],
)
def test_a_foreign_document_is_refused(
    tmp_path: Path, make_result: Callable[..., Result], change: dict[str, object], words: str
) -> None:
    document = {**json.loads(results.encode(make_result())), **change}
    file = tmp_path / "x.json"
    file.write_text(json.dumps({name: value for name, value in document.items() if value is not None}))
    with pytest.raises(results.ForeignResult, match=words) as refused:
        results.read(file)
    assert str(file) in str(refused.value)


def test_an_unknown_word_deep_inside_is_refused(tmp_path: Path, make_result: Callable[..., Result]) -> None:
    document = json.loads(results.encode(make_result()))
    document["figures"][0]["colour"] = "red"
    file = tmp_path / "x.json"
    file.write_text(json.dumps(document))
    with pytest.raises(results.ForeignResult, match="colour"):
        results.read(file)


def test_a_figure_without_a_sample_is_refused(tmp_path: Path, make_result: Callable[..., Result]) -> None:
    document = json.loads(results.encode(make_result()))
    document["figures"][0]["samples"] = []
    document["comparisons"][0]["pairs"] = []
    file = tmp_path / "x.json"
    file.write_text(json.dumps(document))
    with pytest.raises(results.ForeignResult, match="load, ab without one measurement"):
        results.read(file)


@pytest.mark.parametrize("content", [b"", b"[]", b"not json", b"\xff\xfe"])
def test_what_is_no_document_at_all_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(content)
    with pytest.raises(results.ForeignResult, match="not a result"):
        results.read(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(results.ForeignResult, match="No such file"):
        results.read(tmp_path / "nothing.json")


def test_the_results_that_came_along_are_readable() -> None:
    for result in results.read_all(results.DIRECTORY):
        assert result.checks
        assert result.baseline.drift <= result.baseline.drift_max <= DRIFT_MAX
