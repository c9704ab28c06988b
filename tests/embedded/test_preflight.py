"""Every fault before the start is one line that names the setting and the way out."""

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from services import until

from embedded import passwords, preflight, stack_state
from embedded.preflight import PreflightFailed
from telemetry.clock import SystemClock


@pytest.fixture
def survivor(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a stack in `tmp_path` whose supervisor is gone."""
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        env={**os.environ, "UGC_DATA_DIR": str(tmp_path.absolute())},
    )
    stack_state.write(tmp_path, stack_state.StackState({"warehouse": left.pid}, 1.0))
    until(psutil.Process(left.pid).environ, within_s=5, what="it has an environment")
    yield left
    left.kill()
    left.wait()


class Waited(SystemClock):
    """A clock whose sleeps take no time, and after `patience` of which `left` ends."""

    def __init__(self, left: subprocess.Popen[bytes], patience: int | None = None) -> None:
        self.left = left
        self.patience = patience
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) == self.patience:
            self.left.kill()
            self.left.wait()


def test_a_busy_port_names_its_setting() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PreflightFailed, match=rf"port {port} is in use.*UGC_API_PORT"):
            preflight.check_ports({"UGC_API_PORT": port})


def test_two_settings_with_one_port_are_refused() -> None:
    with pytest.raises(PreflightFailed, match="UGC_B and UGC_A are both 4000"):
        preflight.check_ports({"UGC_A": 4000, "UGC_B": 4000})


def test_a_data_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PreflightFailed, match=r"cannot write to the data directory .*UGC_DATA_DIR"):
        preflight.check_data_dir(tmp_path / "file" / "data")


def test_a_full_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "DISK_FREE_BYTES_MIN", 2**62)
    with pytest.raises(PreflightFailed, match=r"MiB free, and the stack needs"):
        preflight.check_data_dir(tmp_path)


def test_a_second_stack_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with preflight.hold(tmp_path), pytest.raises(PreflightFailed, match=r"already runs on .*process \d+"):
        preflight.hold(tmp_path)
    preflight.hold(tmp_path).close()


def test_passwords_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    file = tmp_path / "local.env"
    assert passwords.make_once(file) is True
    made = file.read_text()
    assert passwords.make_once(file) is False
    assert file.read_text() == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = [line.split("=")[1] for line in made.splitlines() if line.startswith("UGC_")]
    assert len(values) == len(set(values)) == 4
    assert all(len(value) >= 32 for value in values)


def test_passwords_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(PreflightFailed, match=r"cannot write .*local\.env .*UGC_DATA_DIR"):
        passwords.make_once(tmp_path / "gone" / "local.env")


def test_the_data_directory_is_its_owners_alone(tmp_path: Path) -> None:
    preflight.check_data_dir(tmp_path / "data")
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_what_a_killed_supervisor_left_is_waited_for(
    tmp_path: Path, survivor: subprocess.Popen[bytes]
) -> None:
    clock, said = Waited(survivor, patience=3), list[str]()
    preflight.wait_for_survivors(tmp_path, clock, said.append)
    assert len(clock.slept) == 3
    assert said == ["waiting for the previous stack's processes to stop"]


def test_what_does_not_stop_is_named_with_the_way_to_end_it(
    tmp_path: Path, survivor: subprocess.Popen[bytes]
) -> None:
    clock = Waited(survivor)
    with pytest.raises(
        PreflightFailed, match=rf"warehouse \(process {survivor.pid}\); .*kill -9 {survivor.pid}$"
    ):
        preflight.wait_for_survivors(tmp_path, clock, list[str]().append)
    assert sum(clock.slept) == pytest.approx(preflight.SURVIVORS_WAIT_S)


def test_where_nobody_is_left_nobody_is_waited_for(tmp_path: Path, survivor: subprocess.Popen[bytes]) -> None:
    stack_state.clear(tmp_path)
    clock, said = Waited(survivor), list[str]()
    preflight.wait_for_survivors(tmp_path, clock, said.append)
    assert (clock.slept, said) == ([], [])
