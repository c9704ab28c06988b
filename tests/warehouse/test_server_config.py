"""The production server's XML, read and enforced by the engine itself (tests/role_engine.py)."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from role_engine import ROLES, ROLES_XML, SERVER, Ask, as_default, ask_as, child, with_schema

from embedded.warehouse.directory import KEEP_FREE_MB, _config

ACCESS_DENIED, READONLY, CONSTRAINT, PROHIBITED, RESULT_TOO_LARGE = 497, 164, 452, 392, 396


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Ask as a role, on our schema."""
    return with_schema(tmp_path_factory.mktemp("warehouse"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Every setting that this version of ClickHouse has."""
    home = tmp_path_factory.mktemp("names")
    tables = ("settings", "server_settings", "merge_tree_settings")
    answers = ask_as(home, as_default("admin"), *(f"SELECT name FROM system.{table}" for table in tables))
    return {table: set(answer.split()) for table, answer in zip(tables, answers, strict=True)}


EVENT = """
    INSERT INTO events_raw
        (event_id, occurred_at, user_id, event_type, properties, received_at, kafka_topic_id)
    SELECT generateUUIDv4(), now64(3), 'u', 'click', '{}', now64(3), 't'
"""

FORBIDDEN_TO_ALL_BUT_ADMIN = [
    "DROP TABLE events_raw",
    "TRUNCATE TABLE events_raw",
    "ALTER TABLE events_raw DELETE WHERE 1",
    "CREATE TABLE mine (a Int8) ENGINE = Memory",
    "CREATE TEMPORARY TABLE mine (a Int8)",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "DESCRIBE file('/etc/passwd')",
    "SELECT * FROM view(SELECT * FROM file('/etc/passwd', 'LineAsString'))",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "SELECT name FROM system.users",
    "SYSTEM SHUTDOWN",
    "GRANT ALL ON *.* TO analyst",
]


@pytest.mark.parametrize("role", ["writer", "reader", "analyst"])
def test_nobody_but_admin_changes_the_schema_or_leaves_the_warehouse(role: str, ask: Ask) -> None:
    assert ask(role, *FORBIDDEN_TO_ALL_BUT_ADMIN) == [ACCESS_DENIED] * len(FORBIDDEN_TO_ALL_BUT_ADMIN)


def test_the_writer_inserts_through_the_view_and_reads_back(ask: Ask) -> None:
    answers = ask(
        "writer",
        EVENT,
        "SELECT count() FROM events_raw",
        "SELECT countMerge(actions) FROM events_by_quarter_hour",
    )
    assert answers == ["", "1", "1"]


def test_the_writer_mends_with_what_it_is_granted(ask: Ask) -> None:
    """Rows into raw that the views do not see, and a target fed by its view's own SELECT; no ALTER needed."""
    (select,) = ask("writer", "SELECT as_select FROM system.tables WHERE name = 'events_by_quarter_hour_mv'")
    before = ask(
        "admin", "SELECT count() FROM events_raw", "SELECT countMerge(actions) FROM events_by_quarter_hour"
    )
    hidden = EVENT.replace("'u'", "'hidden'") + "SETTINGS additional_table_filters = {'events_raw': '0'}"
    only = "SETTINGS additional_table_filters = {'events_raw': 'user_id = \\'hidden\\''}"
    answers = ask(
        "writer",
        hidden,
        f"INSERT INTO events_by_quarter_hour {select} {only}",
        "SELECT name FROM system.columns WHERE table = 'event_ids_mv' ORDER BY position LIMIT 1",
    )
    assert answers == ["", "", "id"]
    after = ask(
        "admin", "SELECT count() FROM events_raw", "SELECT countMerge(actions) FROM events_by_quarter_hour"
    )
    assert [int(n) - int(m) for n, m in zip(after, before, strict=True)] == [1, 1]


@pytest.mark.parametrize("role", ["reader", "analyst"])
def test_readers_read_and_neither_write_nor_lift_their_limits(role: str, ask: Ask) -> None:
    answers = ask(
        role,
        "SELECT count() * 0 FROM events_raw",
        EVENT,
        "SET readonly = 0",
        "SELECT 1 SETTINGS max_memory_usage = 2147483648",
        "SELECT 1 SETTINGS max_result_bytes = 2147483648",
        "SELECT 1 SETTINGS max_rows_to_read = 999999999999",
        "SELECT 1 SETTINGS max_memory_usage = DEFAULT",
        "SET readonly = DEFAULT",
        "SELECT number FROM numbers(3000000) FORMAT Null",
    )
    assert answers == ["0", ACCESS_DENIED, *[READONLY] * 6, RESULT_TOO_LARGE]


def test_the_writer_cannot_lift_his_limits(ask: Ask) -> None:
    answers = ask(
        "writer",
        "SELECT 1 SETTINGS max_memory_usage = 1073741825",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT 1 SETTINGS max_memory_usage = DEFAULT",
        "SELECT 1 SETTINGS max_concurrent_queries_for_user = 0",
        "SET allow_ddl = 1",
    )
    assert answers == [CONSTRAINT, CONSTRAINT, CONSTRAINT, CONSTRAINT, PROHIBITED]


def test_the_profiles_are_in_force_as_written(ask: Ask) -> None:
    for role in ROLES:
        profile = child(child(ET.parse(ROLES_XML).getroot(), "profiles"), role)
        written = {each.tag: each.text for each in profile if each.tag != "constraints"}
        values = ask(role, *(f"SELECT toString(getSetting('{name}'))" for name in written))
        assert [_number(value) for value in values] == [_number(value) for value in written.values()]


def test_room_is_left_for_merges_under_way() -> None:
    """By the very setting that the embedded warehouse is seen to obey, where the engine looks for it."""
    place = "storage_configuration/disks/default/keep_free_space_bytes"
    of_server = ET.parse(SERVER / "config.d" / "ugc.xml").getroot().findtext(place)
    assert of_server == str(2**30)
    assert ET.fromstring(_config(Path("/somewhere"), 512)).findtext(place) == str(KEEP_FREE_MB * 2**20)


def test_every_setting_exists_in_this_version(names: dict[str, set[str]]) -> None:
    for profile in child(ET.parse(ROLES_XML).getroot(), "profiles"):
        used = {each.tag for each in profile if each.tag != "constraints"}
        used |= {each.tag for each in profile.iterfind("constraints/*")}
        assert used - names["settings"] == set(), profile.tag
    config = ET.parse(SERVER / "config.d" / "ugc.xml").getroot()
    assert {each.tag for each in child(config, "merge_tree")} - names["merge_tree_settings"] == set()
    sections = {
        "merge_tree",
        "storage_configuration",
        "access_control_improvements",
        "user_directories",
        "logger",
    }
    addresses = {"http_port", "mysql_port", "postgresql_port", "interserver_http_port"}
    plain = {each.tag for each in config} - sections - addresses
    assert plain - names["server_settings"] == set()
    assert {f"logger.{each.tag}" for each in child(config, "logger")} - names["server_settings"] == set()


def test_every_bound_of_a_role_is_its_default_or_above() -> None:
    for profile in child(ET.parse(ROLES_XML).getroot(), "profiles"):
        for constraint in profile.iterfind("constraints/*"):
            default, high = profile.findtext(constraint.tag), constraint.findtext("max")
            if default is not None and high is not None:
                assert float(default) <= float(high), f"{profile.tag}: {constraint.tag}"


def test_a_limit_on_time_cannot_be_switched_off() -> None:
    for role in ("reader", "analyst"):
        constraint = ET.parse(ROLES_XML).getroot().find(f"profiles/{role}/constraints/max_execution_time")
        assert constraint is not None
        assert float(constraint.findtext("min", "0")) > 0, "0 is no limit at all"


def test_users_have_a_password_from_the_environment_and_default_is_gone() -> None:
    users = child(ET.parse(ROLES_XML).getroot(), "users")
    assert child(users, "default").attrib == {"remove": "remove"}
    assert {user.tag for user in users} == {"default", *ROLES}
    for role in ROLES:
        password = child(child(users, role), "password")
        assert password.attrib == {
            "from_env": f"UGC_{role.upper()}_PASSWORD",
            "hide_in_preprocessed": "true",
        }
        assert not password.text


def test_every_log_of_the_server_about_itself_is_off_or_forgets() -> None:
    kept = set()
    for log in ET.parse(SERVER / "config.d" / "system_logs.xml").getroot():
        assert log.tag.endswith("_log")
        if log.attrib == {"remove": "remove"}:
            continue
        kept.add(log.tag)
        assert log.attrib == {"replace": "replace"}, "merged into the image's own section otherwise"
        assert "INTERVAL" in log.findtext("ttl", "")
    assert kept == {"query_log", "crash_log"}


def _number(value: str | None) -> float | str | None:
    try:
        return float({"false": "0", "true": "1"}.get(value or "", value or ""))
    except ValueError:
        return value
