"""A change of what is stored that cannot be finished is told, with the way out; the warehouse is silent."""

import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse import mutations
from clickhouse.client import connect
from clickhouse.mutations import REASON_SHOWN, Failing
from clickhouse.property_columns import WITHOUT_WAITING

pytestmark = pytest.mark.stack

WITHIN_S = 30


@pytest.fixture
def table(warehouse_dsn: Callable[[str], str]) -> Iterator[tuple[Client, str]]:
    """A client of a database of its own, and a table there whose column cannot be worked out for a 7."""
    database = f"mutations_{uuid.uuid4().hex[:8]}"
    server = warehouse_dsn("admin").rsplit("/", 1)[0]
    with connect(warehouse_dsn("admin")) as admin:
        admin.command(f"CREATE DATABASE {database}")
        try:
            with connect(f"{server}/{database}") as client:
                client.command("CREATE TABLE numbered (n UInt8) ENGINE = MergeTree ORDER BY n")
                client.command("INSERT INTO numbered VALUES (7)")
                client.command("ALTER TABLE numbered ADD COLUMN half UInt8 MATERIALIZED throwIf(n, 'seven')")
                yield client, "numbered"
        finally:
            admin.command(f"DROP DATABASE {database}")


def _failing(client: Client) -> list[Failing]:
    """As soon as there is one."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := mutations.failing(client)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_a_column_that_cannot_be_written_is_told_until_it_is_ended(table: tuple[Client, str]) -> None:
    client, name = table
    assert mutations.failing(client) == []
    client.command(f"ALTER TABLE {name} MATERIALIZE COLUMN half", settings=WITHOUT_WAITING)
    [found] = _failing(client)
    assert (found.table, found.command) == (name, "(MATERIALIZE COLUMN half)")
    assert "seven" in found.reason
    # What it says ends it does.
    client.command(str(found).partition("end it: ")[2])
    assert mutations.failing(client) == []


def test_one_that_can_be_written_is_not(table: tuple[Client, str]) -> None:
    client, name = table
    client.command(f"ALTER TABLE {name} DELETE WHERE n = 7")
    assert mutations.failing(client) == []


def test_a_long_reason_is_cut() -> None:
    said = str(Failing("events_raw", "mutation_9.txt", "(MATERIALIZE COLUMN a)", "x" * 5_000))
    assert "x" * REASON_SHOWN in said
    assert "x" * (REASON_SHOWN + 1) not in said


def test_of_several_the_oldest_is_told_whole() -> None:
    first, second = (Failing(table, "mutation_9.txt", "(X)", "why") for table in ("events_raw", "user_spans"))
    assert mutations.told([first]) == str(first)
    assert mutations.told([first, second]) == f"{first}; and 1 more, the next of user_spans"
