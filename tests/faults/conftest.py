"""A broker and a warehouse for all fault tests, which break them; ETLs for each test.

The scheduling in tests/conftest.py gives their files to one worker, one after the other.
"""

from collections.abc import Callable, Iterator
from random import Random

import pytest
from faults.group import Group
from faults.stand import Child, Stand
from faults.truth import RAW, differences, views

from clickhouse.views import LEDGER
from contract.topics import DEAD, EVENTS


@pytest.fixture(scope="session")
def _stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    made = Stand(tmp_path_factory.mktemp("faults") / "data")
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="module")
def stand(_stand: Stand) -> Stand:
    """Each file finds it as if it were new: nothing in the log, nothing committed, nothing in the tables."""
    group = Group(_stand.settings.bootstrap())
    group.recreate_topic(names=(EVENTS.name, DEAD.name))
    group.close()
    client = _stand.admin()
    for table in (RAW, LEDGER, *(view.target for view in views(client))):
        client.command(f"TRUNCATE TABLE {table}")
    client.close()
    return _stand


@pytest.fixture(autouse=True)
def _clean_slate(request: pytest.FixtureRequest) -> None:
    """What an earlier test of the file left broken is its own failure, not the next one's."""
    if "stand" not in request.fixturenames:
        return
    stand: Stand = request.getfixturevalue("stand")
    client = stand.admin()
    if differences(client):
        for table in (RAW, *(view.target for view in views(client))):
            client.command(f"TRUNCATE TABLE {table}")
    client.close()


@pytest.fixture
def group(stand: Stand) -> Iterator[Group]:
    made = Group(stand.settings.bootstrap())
    yield made
    made.close()


@pytest.fixture
def etl(stand: Stand) -> Iterator[Callable[..., Child]]:
    """Makes ETLs that serve; all end with the test."""

    def make(name: str = "etl", **environment: str) -> Child:
        made = stand.etl(name, **environment)
        made.start()
        return made

    yield make
    stand.drop_etls()


@pytest.fixture
def random(request: pytest.FixtureRequest) -> Random:
    """The same for the same test, another for each: ids never meet."""
    return Random(request.node.nodeid)


@pytest.fixture
def all_once(stand: Stand, group: Group) -> Callable[..., None]:
    """Waits until the log is done; then each of these ids is stored once, and all that is counted agrees."""

    def check(ids: set[str], *, within_s: float = 60) -> None:
        group.wait_drained(within_s=within_s)
        client = stand.admin()
        try:
            stored = [str(row[0]) for row in client.query("SELECT event_id FROM events_raw").result_rows]
            missing = ids - set(stored)
            assert not missing, f"{len(missing)} of {len(ids)} events are not stored"
            assert differences(client) == []
        finally:
            client.close()

    return check
