"""A warehouse filled under an older schema and brought up to date answers as one that always had it."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clickhouse import migrate, segments
from clickhouse.scope import Scope
from clickhouse.warehouse import Warehouse

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
FIRST, LAST = date(2026, 3, 18), date(2026, 3, 31)
# Before users were numbers, days had states and properties columns; and before those were worked out as now.
VERSIONS = (37, 47)
SCOPES = (
    Scope(),
    Scope(tz="Asia/Kathmandu", bots=True),
    Scope(segments=(segments.parse("properties.country=DE"),)),
    Scope(segments=(segments.parse("properties.dwell_ms>5"), segments.parse("properties.film_id!=3"))),
)
CALLS: dict[str, tuple[Any, ...]] = {
    "dau": (FIRST, LAST),
    "daily": (FIRST, LAST),
    "top_events": (FIRST, LAST, 10),
    "retention": (FIRST, 10, "day"),
    "retention_7d": (FIRST, LAST),
    "returning": (LAST, 7, 100, None),
}
LATE = {"user_id": "late", "occurred_at": NOW.isoformat(), "properties": {"country": "DE", "dwell_ms": 6}}


def events() -> Iterator[dict[str, Any]]:
    """Thirty people over two weeks, some of them bots, with properties of every kind."""
    for day in range(14):
        for user in range(30):
            if (user * 7 + day) % 3:
                yield {
                    "user_id": f"u{user}",
                    "occurred_at": (NOW - timedelta(days=day, minutes=47 * user)).isoformat(),
                    "event_type": ("click", "page_view")[user % 2],
                    "value": user / 4,
                    "bot_reasons": ["headless"] if user % 10 == 0 else [],
                    "properties": [
                        {},
                        {"country": "DE", "dwell_ms": user},
                        {"country": 'D"E', "film_id": day, "dwell_ms": 9007199254740993},
                        {"film_id": "3", "other": 1},
                    ][(user + day) % 4],
                }


def answers(warehouse: Warehouse) -> dict[str, Any]:
    return {
        f"{call} {scope}": getattr(warehouse, call)(scope, *given)
        for call, given in CALLS.items()
        for scope in SCOPES
    }


@pytest.fixture
def older(
    database_dsn: Callable[[str], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], str]:
    """A database with the schema of a version, by its name."""

    def make(version: int) -> str:
        folder = tmp_path / "migrations"
        folder.mkdir()
        for file in migrate.MIGRATIONS_DIR.glob("*.sql"):
            if int(file.name[:3]) <= version:
                shutil.copy(file, folder)
        name = f"version_{version}"
        with monkeypatch.context() as then:
            then.setattr(migrate, "MIGRATIONS_DIR", folder)
            migrate.apply(database_dsn(name))
        return name

    return make


@pytest.fixture(scope="module")
def right(held: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is answered on the schema of today, before and after a late event."""
    held.hold(list(events()))
    before = answers(held.at(NOW))
    held.add([LATE])
    return before, answers(held.at(NOW))


@pytest.mark.parametrize("version", VERSIONS)
def test_answers_after_an_upgrade(
    right: tuple[dict[str, Any], dict[str, Any]],
    holding: Callable[[str], Any],
    older: Callable[[int], str],
    database_dsn: Callable[[str], str],
    version: int,
) -> None:
    name = older(version)
    upgraded = holding(name)
    upgraded.hold(list(events()))
    assert migrate.apply(database_dsn(name))
    assert answers(upgraded.at(NOW)) == right[0]
    # What comes then stands beside what was there, and meets it in the next merge.
    upgraded.add([LATE])
    for table in ("events_raw", "events_by_quarter_hour", "user_activity", "user_spans"):
        upgraded.client.command(f"OPTIMIZE TABLE {table} FINAL")
    assert answers(upgraded.at(NOW)) == right[1] != right[0]
    upgraded.client.command(f"DROP DATABASE {name}")
