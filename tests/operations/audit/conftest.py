"""A database of its own for each file that breaks tables: audits look at all there is."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from warehouse_rows import Stand

from clickhouse import auditing, migrate
from clickhouse.client import connect
from clickhouse.views import LEDGER, RAW, VIEWS
from etl.load import ClickHouseStore
from ops.cli import run


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A difference that lasts is looked at four times; nothing here comes in between."""
    monkeypatch.setattr(auditing, "PAUSE_S", 0.05)


@pytest.fixture(scope="module")
def database(warehouse_dsn: Callable[[str], str]) -> Iterator[str]:
    """A database with the schema; its address, as admin."""
    name = f"audit_{uuid.uuid4().hex[:12]}"
    dsn = urlunsplit(urlsplit(warehouse_dsn("admin"))._replace(path=f"/{name}"))
    migrate.apply(dsn)
    yield dsn
    admin = connect(warehouse_dsn("admin"))
    admin.command(f"DROP DATABASE {name}")
    admin.close()


@pytest.fixture
def own_dsn(database: str) -> str:
    """The same, with nothing in its tables."""
    admin = connect(database)
    for table in (RAW, LEDGER, *(view.target for view in VIEWS)):
        admin.command(f"TRUNCATE TABLE {table}")
    admin.close()
    return database


@pytest.fixture
def here(own_dsn: str) -> Stand:
    return Stand(ClickHouseStore(connect(own_dsn)), connect(own_dsn))


@pytest.fixture
def ugc(
    own_dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Any]:
    """`ugc …` on that database: its exit code, what it said, and, with --json, its document."""
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", own_dsn)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> Any:
        code = run(list(arguments))
        shown = capsys.readouterr()
        document = json.loads(shown.out) if "--json" in arguments else None
        return SimpleNamespace(code=code, out=shown.out, err=shown.err, json=document)

    return call
