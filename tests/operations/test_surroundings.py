"""What a command finds when it starts: streams that are closed, and signals that end it before its time."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

UGC = [sys.executable, "-c", "from ops.cli import main; main()"]
ROOT = Path(__file__).parents[2]


def closed(streams: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command as a shell does that closes some of its streams."""
    shell = ["sh", "-c", f'exec "$@" {streams}', "sh", *UGC, *arguments]
    return subprocess.run(shell, capture_output=True, text=True, check=False, cwd=cwd)


@pytest.mark.parametrize("arguments", [["--help"], ["settings"], ["generate", "--events", "10"]])
def test_an_answer_that_reaches_nobody_is_no_success(arguments: list[str]) -> None:
    done = closed(">&-", *arguments)
    assert (done.returncode, done.stderr) == (
        1,
        "error standard output is closed; let it go somewhere, such as > FILE\n",
    )


def test_on_a_closed_input_stands_nothing() -> None:
    done = closed("<&-", "sql", "--format", "csv")
    assert done.returncode in (1, 2), "no statement, or no warehouse to ask"
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_place_for_errors_the_rest_goes_on() -> None:
    done = closed("2>&-", "settings")
    assert (done.returncode, done.stderr) == (0, "")
    assert "UGC_DATA_DIR" in done.stdout
    assert closed("2>&-", "nothing").returncode == 2


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_what_was_begun_is_removed_however_it_is_ended(sent: signal.Signals, tmp_path: Path) -> None:
    command = subprocess.Popen(
        [*UGC, "generate", "--events", "50000000", "--out", str(tmp_path / "events.ndjson")], cwd=ROOT
    )
    try:
        end_by = time.monotonic() + 60
        while not any(each.stat().st_size for each in tmp_path.iterdir()):
            assert time.monotonic() < end_by, "it never began"
            assert command.poll() is None
            time.sleep(0.05)
        command.send_signal(sent)
        assert command.wait(60) == 130
    finally:
        command.kill()
    assert not list(tmp_path.iterdir())


def test_what_is_to_outlive_its_terminal_does(tmp_path: Path) -> None:
    code = (
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
        "from ops.terminal.surroundings import take_the_way_out_of_ctrl_c; take_the_way_out_of_ctrl_c(); "
        "os.kill(os.getpid(), signal.SIGHUP); print('goes on')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "goes on\n"
