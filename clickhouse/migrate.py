"""Bring a warehouse to the schema of `migrations/`, and say what that would do.

The ledger, the checksums and the order are clickhouse-migrations'; here is only how we call it. One run at a
time: its lock needs ClickHouse Keeper, which a single server does not have, so the stack and the compose
file each have exactly one process that migrates.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from clickhouse_connect.driver import options
from clickhouse_connect.driver.exceptions import ClickHouseError
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster
from clickhouse_migrations.exceptions import MigrationException
from urllib3.exceptions import HTTPError

from clickhouse.client import CONNECT_TIMEOUT_S, QueryFailed, Unavailable, classify, connect
from telemetry.errors import OperatorError

# Before it writes into the ledger, the client loads pandas to see that a list is no DataFrame: a second of
# CPU, and 100 MiB for as long as the stack runs. Here it hears that there is none.
options.pd = options.pd_time_test = None

MIGRATIONS_DIR = Path(__file__).parent / "migrations"
STATEMENT_TIMEOUT_S = 600
# As docker-compose.yml pins it. 26.7 does not read what it reads.
WRITTEN_FOR = "26.9"
SYNTAX_ERROR = 62


class MigrationRefused(OperatorError):  # noqa: N818 - a decision of ours
    """What was applied and what is on disk contradict each other; the message names the migration."""


@dataclass(frozen=True, slots=True)
class Step:
    """One migration: its number, its file, and whether the warehouse has it."""

    version: int
    name: str
    applied: bool


def plan(dsn: str) -> list[Step]:
    """Every migration in order, and whether the warehouse at `dsn` has it. Changes nothing."""
    files = {int(path.name.split("_")[0]): path.stem for path in _files()}
    rows = _call(lambda cluster, database: cluster.status(database, MIGRATIONS_DIR), dsn)
    steps = []
    for row in rows:
        if row.state not in {"applied", "pending"}:
            raise MigrationRefused(
                f"migration {row.version} is {row.state}: the file differs from what was applied; "
                "a migration that ran is never edited, write a new one"
            )
        steps.append(Step(row.version, files.get(row.version, "?"), row.state == "applied"))
    return steps


def apply(dsn: str) -> list[Step]:
    """Apply what is pending and return the steps that ran, in order. Safe to run again."""
    pending = [step for step in _plan_or_create(dsn) if not step.applied]
    if pending:
        try:
            _call(lambda cluster, database: cluster.migrate(database, MIGRATIONS_DIR), dsn)
        except QueryFailed as error:
            if error.code != SYNTAX_ERROR:
                raise
            raise MigrationRefused(
                f"the schema is written for ClickHouse {WRITTEN_FOR}, and this server is of release "
                f"{_release(dsn)}: bring it up to date ({error})"
            ) from error
    return pending


def _release(dsn: str) -> str:
    with connect(dsn) as client:
        return ".".join(str(client.server_version).split(".")[:2])


def _plan_or_create(dsn: str) -> list[Step]:
    _call(lambda cluster, database: cluster.create_db(database), dsn)
    return plan(dsn)


def _files() -> list[Path]:
    return sorted(path for path in MIGRATIONS_DIR.glob("*.sql") if not path.name.endswith(".down.sql"))


def _call(action: Callable[[ClickhouseCluster, str], Any], dsn: str) -> Any:
    parts = urlsplit(dsn)
    database = parts.path.lstrip("/")
    cluster = ClickhouseCluster(
        db_host=parts.hostname or "127.0.0.1",
        db_port=str(parts.port or (8443 if parts.scheme == "https" else 8123)),
        db_user=unquote(parts.username or ""),
        db_password=unquote(parts.password or ""),
        secure=parts.scheme == "https",
        driver="clickhouse-connect",
        db_name=database,
        connect_timeout=CONNECT_TIMEOUT_S,
        query_timeout=STATEMENT_TIMEOUT_S,
    )
    try:
        return action(cluster, database)
    except MigrationException as error:
        raise MigrationRefused(str(error)) from error
    except ClickHouseError as error:
        raise classify(error) from error
    except (HTTPError, OSError) as error:
        raise Unavailable(f"the warehouse does not answer: {error}") from error
