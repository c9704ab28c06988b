"""A warehouse of their own for the tests of a file, which empty it again and again."""

from collections.abc import Iterator

import pytest
from properties.loading import warehouse_on
from warehouse_process import Process


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with warehouse_on(tmp_path_factory.mktemp("histories") / "warehouse") as running:
        yield running
