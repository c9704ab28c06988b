"""CSV for spreadsheets: every text that would run as a formula is text, and nothing else is touched."""

import csv
import io
import random
from pathlib import Path
from typing import Any

import pytest

from ops.asking import calls
from ops.dlq import files
from ops.terminal.spreadsheet import BYTE_ORDER_MARK, STARTS, cell, safe

# What could be taken for the beginning of a cell, or of a formula, by a reader who cuts corners.
ALPHABET = ['"', ",", "\n", "=", "+", "-", "@", "\t", "\r", "\0", "\uff1d", "\uff08", "\ufeff", "'", "x", "é"]
Row = list[str | float]


def as_clickhouse_writes(rows: list[Row], *, end: str = "\n") -> bytes:
    return "".join(",".join(map(written, row)) + end for row in rows).encode()


def written(value: str | float) -> str:
    return f'"{value.replace(chr(34), chr(34) * 2)}"' if isinstance(value, str) else str(value)


def cut(data: bytes, rng: random.Random) -> list[bytes]:
    places = sorted(rng.choices(range(len(data) + 1), k=rng.randrange(40)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def drawn(rng: random.Random) -> str | float:
    text = "".join(rng.choices(ALPHABET, k=rng.randrange(5)))
    # A line break of two characters begins no formula, and this test's own words for it are simpler without.
    return -rng.random() if rng.randrange(4) == 0 else text.replace("\r\n", "\r")


def test_formulas_become_text_and_nothing_else_changes() -> None:
    for seed in range(500):
        rng = random.Random(seed)
        rows: list[Row] = [
            [drawn(rng) for _ in range(rng.randrange(1, 4))] for _ in range(rng.randrange(1, 8))
        ]
        end = rng.choice(["\n", "\r\n"])
        made = b"".join(safe(cut(as_clickhouse_writes(rows, end=end), rng))).decode()
        expected: list[Row] = [[cell(each) for each in row] for row in rows]
        assert made == BYTE_ORDER_MARK + as_clickhouse_writes(expected, end=end).decode(), seed


@pytest.mark.parametrize("start", STARTS)
def test_a_formula_is_text_wherever_it_stands(start: str) -> None:
    data = as_clickhouse_writes([[f"{start}a", f"b{start}", f"{start}c"], [f"{start}"], ["d", -1.0]])
    expected = as_clickhouse_writes([[f"'{start}a", f"b{start}", f"'{start}c"], [f"'{start}"], ["d", -1.0]])
    assert b"".join(safe([data])).decode() == BYTE_ORDER_MARK + expected.decode()
    assert b"".join(safe(bytes([each]) for each in data)).decode() == BYTE_ORDER_MARK + expected.decode()


def test_lines_that_end_in_two_characters_are_lines() -> None:
    data = b'"a,"\r\n"=b"\r\n'
    for pieces in ([data], [bytes([each]) for each in data]):
        assert b"".join(safe(pieces)).decode() == BYTE_ORDER_MARK + '"a,"\r\n"\'=b"\r\n'


def test_dead_letters_as_csv_are_exact_and_for_a_spreadsheet_they_are_safe(tmp_path: Path) -> None:
    letter: dict[str, Any] = {"id": "a:0:1", "offset": -1, "value": "=cmd()", "key": "-k", "headers": []}
    for how, value, key in (("csv", "=cmd()", "-k"), ("spreadsheet", "'=cmd()", "'-k")):
        file = tmp_path / f"{how}.csv"
        assert files.export([letter], file, how) == 1  # type: ignore[arg-type]
        text = file.read_text(encoding="utf-8")
        assert text.startswith(BYTE_ORDER_MARK) == (how == "spreadsheet")
        row = next(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))
        assert (row["value"], row["key"], row["offset"]) == (value, key, "-1")


def test_an_answer_of_the_stats_api_for_a_spreadsheet(capsys: pytest.CaptureFixture[str]) -> None:
    rows: list[Any] = [{"user": "@SUM(A1)", "count": -3, "part": None, "bot": True}]
    calls.SHOWN["spreadsheet"](list(rows[0]), rows)
    assert capsys.readouterr().out == "\ufeffuser,count,part,bot\n'@SUM(A1),-3,,true\n"
