"""The file of keys: written whole, read anew when it changes, and never a reason to let more in."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from ugc_api.access.key_file import KEYS_MAX, KeyFile, KeysFileError
from ugc_api.access.keys import new_token, read_token
from ugc_api.access.scopes import Scope


def test_the_file_is_its_owners_alone_and_has_no_secret(locked: Any) -> None:
    key = locked.key(Scope.READ)
    path = locked.file.path
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert key.split("_", 2)[2] not in text
    assert json.loads(text)["keys"][0]["id"] in key


BROKEN = {
    "empty": b"",
    "cut off": b'{"version": 1, "keys": [{"id": "abcd"',
    "binary": b"\xff\x00\xff",
    "another version": b'{"version": 2, "keys": []}',
    "no list": b'{"version": 1, "keys": {}}',
    "unknown field": b'{"version": 1, "keys": [], "open": true}',
    "too large": b" " * (16 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_changes_nothing_and_is_said_once(locked: Any, broken: bytes) -> None:
    key = locked.key(Scope.READ)
    assert locked.ask(X_API_Key=key).status_code == 200
    locked.file.path.write_bytes(broken)
    with capture_logs() as lines:
        for _ in range(5):
            locked.later()
            assert locked.ask(X_API_Key=key).status_code == 200
            assert locked.ask(X_API_Key=key[:-1]).status_code == 401
            assert locked.ask().status_code == 401
    said = [line for line in lines if line["event"] == "keys_not_read"]
    assert len(said) == 1
    assert said[0]["log_level"] == "error"
    assert str(locked.file.path) in said[0]["reason"]
    assert locked.api.value("ugc_keys_readable") == 0
    # Mended, it counts again.
    locked.file.path.unlink()
    other = locked.key(Scope.READ)
    assert locked.ask(X_API_Key=other).status_code == 200
    assert locked.ask(X_API_Key=key).status_code == 401
    assert locked.api.value("ugc_keys_readable") == 1


def test_a_file_that_vanishes_changes_nothing_and_is_said(locked: Any) -> None:
    key = locked.key(Scope.READ)
    assert locked.ask(X_API_Key=key).status_code == 200
    locked.file.path.unlink()
    with capture_logs() as lines:
        for _ in range(3):
            locked.later()
            assert locked.ask(X_API_Key=key).status_code == 200
    assert len([line for line in lines if line["event"] == "keys_not_read"]) == 1


def test_a_broken_file_at_the_start_lets_nobody_in(lock: Any, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    locked = lock()
    assert locked.ask(X_API_Key=str(new_token())).status_code == 401
    assert locked.ask().status_code == 401
    (tmp_path / "keys.json").unlink()
    assert locked.ask(X_API_Key=locked.key(Scope.READ)).status_code == 200


def test_no_file_is_no_keys_and_is_said(lock: Any) -> None:
    with capture_logs() as lines:
        locked = lock()
    assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["nobody_may_enter"]
    assert locked.ask().status_code == 401


def test_the_file_is_looked_at_once_a_second_and_read_when_it_changed(locked: Any, monkeypatch: Any) -> None:
    key = locked.key(Scope.READ)
    locked.ask(X_API_Key=key)
    looks: list[Any] = []
    reads: list[Any] = []
    seen, read = os.stat, KeyFile.read
    monkeypatch.setattr(
        os, "stat", lambda *a, **k: (a[0] == locked.file.path and looks.append(a)) or seen(*a, **k)
    )
    monkeypatch.setattr(KeyFile, "read", lambda self: reads.append(self) or read(self))
    for _ in range(100):
        assert locked.ask(X_API_Key=key).status_code == 200
        locked.later(0.1)
    assert 8 <= len(looks) <= 11
    assert not reads


def test_changes_at_once_lose_none(tmp_path: Path) -> None:
    """Four processes make keys in one file at the same time."""
    program = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ugc_api.access.key_file import KeyFile
from ugc_api.access.keys import Key, Kind, hashed, new_token
for _ in range(15):
    token = new_token()
    key = Key(id=token.id, kind=Kind.WRITE, secret_sha256=hashed(token.secret), scopes={"write"},
              created_at=datetime(2026, 11, 21, tzinfo=UTC))
    KeyFile(Path(sys.argv[1])).change(lambda there: (*there, key))
"""
    path = tmp_path / "keys.json"
    root = Path(__file__).parents[3]
    makers = [subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=root) for _ in range(4)]
    seen = []
    while any(maker.poll() is None for maker in makers):
        # A reader takes no lock, and never sees half a file.
        seen.append(len(KeyFile(path).read()))
    assert [maker.wait() for maker in makers] == [0] * 4
    assert len(KeyFile(path).read()) == 60
    assert seen == sorted(seen)


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    with pytest.raises(KeysFileError, match="cannot write the keys"):
        KeyFile(tmp_path / "in the way" / "keys.json").change(lambda there: there)


def test_the_number_of_keys_is_bounded(locked: Any) -> None:
    locked.key()
    (key,) = locked.file.read()
    with pytest.raises(KeysFileError, match="the most"):
        locked.file.change(lambda _: (key,) * (KEYS_MAX + 1))
    assert len(locked.file.read()) == 1


def test_many_threads_while_the_file_changes(locked: Any) -> None:
    key = locked.key(Scope.READ)
    assert locked.ask(X_API_Key=key).status_code == 200
    codes: list[int] = []

    def ask() -> None:
        client = locked.api.client.application.test_client()
        for _ in range(20):
            locked.later(0.2)
            codes.append(client.get("/metrics", headers={"X-API-Key": key}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        locked.key()
    for thread in threads:
        thread.join()
    assert set(codes) == {200}


@pytest.mark.parametrize(
    "text", ["", "ugc", "ugc_", "ugc_a", "ugc_a_", "ugc__b", "xyz_a_b", "ugc_a_" + "b" * 200]
)
def test_what_is_no_key_is_not_read_as_one(text: str) -> None:
    assert read_token(text) is None


def test_a_token_reads_back_and_does_not_show_itself() -> None:
    token = new_token()
    assert read_token(str(token)) == token
    assert token.secret not in repr(token)
    assert len({new_token().id for _ in range(100)}) == 100
