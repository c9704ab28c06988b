"""`python -m benchmarks`, as it is typed."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, main
from benchmarks.frame import registry, results
from benchmarks.frame.figures import Result


def test_wrong_usage_is_not_taken_for_a_void_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "nothing"]) == 64
    assert main(["run", "--scale", "huge"]) == 64
    assert main(["dance"]) == 64
    assert main(["run", "--drift-max", "0.3"]) == 64, "not among the results people believe"
    assert "'nothing' is not" in capsys.readouterr().err


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_is_for(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"python -m benchmarks {command}" in capsys.readouterr().out


def test_the_list_says_what_each_asks_and_what_it_took(
    tmp_path: Path, make_result: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    results.write(make_result(bench="startup", elapsed_s=754.0), tmp_path)
    assert main(["list", "--out", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "quick 12 min 34 s" in shown
    assert "How long from" in shown
    assert main(["list", "--json", "--out", str(tmp_path)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [each["bench"] for each in rows] == list(registry.BENCHES)
    assert rows[0]["took_s"] == {"quick": 754.0}


def test_a_quick_run_leaves_out_what_takes_longer_and_the_others_nothing() -> None:
    assert set(registry.BENCHES) > registry.NOT_QUICK
    assert set(registry.of_scale("quick")) == set(registry.BENCHES) - registry.NOT_QUICK
    assert set(registry.of_scale("standard")) == set(registry.BENCHES) - registry.NOT_STANDARD
    assert registry.of_scale("full") == list(registry.BENCHES)


def test_two_results_are_compared(
    tmp_path: Path, make_result: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    old = results.write(make_result(), tmp_path / "old")
    new = results.write(make_result(samples=[2.0, 2.1, 2.2]), tmp_path / "new")
    assert main(["compare", str(old), str(new)]) == 0
    assert "+110.0%" in capsys.readouterr().out
    assert main(["compare", "--json", str(old), str(new)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["changes"][0]["verdict"] == "worse"


def test_absolute_figures_of_another_machine_are_refused_aloud(
    tmp_path: Path, make_result: Callable[..., Result], capsys: pytest.CaptureFixture[str]
) -> None:
    old = results.write(make_result(), tmp_path / "old")
    new = results.write(make_result(cpu="Slow 3"), tmp_path / "new")
    assert main(["compare", str(old), str(new)]) == 0
    shown = capsys.readouterr().out
    assert "different machines: only ratios compare, 1 absolute figures do not" in shown
    assert "Load" not in shown


def test_what_is_no_result_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    assert main(["compare", str(file), str(file)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["compare", "--json", str(file), str(file)]) == 1
    assert "not a result" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_where_no_result_can_be_kept_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main(["run", "startup", "--out", str(tmp_path / "file" / "below")]) == 1
    said = capsys.readouterr().err
    assert "cannot write results to" in said
    assert "startup:" not in said


def test_help_loads_nothing_that_is_measured() -> None:
    code = (
        "import sys\n"
        "from benchmarks.__main__ import main\n"
        "assert main(['--help']) == 0 and main(['run', '--help']) == 0\n"
        "print([m for m in ('chdb', 'duckdb', 'pyarrow', 'matplotlib', 'psycopg') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
