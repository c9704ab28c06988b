"""run_app.sh and run_etl.sh, run as a stranger would."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["run_app.sh", "run_etl.sh"]


@pytest.fixture(params=SCRIPTS)
def script(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    clone = tmp_path / "a clone"
    clone.mkdir()
    return Path(shutil.copy(ROOT / request.param, clone))


def test_without_an_environment_it_says_what_makes_one(script: Path) -> None:
    done = subprocess.run([script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "make run" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_arguments_exit_code_and_directory_pass_through(script: Path, tmp_path: Path) -> None:
    command = script.parent / ".venv" / "bin" / "ugc"
    command.parent.mkdir(parents=True)
    command.write_text('#!/bin/sh\necho "$PWD|$#|$1|$2|$3"\nexit 7\n', encoding="utf-8")
    command.chmod(0o755)
    done = subprocess.run(
        [script, "--port", "a b"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    expected = "api" if script.name == "run_app.sh" else "etl"
    assert done.stdout.strip() == f"{script.parent}|3|{expected}|--port|a b"
    assert done.returncode == 7
