"""`ugc migrate` and properties that a setting gives a column: planned, made, told, and missed by doctor."""

import io
import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from services import until

from clickhouse import migrate as schema
from clickhouse import mutations
from clickhouse.client import connect
from clickhouse.settings import SchemaSettings
from ops.cli import run
from ops.stack.up import _ensure_columns
from ops.upkeep import topics
from telemetry import logs
from telemetry.settings import Role, SettingsError, load

COLUMN = "property_utm:source"


@pytest.fixture
def dsn(
    kafka_bootstrap: str, warehouse_dsn: Callable[[Role], str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A database of its own, for admin; the broker is there, and its topics are not looked at."""
    server, name = warehouse_dsn("admin").rsplit("/", 1)[0], f"migrated_{uuid.uuid4().hex}"
    monkeypatch.setattr(topics, "TOPICS", ())
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", f"{server}/{name}")
    yield f"{server}/{name}"
    with connect(warehouse_dsn("admin")) as admin:
        admin.command(f"DROP DATABASE {name} SYNC")


def said(capsys: pytest.CaptureFixture[str], *command: str) -> Any:
    assert run([*command, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.stack
def test_a_named_property_is_planned_made_and_told(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["migrate"]) == 0
    assert "column" not in capsys.readouterr().out
    monkeypatch.setenv("UGC_PROPERTY_COLUMNS", "country, utm.source")
    assert said(capsys, "migrate", "--plan")["property_columns"] == {
        "missing": ["utm.source"],
        "taken": [],
    }
    assert run(["migrate", "--plan"]) == 0
    assert "pending  a column for properties.utm.source\n" in capsys.readouterr().out
    assert run(["migrate"]) == 0
    assert "properties.utm.source has one of its own" in capsys.readouterr().out
    with connect(dsn) as admin:
        assert COLUMN in {name for name, *_ in admin.query("DESCRIBE TABLE events_raw").result_rows}
    nothing = {"added": [], "being_written": [], "unnamed": [], "taken": [], "left_out": []}
    assert said(capsys, "migrate")["property_columns"] == nothing
    monkeypatch.delenv("UGC_PROPERTY_COLUMNS")
    assert said(capsys, "migrate")["property_columns"] == {**nothing, "unnamed": [COLUMN]}
    assert run(["migrate"]) == 0
    assert f"ALTER TABLE events_raw DROP COLUMN `{COLUMN}`" in capsys.readouterr().out


@pytest.mark.stack
def test_doctor_misses_the_column_of_a_property_that_is_named(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["migrate"]) == 0
    monkeypatch.setenv("UGC_PROPERTY_COLUMNS", "plan")
    capsys.readouterr()
    run(["doctor", "--json"])
    checks = {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert not checks["schema"]["ok"]
    assert (
        "properties.plan has no column (UGC_PROPERTY_COLUMNS); run `ugc migrate`" in checks["schema"]["found"]
    )
    assert run(["migrate"]) == 0
    capsys.readouterr()
    run(["doctor", "--json"])
    assert {each["check"]: each["ok"] for each in json.loads(capsys.readouterr().out)["checks"]}["schema"]


@pytest.mark.stack
def test_doctor_tells_a_change_of_stored_rows_that_keeps_failing(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["migrate"]) == 0
    with connect(dsn) as admin:
        admin.command("INSERT INTO ranges_moved (first_offset, moved_at) SELECT 1, now()")
        change = "ALTER TABLE ranges_moved UPDATE records = throwIf(1, 'no') WHERE 1"
        admin.command(change, settings={"mutations_sync": 0})
        until(lambda: mutations.failing(admin), within_s=30, what="it fails")
    capsys.readouterr()
    assert run(["doctor", "--json"]) != 0
    checks = {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert not checks["schema"]["ok"]
    assert checks["schema"]["found"].startswith(
        "ranges_moved: (UPDATE records = throwIf(1, 'no') WHERE 1) fails"
    )


@pytest.mark.stack
def test_a_column_of_somebody_else_stands_in_nobodys_way(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["migrate"]) == 0
    with connect(dsn) as admin:
        admin.command("ALTER TABLE events_raw ADD COLUMN `property_utm:key:x` String")
    monkeypatch.setenv("UGC_PROPERTY_COLUMNS", "utm.key.x,plan")
    capsys.readouterr()
    assert run(["migrate", "--plan"]) == 0
    assert "has a column property_utm:key:x that is not what" in capsys.readouterr().out
    assert run(["migrate"]) == 0
    said = capsys.readouterr().out
    assert "properties.plan has one of its own" in said
    assert "has a column property_utm:key:x that is not what" in said
    run(["doctor", "--json"])
    checks = {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}
    assert "rename or drop it, or leave the key out" in checks["schema"]["found"]


@pytest.mark.stack
def test_whatever_stands_in_the_way_of_a_column_a_stack_starts(dsn: str) -> None:
    assert run(["migrate"]) == 0
    said: list[str] = []
    lines = io.StringIO()
    logs.configure(process="up", format="json", stream=lines)
    _ensure_columns(dsn.rsplit("/", 1)[0] + "/not_there", ["plan"], said.append)
    assert '"property_columns_not_made"' in lines.getvalue()
    assert said == []
    _ensure_columns(dsn, ["plan"], said.append)
    assert said[0] == "column: properties.plan has one of its own"


@pytest.mark.stack
def test_a_server_that_does_not_read_the_schema_is_told_from_a_mistake(
    dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "001_new.sql").write_text("CREATE TABLE t (a String OF_A_LATER_RELEASE) ENGINE = Memory")
    monkeypatch.setattr(schema, "MIGRATIONS_DIR", tmp_path)
    assert run(["migrate"]) == 1
    said = capsys.readouterr().err
    assert re.search(
        r"written for ClickHouse 26\.9, and this server is of release \d+\.\d+: bring it up", said
    )
    compose = (Path(__file__).parents[2] / "docker-compose.yml").read_text(encoding="utf-8")
    assert f"clickhouse-server:{schema.WRITTEN_FOR}" in compose


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("", []),
        ("plan", ["plan"]),
        ("country,a,b,c", ["country", "a", "b", "c"]),
        (" plan ,, utm.source,plan,", ["plan", "utm.source"]),
    ],
)
def test_keys_are_named_with_commas_between(
    text: str, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_PROPERTY_COLUMNS", text)
    assert load(SchemaSettings).property_keys() == keys


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a b", r"UGC_PROPERTY_COLUMNS.*'a b' is no key a segment can ask for"),
        ("a'), b String DEFAULT ('", "is no key a segment can ask for"),
        ("x" * 65, "1 to 64 letters, digits"),
        ("country," + ",".join(f"k{n}" for n in range(4)), "names 4 properties; 3 is the most"),
    ],
)
def test_what_is_no_key_is_refused_before_anything_is_done(
    text: str, why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UGC_PROPERTY_COLUMNS", text)
    with pytest.raises(SettingsError, match=why):
        load(SchemaSettings)
    assert run(["migrate", "--plan"]) == 1
    assert "UGC_PROPERTY_COLUMNS" in capsys.readouterr().err
