"""What a command writes is a file under its name, whole; what is no file is never replaced by one."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ops.cli import run
from ops.terminal.whole_files import binary_file

YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def a_pipe(place: Path) -> None:
    os.mkfifo(place)


def a_link(place: Path) -> None:
    target = place.with_name("target.csv")
    target.write_text("kept")
    place.symlink_to(target)


SPECIAL = pytest.mark.parametrize("make", [a_pipe, a_link])


@SPECIAL
def test_what_is_no_file_stays(make: Callable[[Path], None], tmp_path: Path) -> None:
    place = tmp_path / "out.csv"
    make(place)
    before = place.lstat()
    with pytest.raises(FileExistsError, match="no regular file"), binary_file(place) as out:
        out.write(b"new")
    assert (place.lstat().st_ino, place.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(each.name for each in tmp_path.iterdir()) in (["out.csv"], ["out.csv", "target.csv"])


@SPECIAL
@pytest.mark.parametrize(
    "command",
    [
        ["export", "--day", YESTERDAY, "--force"],
        ["export", "--day", YESTERDAY, "--force", "--format", "parquet"],
        ["generate", "--events", "10"],
    ],
)
def test_each_command_says_so(
    make: Callable[[Path], None],
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("UGC_DATA_DIR", str(tmp_path / "data"))
    place = tmp_path / "out.csv"
    make(place)
    assert run([*command, "--out", str(place)]) == 1
    said = capsys.readouterr().err
    assert "no regular file" in said
    assert "--out" in said
    assert not place.is_file() or place.read_text() == "kept"


@pytest.mark.parametrize(
    "command",
    [
        ["export", "--day", "9999-12-31"],
        ["export", "--day", "0001-01-01", "--tz", "Asia/Tokyo"],
        ["generate", "--events", "10", "--copies", "nan"],
    ],
)
def test_what_no_calendar_and_no_share_has_is_wrong_usage(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_DATA_DIR", str(tmp_path))
    assert run([*command, "--out", str(tmp_path / "out.csv")]) == 2
