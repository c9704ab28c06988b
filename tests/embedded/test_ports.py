"""Free ports: none that listens, none the kernel lends to a connection, none twice."""

import itertools
import socket
from pathlib import Path

import pytest

from embedded import ports
from embedded.ports import FIRST, OUTGOING, free_port


def test_none_is_given_twice_and_none_is_lent_to_connections() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as connection,
    ):
        lent_from = min(connection.getsockname()[1], ports._lent_from())
    given = [free_port() for _ in range(500)]
    assert len(set(given)) == len(given)
    assert all(FIRST <= each < lent_from for each in given)


def test_one_that_listens_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    taken, free = free_port(), free_port()
    monkeypatch.setattr(ports, "_ports", iter([taken, free]))
    with socket.create_server(("127.0.0.1", taken)):
        assert free_port() == free


def test_every_port_has_its_turn_before_one_comes_again() -> None:
    end = FIRST + 50
    turns = ports._one_after_the_other(end)
    assert set(itertools.islice(turns, 50)) == set(range(FIRST, end))
    starts = {next(ports._one_after_the_other(OUTGOING)) for _ in range(8)}
    assert len(starts) > 1, "two processes that look at the same time would find the same"


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ("32768\t60999\n", 32_768),
        ("20000 65535", 20_000),
        ("1024 65535", OUTGOING),
        ("", OUTGOING),
        ("no numbers", OUTGOING),
    ],
)
def test_the_kernels_word_is_taken_where_it_leaves_us_some(tmp_path: Path, written: str, first: int) -> None:
    range_file = tmp_path / "ip_local_port_range"
    range_file.write_text(written, encoding="ascii")
    assert ports._lent_from(range_file) == first


def test_without_such_a_file_the_usual_range_is_assumed(tmp_path: Path) -> None:
    assert ports._lent_from(tmp_path / "none") == OUTGOING
