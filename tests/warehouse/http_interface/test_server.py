"""Whether this whole suite also ran on a ClickHouse server, said once."""

from typing import Any

import pytest


@pytest.mark.docker
def test_the_suite_runs_on_a_server_too(has_docker: bool, request: pytest.FixtureRequest) -> None:
    if not has_docker:
        pytest.skip("no Docker engine here: the suite ran on the embedded warehouse only")
    server: Any = request.getfixturevalue("server")
    assert server.ask("SELECT 1").text == "1\n"
