"""One behavioural suite, two things it holds for: the embedded warehouse, and a ClickHouse server.

Tests know a DSN and nothing else. The server runs where there is a Docker engine.
"""

import base64
import http.client
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from services import ROOT, until

from embedded.ports import free_port

SERVER_IMAGE = "clickhouse/clickhouse-server:26.9"
PASSWORDS = {"admin": "adm:in/ä", "writer": "writer-pw", "reader": "reader-pw", "analyst": "analyst-pw"}
USERS_D = ROOT / "clickhouse" / "server" / "users.d"
CONFIG_D = ROOT / "clickhouse" / "server" / "config.d"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> int:
        """ClickHouse's error code; 0 when there is none."""
        return int(self.headers.get("X-ClickHouse-Exception-Code", 0))


@dataclass(frozen=True)
class Warehouse:
    """Where it listens, and how a role speaks to it."""

    port: int
    host: str = "127.0.0.1"
    pid: int | None = None
    path: Path | None = None
    passwords: Mapping[str, str] = field(default_factory=lambda: dict(PASSWORDS))

    def auth(self, role: str) -> dict[str, str]:
        pair = f"{role}:{self.passwords[role]}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}

    def ask(
        self,
        sql: str | bytes = b"",
        *,
        role: str = "admin",
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        path: str = "/",
        query: Mapping[str, Any] | None = None,
        database: str = "ugc",
        auth: bool = True,
    ) -> Answer:
        """What curl would do."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            all_headers = {**(self.auth(role) if auth else {}), **(headers or {})}
            named = {"database": database, **(query or {})} if path == "/" else dict(query or {})
            target = f"{path}?{urlencode(named)}" if named else path
            body = sql.encode() if isinstance(sql, str) else sql
            connection.request(method, target, body or None, all_headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers), response.read())
        finally:
            connection.close()

    def rows(self, sql: str, **how: Any) -> list[list[str]]:
        """The answer as TSV, split; an error fails the test with its text."""
        answer = self.ask(sql, **how)
        assert answer.status == 200, answer.text
        return [line.split("\t") for line in answer.text.splitlines()]

    def client(self, role: str, **how: Any) -> Client:
        return clickhouse_connect.get_client(
            host=self.host,
            port=self.port,
            username=role,
            password=self.passwords[role],
            **{"database": "ugc", **how},
        )


def environment() -> dict[str, str]:
    """What the process gets: the passwords, and nothing of the person who runs the tests."""
    mine = {key: value for key, value in os.environ.items() if not key.startswith("UGC_")}
    return {**mine, **{f"UGC_{role.upper()}_PASSWORD": each for role, each in PASSWORDS.items()}}


def command(path: Path, port: int, *more: str) -> list[str]:
    return [sys.executable, "-m", "embedded.warehouse", "--path", str(path), "--port", str(port), *more]


class Process:
    """An embedded warehouse that a test starts and stops."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.port = free_port()
        self.log = path.parent / f"{path.name}.log"
        self.cwd = ROOT
        self.arguments: tuple[str, ...] = ()
        self.popen: subprocess.Popen[bytes] | None = None

    def start(self) -> Warehouse:
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                command(self.path, self.port, *self.arguments),
                env=environment(),
                cwd=self.cwd,
                stdout=log,
                stderr=log,
            )
        warehouse = Warehouse(self.port, pid=self.popen.pid, path=self.path)
        until(lambda: self._ready(warehouse), within_s=20, what=f"the warehouse serves ({self.log})")
        return warehouse

    def _ready(self, warehouse: Warehouse) -> bool:
        assert self.popen is not None
        assert self.popen.poll() is None, self.log.read_text()
        try:
            return warehouse.ask(path="/ping", method="GET", auth=False).text == "Ok.\n"
        except OSError:
            return False

    def stop(self) -> int:
        assert self.popen is not None
        self.popen.terminate()
        return self.popen.wait(30)


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The warehouse of the local stack, in a process of its own."""
    process = Process(tmp_path_factory.mktemp("embedded") / "warehouse")
    yield process.start()
    assert process.stop() == 0, process.log.read_text()
    assert "Traceback" not in process.log.read_text()


@pytest.fixture(scope="session")
def server() -> Iterator[Warehouse]:
    """A ClickHouse server with production's configuration, where there is a Docker engine."""
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415

    container = DockerContainer(SERVER_IMAGE).with_exposed_ports(8123)
    for role, password in PASSWORDS.items():
        container.with_env(f"UGC_{role.upper()}_PASSWORD", password)
    container.with_volume_mapping(str(USERS_D / "roles.xml"), "/etc/clickhouse-server/users.d/roles.xml")
    for each in CONFIG_D.glob("*.xml"):
        container.with_volume_mapping(str(each), f"/etc/clickhouse-server/config.d/{each.name}")
    with container:
        running = Warehouse(int(container.get_exposed_port(8123)), container.get_container_host_ip())
        until(lambda: _answers(running), within_s=60, what="the server serves")
        running.ask("CREATE DATABASE IF NOT EXISTS ugc", database="default")
        yield running


@cache
def docker_answers() -> bool:
    """Asked of the command line: the library leaves sockets open when there is no engine."""
    docker = shutil.which("docker")
    return (
        docker is not None
        and subprocess.run([docker, "info"], capture_output=True, check=False).returncode == 0
    )


def _answers(warehouse: Warehouse) -> bool:
    try:
        return warehouse.ask("SELECT 1", database="default").status == 200
    except OSError:
        return False


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of the suite on each warehouse there is here; test_server.py says when one is not."""
    if "warehouse" in metafunc.fixturenames:
        kinds = [pytest.param("embedded", marks=pytest.mark.stack)]
        if docker_answers():
            kinds.append(pytest.param("server", marks=pytest.mark.docker))
        metafunc.parametrize("warehouse", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """Each of the two in turn."""
    found: Warehouse = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def table(warehouse: Warehouse) -> Iterator[str]:
    """A fresh table of (a UInt64, s String)."""
    yield from _fresh_table(warehouse)


def _fresh_table(warehouse: Warehouse) -> Iterator[str]:
    name = f"t_{uuid.uuid4().hex[:12]}"
    answer = warehouse.ask(
        f"CREATE TABLE {name} (a UInt64, s String) ENGINE = MergeTree ORDER BY a "
        "SETTINGS non_replicated_deduplication_window = 100"
    )
    assert answer.status == 200, answer.text
    yield name
    warehouse.ask(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def make_process() -> Iterator[Callable[[Path], Process]]:
    """Warehouses of a test's own; none outlives it."""
    made: list[Process] = []

    def make(path: Path) -> Process:
        made.append(Process(path))
        return made[-1]

    yield make
    for each in made:
        if each.popen is not None and each.popen.poll() is None:
            each.popen.kill()
            each.popen.wait(10)


@pytest.fixture(scope="session")
def has_docker() -> bool:
    """Whether the suite can run on a server here."""
    return docker_answers()


@pytest.fixture
def process_environment() -> dict[str, str]:
    """What a warehouse process is given."""
    return environment()


@pytest.fixture
def table_of(embedded: Warehouse) -> Iterator[str]:
    """A fresh table in the embedded warehouse."""
    yield from _fresh_table(embedded)
