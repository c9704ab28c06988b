"""The brake trips when a stream goes bad as a whole, at the very record, and at nothing less."""

import threading
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.batch import Batch, DeadLetter
from etl.brake import SAMPLE_MIN, Brake
from etl.columns import offset_column
from etl.errors import Fatal
from etl.ranges import LogRecord, Offset
from etl.settings import EtlSettings


def brake(**changes: Any) -> Brake:
    return Brake(**{"ratio_max": 0.5, "run_max": 1_000, "window": 10_000} | changes)


def defaults() -> Brake:
    settings = EtlSettings()
    return Brake(
        ratio_max=settings.etl_dead_ratio_max,
        run_max=settings.etl_dead_run_max,
        window=settings.etl_dead_window,
    )


def letter(offset: int, reason: str = "not_json", message: str = "why") -> DeadLetter:
    return DeadLetter(LogRecord(Offset(offset), 0, None, b"", ()), reason, message)


def take(to: Brake, alive: list[bool], *, canaries: int = 0) -> None:
    """One range: which of its records lived."""
    good = [Offset(n) for n, each in enumerate(alive) if each]
    dead = [letter(n) for n, each in enumerate(alive) if not each]
    to.check(Batch(offsets=offset_column(good), records=len(alive) + canaries, canaries=canaries), dead)


def trips(to: Brake, alive: list[bool]) -> bool:
    try:
        take(to, alive)
    except Fatal:
        return True
    return False


def ought_to_trip(stream: list[bool], *, ratio_max: float, run_max: int, window: int) -> bool:
    """The slow and obvious way."""
    last: deque[bool] = deque(maxlen=window)
    run = 0
    for lived in stream:
        last.append(lived)
        run = 0 if lived else run + 1
        if run >= run_max:
            return True
        ratio = last.count(False) / len(last)
        if not lived and len(last) >= min(SAMPLE_MIN, window) and ratio > ratio_max:
            return True
    return False


@given(
    stream=st.lists(st.booleans(), max_size=400),
    cuts=st.lists(st.integers(1, 60), max_size=30),
    ratio_max=st.sampled_from([0.01, 0.29, 0.5, 0.9, 1.0]),
    run_max=st.integers(1, 40),
    window=st.sampled_from([1, 7, 100, 150, 1_000]),
)
def test_it_trips_when_the_obvious_way_does(
    stream: list[bool], cuts: list[int], ratio_max: float, run_max: int, window: int
) -> None:
    tried = brake(ratio_max=ratio_max, run_max=run_max, window=window)
    tripped, left = False, stream
    for size in [*cuts, len(stream)]:
        tripped = tripped or trips(tried, left[:size])
        left = left[size:]
    assert tripped == ought_to_trip(stream, ratio_max=ratio_max, run_max=run_max, window=window)


def test_no_records_and_no_dead_ones_are_nothing() -> None:
    tried = brake(ratio_max=0.01)
    tried.check(Batch(), [])
    take(tried, [True] * 50)


def test_the_first_record_ever_may_be_a_bad_one() -> None:
    take(brake(ratio_max=0.01), [False])
    take(brake(ratio_max=0.01), [False] * (SAMPLE_MIN - 1))
    with pytest.raises(Fatal, match="100 of the last 100 records are dead"):
        take(brake(ratio_max=0.01), [False] * SAMPLE_MIN)


def test_exactly_the_ratio_passes_and_one_more_does_not() -> None:
    exactly = [True, False] * 500
    take(brake(), exactly)
    with pytest.raises(Fatal, match=r"500 of the last 999 records are dead.*UGC_ETL_DEAD_RATIO_MAX"):
        take(brake(), [*exactly[:-2], False, False])


def test_29_of_100_is_not_more_than_29_percent() -> None:
    take(brake(ratio_max=0.29), [True] * 71 + [False] * 29)


def test_exactly_the_run_trips_and_one_less_passes() -> None:
    take(brake(ratio_max=1, run_max=10), [False] * 9 + [True] + [False] * 9)
    with pytest.raises(Fatal, match=r"10 records in a row are dead.*UGC_ETL_DEAD_RUN_MAX"):
        take(brake(ratio_max=1, run_max=10), [True] + [False] * 10)


def test_a_run_goes_on_over_ranges_and_ends_with_a_good_record() -> None:
    tried = brake(ratio_max=1, run_max=10)
    for _ in range(3):
        take(tried, [True, *[False] * 5])
    take(tried, [False] * 4)
    with pytest.raises(Fatal):
        take(tried, [False])


def test_a_range_without_dead_records_ends_a_run() -> None:
    tried = brake(ratio_max=1, run_max=10)
    take(tried, [False] * 9)
    take(tried, [True])
    take(tried, [False] * 9)


def test_a_canary_ends_no_run() -> None:
    tried = brake(ratio_max=1, run_max=10)
    take(tried, [False] * 9, canaries=1)
    with pytest.raises(Fatal):
        take(tried, [False], canaries=1)


def test_what_slid_out_of_the_window_no_longer_counts() -> None:
    tried = brake(window=200, run_max=10_000)
    take(tried, [False] * 99 + [True] * 200)
    take(tried, [False] * 100)
    with pytest.raises(Fatal, match="101 of the last 200"):
        take(tried, [False])


def test_the_window_holds_exactly_so_many_records() -> None:
    take(brake(ratio_max=0.01, window=100), [False] + [True] * 99 + [False])
    with pytest.raises(Fatal, match="2 of the last 100"):
        take(brake(ratio_max=0.01, window=100), [False] + [True] * 98 + [False])


def test_a_row_that_only_the_warehouse_refused_is_dead_and_not_good() -> None:
    offsets = [Offset(n) for n in range(10)]
    refused = [letter(n, "refused_by_warehouse") for n in range(10)]
    with pytest.raises(Fatal, match=r"10 records in a row are dead \(refused_by_warehouse 10;"):
        brake(ratio_max=1, run_max=10).check(Batch(offsets=offset_column(offsets), records=10), refused)


def test_it_says_what_died_of_what_and_how_to_go_on() -> None:
    dead = [letter(n, "not_json", "bad byte") for n in range(7)]
    dead += [letter(n, "version_unknown") for n in (7, 8)] + [letter(9, message="the last\n" * 99)]
    with pytest.raises(Fatal) as raised:
        brake(run_max=10).check(Batch(records=10), dead)
    said = str(raised.value)
    assert said.startswith(
        "10 records in a row are dead (not_json 8, version_unknown 2; the last one at offset 9: the last"
    )
    assert "`ugc dlq list`" in said
    assert "raise UGC_ETL_DEAD_RUN_MAX" in said
    assert len(said) < 600
    assert "\n" not in said


def test_reasons_that_slid_out_are_not_told() -> None:
    tried = brake(window=100, run_max=20)
    tried.check(Batch(records=100), [letter(5, "tombstone")])
    with pytest.raises(Fatal) as raised:
        take(tried, [True] * 100 + [False] * 20)
    assert "tombstone" not in str(raised.value)


def test_one_bad_record_in_ten_passes_for_ever_and_one_in_ten_thousand_too() -> None:
    tried = defaults()
    for _ in range(200):
        take(tried, ([True] * 9 + [False]) * 500)
        take(tried, [False] + [True] * 9_999)


@pytest.mark.parametrize("range_records", [1, 20, 999, 50_000])
def test_when_all_are_bad_it_stops_soon(range_records: int) -> None:
    tried = defaults()
    written = 0
    while not trips(tried, [False] * range_records):
        written += range_records
    assert written < SAMPLE_MIN


def test_a_good_stream_that_turns_bad_stops_within_a_run() -> None:
    tried = defaults()
    take(tried, [True] * 100_000)
    written = 0
    while not trips(tried, [False] * 50):
        written += 50
    assert written < 1_000


def test_half_of_the_records_from_a_broken_writer_stop_it_within_a_window() -> None:
    tried = defaults()
    take(tried, [True] * 100_000)
    written = 0
    while not trips(tried, [False, False, True] * 10):
        written += 20
    assert written < 10_000


def test_restarts_write_no_new_sample_of_letters_each() -> None:
    """All are bad, one a range, and whoever watches over the process starts it again each time it stops."""
    ledger: list[tuple[str, int, int]] = []
    for _ in range(5):
        tried = defaults()
        tried.remember(ledger)
        while not trips(tried, [False]):
            ledger.append((f"T:0:{len(ledger)}-{len(ledger)}", 0, 1))
    assert len(ledger) == SAMPLE_MIN - 1


def test_what_is_remembered_trips_only_with_another_dead_one_and_says_so() -> None:
    tried = brake(run_max=10)
    tried.remember([("T:0:0-49", 0, 50)])
    take(tried, [True] * 200)
    take(tried, [False])
    tried = brake(run_max=10)
    tried.remember([("T:0:0-49", 0, 50)])
    with pytest.raises(Fatal, match=r"51 records in a row are dead \(before the start 50, not_json 1;"):
        take(tried, [False])


def test_a_range_that_is_redone_counts_once() -> None:
    tried = brake(ratio_max=1, run_max=10)
    dead = [letter(n) for n in range(6)]
    for _ in range(3):
        tried.check(Batch(records=6), dead, token="T:0:0-5")
    tried = brake(ratio_max=1, run_max=10)
    tried.remember([("T:0:0-5", 0, 6)])
    tried.check(Batch(records=6), dead, token="T:0:0-5")
    with pytest.raises(Fatal):
        tried.check(Batch(records=6), dead, token="T:1:0-5")


def test_many_threads_count_every_record() -> None:
    tried = brake(ratio_max=1, run_max=10**9, window=10**6)
    threads = [
        threading.Thread(target=lambda: [take(tried, [True, False] * 50) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tried._seen, len(tried._died)) == (80_000, 40_000)
