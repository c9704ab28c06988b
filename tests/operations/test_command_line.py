"""`ugc` itself: help, settings, and errors that are one line and say what to do."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import proxy_bypass_environment as proxy_bypass

import pytest
from clickhouse_connect.driver.httputil import check_env_proxy

from embedded.ports import free_port
from ops.cli import COMMANDS, cli, reach_this_machine_directly, run
from ops.config.known import known_names


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
    message = json.loads(capsys.readouterr().out)["error"]["message"]
    assert "UGC_BATCH_ROWS in .env" in message
    assert "remove the line" in message
    assert "unset" not in message


def test_a_bad_setting_does_not_keep_help_or_settings_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_API_PROT", "9001")
    monkeypatch.setenv("UGC_KAFKA_PORT", "ninety")
    monkeypatch.setenv("UGC_FLUSH_INTERVAL_MS", "7")
    for arguments in (["--help"], ["--version"], ["send", "--help"], ["settings", "-h"]):
        assert run(arguments) == 0
    capsys.readouterr()
    assert run(["settings"]) == 1
    shown = capsys.readouterr()
    assert [line.split()[:2] for line in shown.err.splitlines()] == [
        ["error", "UGC_API_PROT"],
        ["error", "UGC_KAFKA_PORT:"],
    ]
    assert "(bad)" in next(line for line in shown.out.splitlines() if "UGC_KAFKA_PORT " in line)
    assert " 7 " in next(line for line in shown.out.splitlines() if "UGC_FLUSH_INTERVAL_MS" in line)
    assert run(["settings", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["UGC_KAFKA_PORT"] is None
    assert "UGC_KAFKA_PORT" in document["error"]["message"]
    assert run(["send"]) == 1
    assert "UGC_API_PROT" in capsys.readouterr().err


def test_values_that_hold_each_other_wrong_are_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_ETL_MAX_POLL_INTERVAL_MS", "180000")
    monkeypatch.setenv("UGC_ETL_WAREHOUSE_TIMEOUT_MS", "70000")
    assert run(["settings", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert "must be below a third" in document["error"]["message"]
    assert document["UGC_ETL_WAREHOUSE_TIMEOUT_MS"] == 70_000


def test_a_password_in_the_dsn_is_masked_unless_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", "http://me:hunt%40er2@ch.example:8123/ugc")
    monkeypatch.setenv("COLUMNS", "300")
    assert run(["settings"]) == 0
    assert "http://me:••••••@ch.example:8123/ugc" in capsys.readouterr().out
    assert run(["settings", "--json"]) == 0
    assert "er2" not in capsys.readouterr().out
    assert run(["settings", "--json", "--show-secrets"]) == 0
    assert "hunt%40er2" in json.loads(capsys.readouterr().out)["UGC_WAREHOUSE_DSN"]
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", "http://me:hunter2@ch.example:port/ugc")
    assert run(["settings"]) == 1
    shown = capsys.readouterr()
    assert "hunter2" not in shown.out + shown.err


def test_markup_in_a_value_or_a_meaning_is_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_JAVA", "/opt/[/red]\\[b]java")
    monkeypatch.setenv("COLUMNS", "300")
    assert run(["settings"]) == 0
    shown = capsys.readouterr().out
    assert "/opt/[/red]\\[b]java" in shown
    assert "http[s]://[user:password@]host:port/database" in shown
    monkeypatch.setenv("UGC_API_PROT[/red]", "")
    assert run(["send"]) == 1
    assert "UGC_API_PROT[/red]" in capsys.readouterr().err


def test_names_of_settings_stay_whole_on_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert run(["settings"]) == 0
    words = capsys.readouterr().out.split()
    assert known_names() <= set(words)


def test_wrong_usage_is_json_for_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["send", "--count", "0", "--json"]) == 2
    shown = capsys.readouterr()
    error = json.loads(shown.out)["error"]
    assert "--count" in error["message"]
    assert not shown.err


def test_a_library_does_not_talk_over_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ops", "migrate", "--plan"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "UGC_WAREHOUSE_PORT": str(free_port())},
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error the warehouse does not answer")
    assert done.stderr.count("\n") == 1


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


def test_no_warehouse_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not the default port: the reader of this may have a stack running there.
    monkeypatch.setenv("UGC_WAREHOUSE_PORT", str(free_port()))
    assert run(["migrate", "--plan"]) == 1
    assert "the warehouse does not answer" in capsys.readouterr().err


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    untouched: dict[str, str] = {}
    reach_this_machine_directly(untouched)
    assert untouched == {}
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    monkeypatch.setenv("no_proxy", "")
    for _ in range(2):
        reach_this_machine_directly(os.environ)
        assert os.environ["no_proxy"] == "intranet.example,127.0.0.1,localhost,::1"
    for host, beside in (
        ("127.0.0.1", True),
        ("localhost", True),
        ("intranet.example", True),
        ("a.b", False),
    ):
        assert bool(proxy_bypass(host)) is beside, "urllib: our probes, `ugc send`"
        assert (check_env_proxy("http", host, 8123) is None) is beside, "the warehouse's client"


def test_a_data_directory_with_a_comma_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_DATA_DIR", "a,b")
    assert run(["up"]) == 1
    assert "set UGC_DATA_DIR to a path without one" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_contents_name_commands_that_are_there_and_load_none() -> None:
    """Help must be instant: what a command needs, and be it only the settings, loads when it is called."""
    heavy = ("pydantic", "rich", "numpy", "structlog", "clickhouse", "etl", "ugc_api", "embedded")
    code = (
        "import sys; from ops.cli import run; run(['--help']); print(sorted(m for m in sys.modules "
        f"if m.partition('.')[0] in {heavy} or m[:4] == 'ops.'))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert shown.stdout.strip().endswith(
        "['ops.cli', 'ops.terminal', 'ops.terminal.console', 'ops.terminal.surroundings']"
    )
    for name, entry in COMMANDS.items():
        assert f"\n  {name:<8}  {entry.summary}\n" in shown.stdout, "whole, on one line"
