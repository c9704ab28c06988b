"""Where a setting comes from, and what a bad one says."""

from pathlib import Path

import pytest

from telemetry.settings import Settings, SettingsError, load, survey


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


@pytest.mark.parametrize(
    "dsn",
    [
        "ch.example",
        "ch.example:8123/ugc",
        "clickhouse://ch.example/ugc",
        "http:///ugc",
        "http://ch.example:port/ugc",
        "http://ch.example:70000/ugc",
        "http://ch.example:0/ugc",
        "http://[::1/ugc",
        "http://ch.example",
        "http://ch.example/",
        "http://ch.example/a/b",
        "http://ch.example/ugc?password=hunter2",
        "http://ch.example/ugc#x",
        "http://me:hunter2/x@ch.example:8123/ugc",
        "http://ch.example/u gc",
    ],
)
def test_a_dsn_that_names_no_server_and_database_is_refused(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", dsn)
    with pytest.raises(SettingsError, match=r"^UGC_WAREHOUSE_DSN: is not http\[s\]://") as error:
        load(Settings)
    assert "\n" not in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "dsn", ["http://ch/ugc", "https://me:a%2Fb@ch.example:8443/db", "http://[::1]:8123/ugc"]
)
def test_a_dsn_of_a_server_and_a_database_is_taken(dsn: str) -> None:
    assert load(Settings, warehouse_dsn=dsn).warehouse_dsn == dsn


def test_the_place_of_the_warehouse_holds_no_password() -> None:
    assert load(Settings, warehouse_port=1).warehouse_place() == "http://127.0.0.1:1/ugc"
    given = load(Settings, warehouse_dsn="https://me:p%40w@ch.example:8443/db")
    assert given.warehouse_place() == "https://ch.example:8443/db"


def test_an_empty_value_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".ugc").mkdir()
    (tmp_path / ".ugc" / "local.env").write_text("UGC_KAFKA_PORT=1001\n")
    (tmp_path / ".env").write_text("UGC_DATA_DIR=\nUGC_KAFKA_PORT=\nUGC_API_PORT=1002\n")
    for name in ("UGC_DATA_DIR", "UGC_API_PORT", "UGC_LOG_LEVEL"):
        monkeypatch.setenv(name, "")
    settings = load(Settings)
    assert (settings.data_dir, settings.log_level) == (Path(".ugc"), "info")
    assert (settings.kafka_port, settings.api_port) == (1001, 1002)


@pytest.mark.parametrize("name", [".env", ".ugc/local.env"])
def test_a_file_that_is_not_utf_8_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / ".ugc").mkdir()
    (tmp_path / name).write_bytes(b"UGC_JAVA=\xff\n")
    with pytest.raises(SettingsError, match=rf"cannot read settings from {name}: byte 9 is not UTF-8"):
        load(Settings)


def test_a_bad_value_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UGC_KAFKA_PORT", "ninety")
    monkeypatch.setenv("UGC_LOG_LEVEL", "loud")
    monkeypatch.setenv("UGC_API_PORT", "1003")
    values, bad = survey(Settings)
    assert values["api_port"] == 1003
    assert values.keys() == Settings.model_fields.keys() - {"kafka_port", "log_level"}
    assert [line.partition(":")[0] for line in bad] == ["UGC_KAFKA_PORT", "UGC_LOG_LEVEL"]
