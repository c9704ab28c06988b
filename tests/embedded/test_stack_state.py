"""What a running stack says of itself survives bad files and full disks, and names only our own processes."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from embedded import stack_state
from embedded.stack_state import StackState
from telemetry.clock import SystemClock


def test_it_is_read_as_it_was_written_and_gone_when_cleared(tmp_path: Path) -> None:
    stack_state.write(tmp_path, StackState({"api": 7}, 3.5))
    assert stack_state.read(tmp_path) == StackState({"api": 7}, 3.5)
    stack_state.clear(tmp_path)
    assert stack_state.read(tmp_path) is None


def test_a_place_that_takes_no_file_ends_nothing(tmp_path: Path) -> None:
    stack_state.write(tmp_path / "gone", StackState({}, 1.0))
    assert stack_state.read(tmp_path / "gone") is None


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / stack_state.STATE_NAME).write_text('{"pids": ')
    assert stack_state.read(tmp_path) is None
    assert stack_state.survivors(tmp_path, SystemClock()) == {}


def test_only_processes_of_this_data_directory_are_waited_for(tmp_path: Path) -> None:
    environment = {**os.environ, "UGC_DATA_DIR": str(tmp_path.absolute())}
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    ours = subprocess.Popen(sleeper, env=environment)
    other = subprocess.Popen(sleeper)
    try:
        stack_state.write(tmp_path, StackState({"a": ours.pid, "b": other.pid}, 1.0))
        assert stack_state.survivors(tmp_path, SystemClock()) == {"a": ours.pid}
    finally:
        for each in (ours, other):
            each.kill()
            each.wait()


def test_a_process_without_an_environment_is_nobodys(tmp_path: Path) -> None:
    nameless = subprocess.Popen(["/bin/sleep", "60"], env={})
    try:
        stack_state.write(tmp_path, StackState({"a": nameless.pid}, 1.0))
        assert stack_state.survivors(tmp_path, SystemClock()) == {}
    finally:
        nameless.kill()
        nameless.wait()


def test_one_that_has_no_environment_yet_is_known(tmp_path: Path) -> None:
    then = f"sleep 0.3; UGC_DATA_DIR={shlex.quote(str(tmp_path.absolute()))} exec sleep 60"
    starting = subprocess.Popen(["/bin/sh", "-c", then], env={})
    try:
        stack_state.write(tmp_path, StackState({"a": starting.pid}, 1.0))
        assert stack_state.survivors(tmp_path, SystemClock()) == {"a": starting.pid}
    finally:
        starting.kill()
        starting.wait()
