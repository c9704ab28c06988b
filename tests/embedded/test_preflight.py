"""Every fault before the start is one line that names the setting and the way out."""

import socket
import stat
from pathlib import Path

import pytest

from embedded import passwords, preflight
from embedded.preflight import PreflightFailed


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
