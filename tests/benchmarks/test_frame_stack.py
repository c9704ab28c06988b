"""The frame with the real stack: a bench run as it is typed, and one that is interrupted.

What a bench may ask its stack is looked at in test_pipeline_stack.py, on the one that runs there.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from services import runs, until

from benchmarks.frame import results
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.stack import Stack
from telemetry.clock import SystemClock

COMMAND = [sys.executable, "-m", "benchmarks", "run", "startup", "--scale", "quick"]


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_a_quick_run_leaves_a_readable_result(tmp_path: Path) -> None:
    out = tmp_path / "out"
    # Other tests run beside this one: what is looked at is the run, not the figures.
    command = [*COMMAND, "--json", "--drift-max", "100", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(done.stdout)
    result = results.read(out / "startup.quick.json")
    assert json.loads(results.encode(result)) == document["results"][0]
    assert {each.key for each in result.figures} >= {"startup.ready", "startup.first_event", "startup.idle"}
    assert all(sample > 0 for each in result.figures for sample in each.samples)
    assert "users after the restart" in {each.what for each in result.checks}


@pytest.mark.stack
@pytest.mark.timeout(180)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_stops_what_it_started_and_removes_its_scratch(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--drift-max", "100", "--out", str(tmp_path / "out")],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    mine = psutil.Process(process.pid)
    until(lambda: len(mine.children(recursive=True)) >= 3, within_s=60, what="the stack begins")
    children = mine.children(recursive=True)
    process.send_signal(number)
    assert process.wait(90) == 130
    assert not [each for each in children if runs(each.pid)]
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert list((tmp_path / "out").iterdir()) == []


def test_a_stack_that_cannot_start_says_why(tmp_path: Path) -> None:
    stack = Stack(tmp_path, clock=SystemClock(), settings={"UGC_KAFKA_PORT": "not a port"})
    with pytest.raises(BenchFailed, match=r"the local stack did not start: .*UGC_KAFKA_PORT"), stack:
        pass
