"""However the run ends, it ends with one line: never with a trace."""

import pytest
from structlog.testing import capture_logs

from etl import run
from etl.errors import EtlError, Fatal, Poison, Refused, Retryable
from etl.settings import EtlSettings


@pytest.mark.parametrize(
    "error",
    [Fatal("look at it"), Refused("look at it"), Poison("odd", "look at it"), Retryable("look at it")],
)
def test_whatever_is_left_over_is_one_line_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: EtlError
) -> None:
    def end(_: object) -> None:
        raise error

    monkeypatch.setattr(run._Run, "until_stopped", end)
    with capture_logs() as lines:
        assert run.run(EtlSettings()) == 1
    assert [(line["event"], line["reason"]) for line in lines] == [("etl_stopped", "look at it")]
