"""Hundreds of small histories: every answer of the warehouse is the oracle's."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from properties.comparing import mismatches
from properties.loading import Loader
from properties.questions import Case, cases
from properties.standing import StandingClock
from warehouse_process import Process

from clickhouse.client import connect
from clickhouse.warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

HISTORIES = 500


@pytest.fixture(scope="module")
def loader(process: Process) -> Iterator[Loader]:
    made = Loader(process, quick=True)
    yield made
    made.close()


@pytest.fixture(scope="module")
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="module")
def warehouse(process: Process, clock: StandingClock) -> Iterator[Warehouse]:
    client = connect(process.dsn("reader"))
    yield Warehouse(client, clock=clock)
    client.close()


@given(case=cases())
@settings(
    max_examples=HISTORIES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
def test_every_answer_is_the_oracles(
    case: Case, loader: Loader, warehouse: Warehouse, clock: StandingClock
) -> None:
    loader.load(case.history)
    clock.at = case.history.now
    assert mismatches(case, warehouse) == []
