"""Hundreds of small histories: every answer of the warehouse, and every one by HTTP, is the oracle's."""

from collections.abc import Iterator

import pytest
from properties.questions import HISTORIES, case
from properties.stand import Stand, stand_on
from warehouse_process import Process

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

AT_A_TIME = 125


@pytest.fixture(scope="module")
def stand(process: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with stand_on(process, tmp_path_factory.mktemp("collector")) as made:
        yield made


@pytest.mark.parametrize("first", range(0, HISTORIES, AT_A_TIME))
def test_every_answer_is_the_oracles(stand: Stand, first: int) -> None:
    cases = [case(number) for number in range(first, first + AT_A_TIME)]
    wrong = stand.wrong(cases)
    assert not wrong, f"{len(wrong)} of {len(cases)}; of the first\n{stand.told(wrong[0])}"
