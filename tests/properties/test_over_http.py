"""The same end to end: asked by HTTP, through the application, of the real warehouse."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from properties.loading import Loader
from properties.over_http import Asker, application
from properties.questions import Case, cases
from properties.standing import StandingClock
from warehouse_process import Process

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]

HISTORIES = 100


@pytest.fixture(scope="module")
def loader(process: Process) -> Iterator[Loader]:
    made = Loader(process, quick=False)
    yield made
    made.close()


@pytest.fixture(scope="module")
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture(scope="module")
def client(process: Process, clock: StandingClock, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return application(process, clock, tmp_path_factory.mktemp("collector"))


@given(case=cases())
@settings(
    max_examples=HISTORIES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
def test_every_answer_by_http_is_the_oracles(
    case: Case, loader: Loader, client: FlaskClient, clock: StandingClock
) -> None:
    loader.load(case.history)
    clock.at = case.history.now
    assert Asker(client, case).ask_all() == []
