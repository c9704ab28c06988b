"""A warehouse of their own for these tests; each of them empties what it uses."""

from collections.abc import Iterator

import pytest
from properties.loading import warehouse_on
from warehouse_process import Process


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with warehouse_on(tmp_path_factory.mktemp("histories") / "warehouse") as running:
        yield running
