"""`ugc` itself: help, settings, and errors that are one line and say what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ops.cli import COMMANDS, cli, run
from ops.known_settings import known_names


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_command_has_help_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert run([name, "--help"]) == 0
        text = capsys.readouterr().out
        assert "Usage: ugc " in text
        assert "--json" in text or name in {"api", "etl"}, name
    assert cli.help


def test_settings_are_masked_unless_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_ANALYST_PASSWORD", "hunter2")
    assert run(["settings"]) == 0
    assert "hunter2" not in capsys.readouterr().out
    assert run(["settings", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["UGC_ANALYST_PASSWORD"] == "••••••"
    assert run(["settings", "--show-secrets", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["UGC_ANALYST_PASSWORD"] == "hunter2"
    assert shown["UGC_API_PORT"] == 9001
    assert set(shown) == known_names()


def test_an_unknown_setting_is_refused_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_API_PROT", "9001")
    assert run(["settings"]) == 1
    assert "did you mean UGC_API_PORT?" in capsys.readouterr().err


def test_an_unknown_setting_in_dotenv_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".env").write_text("UGC_BATCH_ROWS=5\n")
    assert run(["settings", "--json"]) == 1
    assert "UGC_BATCH_ROWS in .env" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_nobody_to_send_to_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", "--url", "http://127.0.0.1:9"]) == 1
    error = capsys.readouterr().err
    assert "no collector answers at http://127.0.0.1:9/events" in error
    assert "Traceback" not in error


def test_a_file_that_is_not_json_names_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "events.ndjson").write_text('{"a": 1}\n{"a": \n')
    assert run(["send", "events.ndjson", "--url", "http://127.0.0.1:9"]) == 1
    assert "line 2 is not JSON" in capsys.readouterr().err


def test_wrong_usage_exits_2() -> None:
    assert run(["send", "--count", "0"]) == 2
    assert run(["nonsense"]) == 2


def test_no_warehouse_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate", "--plan"]) == 1
    assert "the warehouse does not answer" in capsys.readouterr().err


def test_help_does_not_load_the_engine() -> None:
    """Help must be instant: the 300 MB engine and the producer load only where they are used."""
    code = (
        "import sys; from ops.cli import run; run(['--help']); "
        "print([m for m in ('chdb', 'pandas', 'flask') if m in sys.modules])"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("UGC_")}
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    assert shown.stdout.strip().endswith("[]")
