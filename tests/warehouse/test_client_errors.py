"""One table decides what an error of the warehouse means."""

import socket

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

from clickhouse.client import (
    CLASS_OF_CODE,
    QueryFailed,
    Rejected,
    Unavailable,
    WarehouseError,
    classify,
    connect,
)

# Written out anew, by what a person expects of each: not derived from the table that is tested.
PASSES_BY_ITSELF = {
    75, 159, 160, 173, 201, 202, 203, 209, 210, 216, 236, 241, 242, 243, 252, 279, 285, 319, 373, 394, 439,
    473, 733, 999,
}  # fmt: skip
FAULT_OF_THE_DATA = {6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 130, 131, 321, 349, 376, 407, 467, 469}
# Unknown table, rights, syntax, a column that is missing, a wrong password, a bug: somebody must look.
SOMEBODY_MUST_LOOK = {16, 47, 49, 60, 62, 81, 192, 193, 497, 516, 1002}


@pytest.mark.parametrize("code", sorted(PASSES_BY_ITSELF | FAULT_OF_THE_DATA | SOMEBODY_MUST_LOOK))
def test_a_code_has_one_meaning(code: int) -> None:
    found = classify(DatabaseError(f"Code: {code}.", code=code))
    expected = {
        code in PASSES_BY_ITSELF: Unavailable,
        code in FAULT_OF_THE_DATA: Rejected,
        code in SOMEBODY_MUST_LOOK: QueryFailed,
    }[True]
    assert type(found) is expected
    assert found.code == code


def test_no_code_is_in_the_table_that_nobody_expects_there() -> None:
    assert set(CLASS_OF_CODE) == PASSES_BY_ITSELF | FAULT_OF_THE_DATA


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        (252, "Too many parts (1500 with average size of 1.00 KiB) in table 'ugc.events_raw'", Unavailable),
        (252, "Too many partitions for single INSERT block (more than 100).", QueryFailed),
        (243, "Cannot reserve 1.00 MiB, not enough space", Unavailable),
        (1001, "std::__1::ios_base::failure: No space left on device", Unavailable),
        (74, "Cannot write to file: errno: 28, strerror: No space left on device", Unavailable),
    ],
)
def test_a_code_with_two_meanings_is_told_by_its_words(
    code: int, said: str, kind: type[WarehouseError]
) -> None:
    """Too many parts pass when merges catch up, too many partitions never; a full disk when there is room."""
    assert type(classify(DatabaseError(f"Code: {code}. DB::Exception: {said} (X)", code=code))) is kind


def test_what_never_reached_the_engine_may_be_tried_again() -> None:
    assert type(classify(OperationalError("connection reset"))) is Unavailable


def test_the_three_kinds_do_not_overlap() -> None:
    assert {Unavailable, Rejected} == set(CLASS_OF_CODE.values())
    assert not issubclass(Rejected, Unavailable)
    assert not issubclass(QueryFailed, Unavailable)


def test_nobody_there_is_unavailable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(
            Unavailable, match=rf"does not answer at http://127.0.0.1:{port} \(Connection refused\)"
        ):
            connect(f"http://reader:x@127.0.0.1:{port}/ugc")


def test_the_servers_words_are_kept_and_the_drivers_are_not() -> None:
    said = (
        "Received ClickHouse exception, code: 60, server response: Code: 60. DB::Exception: "
        "Table ugc.x does not exist. (UNKNOWN_TABLE) (version 26.9.2.1 (official build)) (for url http://127.0.0.1:8123)"
    )
    assert str(classify(DatabaseError(said, code=60))) == "Table ugc.x does not exist. (UNKNOWN_TABLE)"
