"""A database of its own for each test that breaks tables: audits look at all there is."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from warehouse_rows import Stand

from clickhouse import migrate
from clickhouse.client import connect
from etl.load import ClickHouseStore
from ops.cli import run


@pytest.fixture
def own_dsn(warehouse_dsn: Callable[[str], str]) -> Iterator[str]:
    """Its address, as admin, with the schema in it."""
    name = f"audit_{uuid.uuid4().hex[:12]}"
    dsn = urlunsplit(urlsplit(warehouse_dsn("admin"))._replace(path=f"/{name}"))
    migrate.apply(dsn)
    yield dsn
    admin = connect(warehouse_dsn("admin"))
    admin.command(f"DROP DATABASE {name}")
    admin.close()


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
