"""docker-compose.yml and the image's recipe, held to their promises without a Docker engine."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from embedded.broker.config import BrokerConfig
from embedded.broker.properties import properties
from etl.settings import EtlSettings
from ops.cli import COMMANDS
from ops.config.known import known_names
from telemetry.settings import ROLES, Settings
from ugc_api.settings import ApiSettings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "Dockerfile"

OURS = ("migrate", "collector", "etl")
LONG_RUNNING = ("kafka", "clickhouse", "collector", "etl")
# Ports of servers, which the addresses carry here, and what only one of our processes is told.
NOT_EVERYONES = {"kafka_port", "warehouse_port", "api_port", "topic_retention_days"}
# What only one node of one kind can be told: its addresses and how its quorum is found.
OWN_ADDRESSES = {
    "listeners",
    "advertised.listeners",
    "controller.quorum.bootstrap.servers",
    "log.dirs",
}


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML takes the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        plain = [key.value for key, _ in node.value if key.value != "<<"]
        twice = {key for key in plain if plain.count(key) > 1}
        assert not twice, f"{twice} stands twice, at {node.start_mark}"
        return super().construct_mapping(node, deep=deep)


def _load(text: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(text, Loader=_Loader)
    return document


@pytest.fixture(scope="module")
def text() -> str:
    return COMPOSE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def services(text: str) -> dict[str, Any]:
    found: dict[str, Any] = _load(text)["services"]
    return found


@pytest.fixture(scope="module")
def recipe() -> str:
    return DOCKERFILE.read_text(encoding="utf-8")


def _seconds(duration: str) -> float:
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", duration).groups()  # type: ignore[union-attr]
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def _bytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([mg])", size).groups()  # type: ignore[union-attr]
    return int(number) * {"m": 2**20, "g": 2**30}[unit]


def test_the_services_are_the_ones_of_the_picture(services: dict[str, Any]) -> None:
    assert set(services) == {"kafka", "clickhouse", "migrate", "collector", "etl"}


def test_images_are_pinned(services: dict[str, Any], recipe: str) -> None:
    images = [service["image"] for service in services.values()]
    images += re.findall(r"^FROM (\S+)", recipe, re.MULTILINE)
    for image in images:
        name, _, tag = image.rpartition(":")
        assert name, f"{image} has no tag"
        assert re.match(r"\d+\.\d+", tag), f"{image}: the tag is not a version"


def test_the_broker_is_the_release_that_the_local_stack_runs(services: dict[str, Any]) -> None:
    jars = (ROOT / "embedded" / "broker" / "jars.txt").read_text(encoding="utf-8")
    version = services["kafka"]["image"].partition(":")[2]
    assert f":{version}" in jars or f"-{version}.jar" in jars


def test_the_warehouse_is_the_release_that_the_local_stack_runs(services: dict[str, Any]) -> None:
    import chdb  # noqa: PLC0415 - the other tests of this file do without the engine

    assert chdb.engine_version.startswith(services["clickhouse"]["image"].partition(":")[2] + ".")


def test_our_image_has_the_version_of_the_project(services: dict[str, Any]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert {services[name]["image"] for name in OURS} == {f"ugc:{version}"}


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_a_command_that_exists(name: str, services: dict[str, Any], recipe: str) -> None:
    assert 'ENTRYPOINT ["ugc"]' in recipe
    assert services[name]["command"][0] in COMMANDS


def test_every_setting_named_anywhere_is_one_that_a_process_reads(text: str) -> None:
    named = set(re.findall(r"UGC_[A-Z0-9_]+", text.replace("UGC_${role}_PASSWORD", "")))
    assert named - known_names() == set()


@pytest.mark.parametrize(("name", "model"), [("collector", ApiSettings), ("etl", EtlSettings)])
def test_every_setting_of_a_process_reaches_its_container(
    name: str, model: type[Settings], services: dict[str, Any]
) -> None:
    base = set(Settings.model_fields) - NOT_EVERYONES
    base -= {f"{role}_password" for role in ROLES}
    expected = {
        f"UGC_{field.upper()}" for field in (set(model.model_fields) - set(Settings.model_fields)) | base
    }
    assert expected - set(services[name]["environment"]) == set()


@pytest.mark.parametrize(("name", "model"), [("collector", ApiSettings), ("etl", EtlSettings)])
def test_what_compose_sets_is_valid(
    name: str, model: type[Settings], services: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in services[name]["environment"].items():
        if value is None or "PASSWORD" in key:
            monkeypatch.delenv(key, raising=False)
        else:
            monkeypatch.setenv(key, value)
    settings = model(_env_file=None)  # type: ignore[call-arg]
    assert settings.bootstrap() == "kafka:9092"
    assert settings.dsn("reader").endswith("@clickhouse:8123/ugc")


def test_each_process_knows_the_one_password_it_needs(services: dict[str, Any]) -> None:
    passwords = {
        name: {key for key in services[name]["environment"] if key.endswith("_PASSWORD")} for name in services
    }
    assert passwords == {
        "kafka": set(),
        "clickhouse": {f"UGC_{role.upper()}_PASSWORD" for role in ROLES},
        "migrate": {"UGC_ADMIN_PASSWORD"},
        "collector": {"UGC_READER_PASSWORD"},
        "etl": {"UGC_WRITER_PASSWORD"},
    }


def test_no_secret_has_a_default_and_a_missing_one_says_how_to_make_it(services: dict[str, Any]) -> None:
    for service in services.values():
        for key, value in service["environment"].items():
            if key.endswith("_PASSWORD"):
                assert value.startswith("${" + key + ":?"), key
    for key, value in services["clickhouse"]["environment"].items():
        if key.endswith("_PASSWORD"):
            assert "openssl rand" in value, key
            assert f"{key}=" in value, key


@pytest.mark.parametrize("name", ["kafka", "clickhouse", *OURS])
def test_every_service_is_bounded_and_unprivileged(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["mem_limit"] == service["memswap_limit"]
    assert service["cpus"] > 0
    assert service["pids_limit"] > 0
    assert {"max-size", "max-file"} <= set(service["logging"]["options"])
    assert any(mount.startswith("/tmp:size=") for mount in service["tmpfs"])
    assert all("size=" in mount for mount in service["tmpfs"])


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_a_long_running_service_is_watched_and_comes_back(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    assert service["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert service["stop_signal"] == "SIGTERM"
    assert "stop_grace_period" in service


def test_what_runs_once_is_not_started_again(services: dict[str, Any]) -> None:
    assert services["migrate"]["restart"] == "no"


def test_things_start_in_order(services: dict[str, Any]) -> None:
    conditions = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    migrated = {"migrate": "service_completed_successfully"}
    assert conditions == {
        "kafka": {},
        "clickhouse": {},
        "migrate": {"kafka": "service_healthy", "clickhouse": "service_healthy"},
        "collector": migrated,
        "etl": migrated,
    }


def test_ports_are_on_loopback_unless_a_setting_opens_the_collector(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "clickhouse": ["127.0.0.1:${UGC_WAREHOUSE_PORT:-8123}:8123"],
        "collector": ["${UGC_API_HOST:-127.0.0.1}:${UGC_API_PORT:-9001}:9001"],
    }
    defaults = {field: ApiSettings.model_fields[field].default for field in ("api_host", "api_port")}
    assert defaults == {"api_host": "127.0.0.1", "api_port": 9001}
    assert Settings.model_fields["warehouse_port"].default == 8123


def test_a_stop_waits_longer_than_the_process_takes_to_flush(services: dict[str, Any]) -> None:
    collector, etl = services["collector"], services["etl"]
    flush_ms = ApiSettings.model_fields["ack_deadline_ms"].default
    assert _seconds(collector["stop_grace_period"]) * 1000 > (
        int(collector["environment"]["UGC_API_SHUTDOWN_MS"]) + flush_ms
    )
    assert _seconds(etl["stop_grace_period"]) * 1000 > int(etl["environment"]["UGC_ETL_STOP_WITHIN_MS"])


def test_health_checks_ask_the_port_the_process_listens_on(services: dict[str, Any]) -> None:
    for name, setting in (("collector", "UGC_API_PORT"), ("etl", "UGC_ETL_METRICS_PORT")):
        asked = re.search(r"127\.0\.0\.1:(\d+)/health/ready", services[name]["healthcheck"]["test"][-1])
        assert asked is not None
        assert asked[1] == services[name]["environment"][setting]


def test_everything_mounted_exists_and_is_read_only(services: dict[str, Any], text: str) -> None:
    volumes = set(_load(text)["volumes"])
    for service in services.values():
        for mount in service.get("volumes", []):
            source, _, rest = mount.partition(":")
            if not source.startswith("."):
                assert source in volumes
                volumes.discard(source)
                continue
            assert (ROOT / source).is_file(), f"{source}: Docker would make a directory of a missing file"
            assert rest.endswith(":ro"), mount
    assert not volumes, f"{volumes} are declared and used by nobody"


def test_what_the_collector_keeps_outlives_its_container_and_is_its_own(services: dict[str, Any]) -> None:
    folder = services["collector"]["environment"]["UGC_DATA_DIR"]
    assert f"collector-data:{folder}" in services["collector"]["volumes"]
    owner = services["collector"]["user"].partition(":")[0]
    # A new volume takes its owner from the folder of the image.
    assert re.search(
        rf"install --directory --owner={owner} .*{folder}$", DOCKERFILE.read_text(), re.MULTILINE
    )


def test_every_server_file_is_mounted(services: dict[str, Any]) -> None:
    mounted = {Path(mount.partition(":")[0]).name for mount in services["clickhouse"]["volumes"]}
    assert {path.name for path in (ROOT / "clickhouse" / "server").rglob("*.xml")} <= mounted


def test_the_broker_is_told_what_the_local_stack_tells_its_own(services: dict[str, Any]) -> None:
    config = BrokerConfig(data_dir=Path("data"), cache_dir=Path("cache"), port=9092)
    local = {
        name: value
        for name, value in properties(config, controller_port=9093).items()
        if name not in OWN_ADDRESSES
    }
    environment = services["kafka"]["environment"]
    here = {name: environment.get("KAFKA_" + name.upper().replace(".", "_")) for name in local}
    assert here == local


def test_the_brokers_heap_leaves_room_in_its_container(services: dict[str, Any]) -> None:
    kafka = services["kafka"]
    heap = re.search(r"-Xmx(\d+m)", kafka["environment"]["KAFKA_HEAP_OPTS"])
    check = re.search(r"-Xmx(\d+m)", kafka["healthcheck"]["test"][-1])
    assert heap is not None
    assert check is not None, "the health check would start a second JVM with the broker's heap"
    assert (_bytes(heap[1]) + _bytes(check[1])) * 1.5 <= _bytes(kafka["mem_limit"])


def test_the_warehouse_stops_taking_memory_before_its_container_does(services: dict[str, Any]) -> None:
    config = (ROOT / "clickhouse" / "server" / "config.d" / "ugc.xml").read_text(encoding="utf-8")
    limit = re.search(r"<max_server_memory_usage>(\d+)<", config)
    wait_s = re.search(r"<shutdown_wait_unfinished>(\d+)<", config)
    assert limit is not None
    assert wait_s is not None
    assert int(limit[1]) <= 0.8 * _bytes(services["clickhouse"]["mem_limit"])
    assert _seconds(services["clickhouse"]["stop_grace_period"]) > int(wait_s[1])
