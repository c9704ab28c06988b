"""The suite's warehouses: the embedded process, and any ClickHouse server that the environment names.

ROLES_SUITE_DSNS     of admin, writer, reader and analyst: http://user:password@host:port/ugc, four with
                     spaces between; the server has our migrations and roles.xml
ROLES_SUITE_CANARY   a directory of this machine that the server reads as its user_files; empty: there is none
ROLES_SUITE_LISTEN   an address of this machine that the server reaches; default 127.0.0.1
ROLES_SUITE_LIBRARY  a libchdb.so that takes a command line: ClickHouse's own HTTP interface and users, with
                     our files, in a process of the suite's (listening.py)

The suite makes more errors than half an hour's quota of analyst: between two runs restart the server.
"""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
import ready_made
from warehouse.roles.listening import Listening
from warehouse.roles.target import Canary, Listener, Target
from warehouse_process import Process

from telemetry.settings import ROLES

LIBRARY = os.environ.get("ROLES_SUITE_LIBRARY", "")
DSNS = os.environ.get("ROLES_SUITE_DSNS", "").split()
NEAR = "canary.txt"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of the suite on each warehouse there is."""
    if "target" in metafunc.fixturenames:
        kinds = ["embedded", *(["server"] if DSNS else []), *(["listening"] if LIBRARY else [])]
        metafunc.parametrize("target", kinds, indirect=True, scope="session")


def canary(where: Path, listen: str, *, near: tuple[Path, ...]) -> Canary:
    """A new one; `near` are directories that the server may look into for a name without a path."""
    secret = f"canary {secrets.token_hex(16)}\n"
    directory = where / "written"
    directory.mkdir(parents=True)
    file = where / NEAR
    copies = []
    for each in near:
        each.mkdir(parents=True, exist_ok=True)
        copies.append(each / NEAR)
    for each in (file, *copies):
        each.write_text(secret)
    return Canary(file, NEAR, secret, directory, Listener(listen), tuple(copies))


def listening(where: Path) -> Iterator[Target]:
    """It reads any file that it is named, from where it runs; and those of user_files."""
    process = Listening(where / "listening", LIBRARY)
    process.start()
    try:
        bird = canary(where / "canary", "127.0.0.1", near=(process.user_files, where / "listening"))
        yield Target({role: process.dsn(role) for role in ROLES}, bird, "listening")
        bird.listener.close()
    finally:
        process.kill()


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The warehouse under attack."""
    where = tmp_path_factory.mktemp("roles")
    if request.param == "server":
        listen = os.environ.get("ROLES_SUITE_LISTEN", "127.0.0.1")
        user_files = os.environ.get("ROLES_SUITE_CANARY", "")
        bird = canary(where, listen, near=(Path(user_files),) if user_files else ())
        yield Target(dict(zip(ROLES, DSNS, strict=True)), bird, "server")
        bird.listener.close()
        return
    if request.param == "listening":
        yield from listening(where)
        return
    process = Process(where / "warehouse")
    ready_made.warehouse_at(process.path)
    process.start()
    try:
        data = process.path / "data"
        bird = canary(where / "canary", "127.0.0.1", near=(process.path, data, data / "user_files"))
        yield Target({role: process.dsn(role) for role in ROLES}, bird, "embedded")
        bird.listener.close()
    finally:
        process.kill()
