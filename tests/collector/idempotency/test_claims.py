"""Claims: one at a time over threads and processes, and none outlives its process."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ugc_api.idempotency.claims import Claims

A, B = b"a" * 16, b"b" * 16

HOLD = """
import sys, pathlib
from ugc_api.idempotency.claims import Claims
claims = Claims(pathlib.Path(sys.argv[1]))
print(claims.take(b"a" * 16), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def claims(tmp_path: Path) -> Iterator[Claims]:
    made = Claims(tmp_path / "folder" / "claims")
    yield made
    made.close()


def test_one_at_a_time_in_one_process(claims: Claims) -> None:
    assert claims.take(A)
    assert not claims.take(A)
    assert claims.take(B)
    claims.release(A)
    assert claims.take(A)


def test_one_at_a_time_over_processes_and_none_outlives_a_kill(
    claims: Claims, tmp_path: Path, repository: Path
) -> None:
    assert claims.take(B)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "folder" / "claims")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=repository,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not claims.take(A)
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    assert claims.take(A)


def test_a_place_that_cannot_be_opened_is_an_error_to_the_caller(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("in the way")
    with pytest.raises(OSError, match="folder"):
        Claims(tmp_path / "folder" / "claims").take(A)


def test_release_never_raises(claims: Claims) -> None:
    claims.take(A)
    claims.close()
    claims.release(A)
    assert claims.take(A)
