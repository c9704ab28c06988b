"""The store of answers: bounds, restarts, damage, locks and full disks, none of which may say a wrong yes."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from telemetry.clock import Clock
from ugc_api.idempotency.answer_store import PAUSE_S, AnswerStore, StoreAway, StoreLimits
from ugc_api.idempotency.sealing import Answer, Kept, seal

MIB = 1024 * 1024
Make = Callable[..., AnswerStore]


def name(n: int) -> bytes:
    return n.to_bytes(16, "big")


def kept(n: int, size: int = 200) -> Kept:
    return Kept(name(n), Answer(202, "application/json", os.urandom(size)))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "collector" / "answers.sqlite3"


@pytest.fixture
def clock(api: Any) -> Any:
    return api.clock


@pytest.fixture
def make(file: Path, clock: Clock) -> Iterator[Make]:
    made: list[AnswerStore] = []

    def one(rows_max: int = 1_000, bytes_max: int = 8 * MIB) -> AnswerStore:
        made.append(AnswerStore(file, limits=StoreLimits(rows_max, bytes_max), clock=clock))
        return made[-1]

    yield one
    for each in made:
        each.close()


def test_what_was_kept_is_found_by_others_and_after_a_restart(make: Make) -> None:
    one, other = make(), make()
    answer = kept(1)
    one.keep(name(1), answer)
    assert other.find(name(1)) == answer
    assert other.find(name(2)) is None
    one.close()
    other.close()
    assert make().find(name(1)) == answer


@pytest.mark.parametrize("size", [0, 1, 2_047, 2_048, 500_000])
def test_an_answer_of_any_size_comes_out_as_it_went_in(make: Make, size: int) -> None:
    store = make()
    answer = Kept(
        name(1), Answer(422, "application/problem+json", b"\x00\n \xff" * (size // 4) + b"x" * (size % 4))
    )
    store.keep(name(1), answer)
    assert store.find(name(1)) == answer


def test_verdicts_take_a_quarter_of_their_size(make: Make, api: Any, event: Any) -> None:
    body = api.send([event() for _ in range(100)]).data
    assert len(seal(name(1), Kept(name(1), Answer(202, "application/json", body)))) < len(body) / 4


def test_nobody_else_may_read_the_folder(make: Make, file: Path) -> None:
    make().find(name(1))
    assert file.parent.stat().st_mode & 0o077 == 0


def test_the_oldest_go_when_there_are_too_many(make: Make) -> None:
    store = make(rows_max=500)
    for n in range(2_000):
        store.keep(name(n), kept(n))
    found = [n for n in range(2_000) if store.find(name(n)) is not None]
    assert found == list(range(found[0], 2_000)), "the newest, without a gap"
    assert 500 <= len(found) <= 600


def test_the_oldest_go_when_they_are_too_large(make: Make, file: Path) -> None:
    store = make(rows_max=1_000_000, bytes_max=8 * MIB)
    for n in range(400):
        store.keep(name(n), kept(n, 100_000))
    assert store.find(name(399)) is not None
    assert store.find(name(0)) is None
    on_disk = sum(each.stat().st_size for each in file.parent.iterdir())
    assert 6 * MIB < on_disk < 18 * MIB, "8 MiB of answers and a journal of 8 MiB at most"


def test_the_expired_make_room(make: Make, clock: Any, file: Path) -> None:
    store = make(rows_max=1_000_000)
    for n in range(300):
        store.keep(name(n), kept(n))
    clock.at += timedelta(days=1, seconds=1)
    assert store.find(name(299)) is None
    for n in range(300, 500):
        store.keep(name(n), kept(n))
    store.close()
    with closing(sqlite3.connect(file)) as db, db:
        assert db.execute("SELECT count(*) FROM answers WHERE id <= 300").fetchone() == (0,)


def test_a_clock_that_goes_back_loses_nothing(make: Make, clock: Any) -> None:
    store = make()
    store.keep(name(1), kept(1))
    clock.at -= timedelta(days=3)
    assert store.find(name(1)) is not None


def after_the_pause(clock: Any) -> None:
    clock.seconds += PAUSE_S


def overwrite(file: Path) -> None:
    file.write_bytes(b"not a database at all" * 1_000)


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def other_tables(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("ALTER TABLE answers RENAME TO something_else")
        db.execute("CREATE TABLE answers (whatever TEXT)")


def empty(file: Path) -> None:
    file.write_bytes(b"")


def turn_a_bit(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        sealed = bytearray(db.execute("SELECT sealed FROM answers").fetchone()[0])
        sealed[-1] ^= 1
        db.execute("UPDATE answers SET sealed = ?", (bytes(sealed),))


def another_type(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE answers SET sealed = 'text'")


def of_another_name(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE answers SET name = ? WHERE name = ?", (name(1), name(3)))


@pytest.mark.parametrize(
    "damage", [overwrite, cut_off, empty, other_tables, turn_a_bit, another_type, of_another_name]
)
@pytest.mark.parametrize("while_open", [False, True])
def test_damage_gives_no_answer_and_the_file_is_begun_anew(
    make: Make, file: Path, clock: Any, damage: Callable[[Path], None], *, while_open: bool
) -> None:
    store = make()
    moved = 3 if damage is of_another_name else 1
    answer = kept(moved)
    store.keep(name(moved), answer)
    if not while_open or damage in (overwrite, cut_off, empty):
        store.close()
    damage(file)
    answers: set[Kept | None] = set()
    for _ in range(3):
        after_the_pause(clock)
        try:
            answers.add(store.find(name(1)))
        except StoreAway:
            continue
    assert answers <= {None}, "rather nothing than something wrong"
    store.keep(name(2), kept(2))
    assert store.find(name(2)) is not None


def test_a_file_taken_away_is_begun_anew_by_everybody(make: Make, file: Path) -> None:
    one, other = make(), make()
    one.keep(name(1), kept(1))
    assert other.find(name(1)) is not None
    shutil.rmtree(file.parent)
    one.keep(name(2), kept(2))
    assert other.find(name(1)) is None
    assert other.find(name(2)) is not None


def test_a_version_of_another_time_is_begun_anew(make: Make, file: Path) -> None:
    file.parent.mkdir()
    with closing(sqlite3.connect(file)) as db, db:
        db.executescript("PRAGMA user_version = 99; CREATE TABLE answers (x)")
    make().keep(name(1), kept(1))
    assert make().find(name(1)) is not None


def test_a_lock_that_stays_costs_one_short_wait_and_is_left_alone_for_a_while(
    make: Make, file: Path, clock: Any
) -> None:
    store = make()
    store.keep(name(1), kept(1))
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreAway, match="locked"):
        store.keep(name(2), kept(2))
    holder.execute("ROLLBACK")
    holder.close()
    with pytest.raises(StoreAway, match="locked"):
        store.keep(name(2), kept(2))
    after_the_pause(clock)
    store.keep(name(2), kept(2))
    assert store.find(name(1)) is not None


def test_a_full_disk_keeps_nothing_and_finds_what_is_there(make: Make, clock: Any, monkeypatch: Any) -> None:
    store = make()
    store.keep(name(1), kept(1))
    opened = store._opened
    assert opened is not None
    opened.db.execute(f"PRAGMA max_page_count = {opened.db.execute('PRAGMA page_count').fetchone()[0]}")
    with pytest.raises(StoreAway, match="full"):
        store.keep(name(2), kept(2, 100_000))
    after_the_pause(clock)
    assert store.find(name(1)) is not None


def test_a_folder_that_cannot_be_made_is_away_and_not_an_error(file: Path, make: Make, clock: Any) -> None:
    file.parent.write_text("a file where the folder should be")
    store = make()
    with pytest.raises(StoreAway):
        store.find(name(1))
    file.parent.unlink()
    after_the_pause(clock)
    assert store.find(name(1)) is None
