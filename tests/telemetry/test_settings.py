"""Where a setting comes from, and what a bad one says."""

from pathlib import Path

import pytest

from telemetry.settings import Settings, SettingsError, load


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_environment_wins_over_dotenv_over_local_env_over_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load(Settings).api_port == 9001
    (tmp_path / ".ugc").mkdir()
    (tmp_path / ".ugc" / "local.env").write_text("UGC_API_PORT=1001\n")
    assert load(Settings).api_port == 1001
    (tmp_path / ".env").write_text("UGC_API_PORT=1002\n")
    assert load(Settings).api_port == 1002
    monkeypatch.setenv("UGC_API_PORT", "1003")
    assert load(Settings).api_port == 1003
    assert load(Settings, api_port=1004).api_port == 1004


def test_dotenv_may_move_the_data_directory_whose_passwords_are_then_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "local.env").write_text("UGC_READER_PASSWORD=secret\n")
    (tmp_path / ".env").write_text(f"UGC_DATA_DIR={tmp_path / 'elsewhere'}\n")
    assert load(Settings).reader_password.get_secret_value() == "secret"


def test_a_bad_value_names_its_variable_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGC_KAFKA_PORT", "ninety")
    with pytest.raises(SettingsError, match=r"^UGC_KAFKA_PORT: .*`ugc settings`") as error:
        load(Settings)
    assert "\n" not in str(error.value)


def test_the_dsn_carries_the_role_unless_one_is_written_into_it() -> None:
    local = load(Settings, writer_password="a/b@c")
    assert local.dsn("writer") == "http://writer:a%2Fb%40c@127.0.0.1:8123/ugc"
    given = load(Settings, warehouse_dsn="https://ch.example:8443/ugc", reader_password="x")
    assert given.dsn("reader") == "https://reader:x@ch.example:8443/ugc"
    whole = load(Settings, warehouse_dsn="http://me:mine@ch.example/ugc", reader_password="x")
    assert whole.dsn("reader") == "http://me:mine@ch.example/ugc"


def test_secrets_do_not_show_in_a_repr() -> None:
    assert "hunter2" not in repr(load(Settings, admin_password="hunter2"))
