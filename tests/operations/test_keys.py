"""`ugc keys`: a key is shown once, opens the door it is made for, and is closed for ever when revoked."""

import json
from pathlib import Path
from typing import Any

import pytest

from ops.cli import run
from ugc_api.access.key_file import KeyFile
from ugc_api.access.keys import read_token


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UGC_DATA_DIR", str(tmp_path / "state"))


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "state" / "keys.json")


def as_json(capsys: Any, *arguments: str) -> dict[str, Any]:
    assert run(["keys", *arguments, "--json"]) == 0
    return dict(json.loads(capsys.readouterr().out))


def test_a_write_key_for_a_page(capsys: Any, file: KeyFile) -> None:
    made = as_json(
        capsys, "create", "shop", "--write", "--origin", "https://Shop.example/", "--per-minute", "60"
    )
    token = read_token(made["key"])
    (key,) = file.read()
    assert token is not None
    assert (key.id, key.name) == (token.id, "shop")
    assert key.opens_with(token.secret)
    assert not key.opens_with(token.secret[:-1])
    assert {name: made[name] for name in ("kind", "scopes", "origins", "per_minute")} == {
        "kind": "write",
        "scopes": ["write"],
        "origins": ["https://shop.example"],
        "per_minute": 60,
    }


def test_the_secret_is_shown_once_alone_on_its_line(capsys: Any, file: KeyFile) -> None:
    assert run(["keys", "create", "reports", "--api", "--scope", "read"]) == 0
    shown = capsys.readouterr()
    (line,) = shown.out.splitlines()
    token = read_token(line)
    assert token is not None
    assert token.secret not in shown.err
    assert "not shown again" in shown.err
    for arguments in (["keys", "list"], ["keys", "list", "--json"], ["keys", "revoke", token.id]):
        assert run(arguments) == 0
        said = capsys.readouterr()
        assert token.secret not in said.out + said.err
        assert file.read()[0].secret_sha256 not in said.out + said.err


def test_list_and_revoke(capsys: Any, file: KeyFile) -> None:
    assert run(["keys", "list"]) == 0
    assert "ugc keys create" in capsys.readouterr().out
    one = as_json(capsys, "create", "[bold]one", "--write")["id"]
    two = as_json(capsys, "create", "two", "--api", "--scope", "read", "--scope", "write")["id"]
    assert run(["keys", "list"]) == 0
    shown = capsys.readouterr().out
    assert one in shown
    assert two in shown
    assert "[bold]one" in shown
    assert as_json(capsys, "revoke", one)["id"] == one
    assert [key["id"] for key in as_json(capsys, "list")["keys"]] == [two]
    assert [key["id"] for key in as_json(capsys, "list", "--revoked")["keys"]] == [one, two]
    assert [key.revoked_at is None for key in file.read()] == [False, True]


@pytest.mark.parametrize(("key_id", "said"), [("nobody", "there is no key nobody"), ("", "there is no key")])
def test_a_key_that_is_not_there_is_one_line(capsys: Any, key_id: str, said: str) -> None:
    assert run(["keys", "revoke", key_id]) == 1
    assert said in capsys.readouterr().err


def test_a_key_is_revoked_once(capsys: Any, file: KeyFile) -> None:
    key_id = as_json(capsys, "create", "x", "--write")["id"]
    assert run(["keys", "revoke", key_id]) == 0
    before = file.read()
    assert run(["keys", "revoke", key_id]) == 1
    assert "was revoked before" in capsys.readouterr().err
    assert file.read() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x"], "say which kind"),
        (["x", "--api"], "say what the key may do"),
        (["x", "--write", "--scope", "read"], "leave out --scope"),
        (["x", "--api", "--scope", "read", "--origin", "https://a.b"], "leave out --origin"),
        (["x", "--write", "--origin", "shop.example"], "write it like https://shop.example.com"),
        (["x", "--write", "--per-minute", "0"], "--per-minute"),
        (["x" * 101, "--write"], "100 characters"),
        (["x", "--api", "--scope", "root"], "--scope"),
    ],
)
def test_a_key_that_would_mean_nothing_is_not_made(
    capsys: Any, file: KeyFile, arguments: list[str], said: str
) -> None:
    assert run(["keys", "create", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not file.read()


def test_a_broken_file_is_one_line_and_is_left_alone(capsys: Any, file: KeyFile) -> None:
    file.path.parent.mkdir()
    file.path.write_text("{broken")
    for arguments in (["list"], ["create", "x", "--write"], ["revoke", "x"]):
        assert run(["keys", *arguments]) == 1
        said = capsys.readouterr().err
        assert "is no file of keys" in said
        assert "Traceback" not in said
    assert file.path.read_text() == "{broken"
