"""The memory of ids: never says "new" of an id that is stored, in whatever order things happen; bounded."""

from collections.abc import Callable, Iterator
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.assignment import Assignment
from etl.errors import Refused, Retryable
from etl.filter import BITS_A_KEY_MIN, KEYS_MIN, Filter, keys_of, tells_its_time
from etl.packed import Ids, is_among, pack, unpack
from etl.ranges import Position
from etl.recent import Recent
from etl.seen import Seen

MIB = 1024 * 1024


def ids_of(numbers: list[int]) -> Ids:
    return unpack(b"".join(number.to_bytes(16, "little") for number in numbers))


def random_ids(count: int, seed: int = 0) -> Ids:
    made = np.random.default_rng(seed).integers(0, 2**64, size=(count, 2), dtype=np.uint64)
    # Not UUIDv7.
    made[:, 1] &= ~np.uint64(0xF000)
    made[:, 1] |= np.uint64(0x4000)
    return made


def timed(ms: int, more: int = 0) -> int:
    """A UUIDv7 of that millisecond."""
    return ms << 80 | 7 << 76 | 2 << 62 | more


def assignment() -> Assignment:
    return Assignment(topic="events", topic_id="T", partition=0, committed=Position(0))


class Store:
    """What is stored, read as slowly as the test wants."""

    def __init__(self) -> None:
        self.there: list[int] = []
        self.during: Callable[[], None] = lambda: None
        self.fails = 0

    def remembered_count(self) -> int:
        return len(self.there)

    def remembered(self) -> Iterator[bytes]:
        if self.fails:
            self.fails -= 1
            raise Retryable("away")
        chunk = b"".join(number.to_bytes(16, "little") for number in self.there)
        self.during()
        yield chunk


def now(work: Callable[[], None]) -> None:
    work()


def seen(store: Store, *, bytes_max: int = 4 * MIB, asked: int = 1, run: Callable[..., None] = now) -> Seen:
    return Seen(store, bytes_max=bytes_max, asked_before_reading=asked, in_background=run)


IDS = st.lists(st.integers(0, 2**128 - 1) | st.builds(timed, st.integers(0, 2**48 - 1), st.integers(0, 9)))


@given(stored=IDS, others=IDS)
def test_a_filter_never_says_no_of_what_was_added(stored: list[int], others: list[int]) -> None:
    filter_ = Filter.for_keys(len(stored), bytes_max=MIB)
    assert filter_ is not None
    filter_.add(keys_of(ids_of(stored)))
    filter_.add(keys_of(ids_of(others)))
    assert filter_.may_have(keys_of(ids_of(stored + others))).all()


@given(stored=IDS, others=IDS)
def test_the_recent_are_exact(stored: list[int], others: list[int]) -> None:
    recent = Recent(bytes_max=16 * 8)
    recent.add(ids_of(stored))
    claimed = recent.has(ids_of(others))
    assert all(number in stored for number, known in zip(others, claimed, strict=True) if known)


def test_the_recent_know_what_was_added_last_and_not_the_nil_id() -> None:
    recent = Recent(bytes_max=MIB)
    ids = random_ids(1_000)
    recent.add(ids)
    assert recent.has(ids[-1:]).all()
    assert recent.has(ids).mean() > 0.95
    assert not recent.has(ids_of([0])).any()


def test_of_new_ids_few_are_asked_for() -> None:
    filter_ = Filter.for_keys(200_000, bytes_max=8 * MIB)
    assert filter_ is not None
    stored = keys_of(random_ids(200_000))
    filter_.add(stored)
    assert filter_.may_have(stored).all(), "keys that share a word, added at once, included"
    assert filter_.may_have(keys_of(random_ids(100_000, seed=1))).mean() < 0.005


def test_an_id_that_tells_its_time_is_held_by_its_256_ms() -> None:
    keys = keys_of(ids_of([timed(0x1000, 1), timed(0x10FF, 2), timed(0x1100, 3)]))
    assert keys[0] == keys[1] != keys[2]
    assert tells_its_time(ids_of([timed(5), UUID("0190c5a4-7c1e-4b1a-9a53-0242ac120002").int])).tolist() == [
        True,
        False,
    ]


STEPS = st.lists(
    st.sampled_from(["judge", "judge", "stored", "stored_elsewhere", "begin", "read", "end", "fail"]),
    min_size=5,
    max_size=40,
)


class Model:
    """A memory, and beside it the plain truth."""

    def __init__(self) -> None:
        self.store = Store()
        self.readings: list[Callable[[], None]] = []
        # So small that what is young is given up every few ids.
        self.memory = Seen(
            self.store,
            bytes_max=4 * MIB,
            asked_before_reading=1,
            in_background=self.readings.append,
            young_bytes_max=400,
        )
        self.ours = assignment()

    def judge(self, batch: list[int]) -> None:
        known, ask = self.memory.judge(self.ours, ids_of(batch))
        for number, is_known, is_asked in zip(batch, known, ask, strict=True):
            is_stored = number in self.store.there
            assert is_stored or not is_known
            assert is_known or is_asked or not is_stored

    def stored(self, batch: list[int]) -> None:
        self.store.there += batch
        self.memory.stored(ids_of(batch))

    def stored_elsewhere(self, batch: list[int]) -> None:
        """By another process, before the partition came to us."""
        self.store.there += batch
        self.begin(batch)

    def begin(self, _: list[int]) -> None:
        self.ours = assignment()

    def end(self, batch: list[int]) -> None:
        self.ours.end()
        self.memory.forget_ended()
        self.begin(batch)

    def read(self, _: list[int]) -> None:
        if self.readings:
            self.readings.pop(0)()

    def fail(self, _: list[int]) -> None:
        self.store.fails = 1


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, data=st.data())
def test_no_stored_id_is_ever_called_new(steps: list[str], data: st.DataObject) -> None:
    """Loads of ours, loads of others, partitions that come and go, readings that end late or fail."""
    model = Model()
    numbers = st.integers(0, 30).map(lambda n: n * 2**70 + n) | st.builds(timed, st.integers(0, 2_000))
    for step in steps:
        getattr(model, step)(data.draw(st.lists(numbers, min_size=1, max_size=6, unique=True)))


def test_what_is_stored_while_the_filter_is_read_is_in_it() -> None:
    store, ours = Store(), assignment()
    store.there = [1, 2, 3]
    memory = seen(store)
    store.during = lambda: memory.stored(ids_of([4]))
    memory.judge(ours, ids_of([99]))
    known, ask = memory.judge(ours, ids_of([4, 3, 5]))
    assert (known | ask).tolist() == [True, True, False]


def test_an_assignment_that_came_after_the_reading_is_asked_for() -> None:
    store, first, second = Store(), assignment(), assignment()
    memory = seen(store, asked=2)
    memory.judge(first, ids_of([1, 2]))
    assert not memory.judge(first, ids_of([7]))[1].any()
    store.there.append(7)
    assert memory.judge(second, ids_of([7]))[1].all()


def test_a_reading_that_fails_leaves_every_id_to_be_asked() -> None:
    store, ours = Store(), assignment()
    store.fails = 1
    memory = seen(store, asked=2)
    memory.judge(ours, ids_of([1, 2]))
    assert memory.judge(ours, ids_of([1, 2]))[1].all()
    assert not memory.judge(ours, ids_of([1, 2]))[1].any(), "the next reading came through"


def test_a_reading_that_is_short_leaves_every_id_to_be_asked() -> None:
    store, ours = Store(), assignment()
    memory = seen(store, asked=2)
    store.remembered_count = lambda: 1_000  # type: ignore[method-assign]
    store.there = list(range(899))
    memory.judge(ours, ids_of([1, 2]))
    assert memory.judge(ours, ids_of([950, 951]))[1].all()
    store.there = list(range(1_000))
    memory.judge(ours, ids_of([1, 2]))
    assert not memory.judge(ours, ids_of([1_001]))[1].any(), "the next reading was whole"


@pytest.mark.parametrize("bytes_max", [0, 1000, MIB, 8 * MIB])
def test_memory_is_bounded(bytes_max: int) -> None:
    store, ours = Store(), assignment()
    memory = seen(store, bytes_max=bytes_max)
    for number in range(12):
        ids = random_ids(50_000, seed=number)
        memory.judge(ours, ids)
        memory.stored(ids)
        # A word is the least there is.
        assert memory.bytes_held <= bytes_max * 1.05 + 16


def ids_of_a_moment(first_ms: int, count: int, *, of: int, part: int) -> Ids:
    """Every `of`-th of the ids made from then on, one each 4 ms: what one partition of a log gets."""
    return ids_of([timed(first_ms + 4 * number, number) for number in range(part, count * of, of)])


def test_partitions_moved_side_by_side_are_not_asked_for() -> None:
    """Each range lies in the same seconds as those of the other partitions that are stored already."""
    store = Store()
    memory = seen(store, bytes_max=8 * MIB)
    partitions = [assignment() for _ in range(4)]
    for each in partitions:
        memory.judge(each, ids_of([1]))
    memory.judge(partitions[0], ids_of([2]))
    asked = []
    for turn in range(12):
        for part, each in enumerate(partitions):
            ids = ids_of_a_moment(turn * 80_000, 5_000, of=4, part=part)
            known, ask = memory.judge(each, ids)
            assert not known.any()
            asked.append(ask.mean())
            memory.stored(ids)
            assert np.logical_or(*memory.judge(each, ids)).all()
    assert max(asked) < 0.02


def test_what_the_young_give_up_is_never_called_new() -> None:
    """Be it elder than two generations, or too much for one."""
    ours = assignment()
    memory = Seen(
        Store(),
        bytes_max=MIB,
        asked_before_reading=1_000_000,
        in_background=now,
        young_bytes_max=1_600,
    )
    memory.judge(ours, random_ids(1_000_000))
    first = ids_of_a_moment(0, 200, of=1, part=0)
    assert not memory.judge(ours, first)[1].any()
    memory.stored(first)
    for turn in range(1, 400):
        memory.stored(ids_of_a_moment(turn * 1_000, 200, of=1, part=0))
    memory.stored(ids_of_a_moment(10**9, 10_000, of=1, part=0))
    assert not memory.judge(ours, ids_of([timed(2 * 10**9)]))[1].any(), "the filter is in use"
    for begin, count in ((0, 200), (200_000, 200), (399_000, 200), (10**9, 10_000)):
        assert np.logical_or(*memory.judge(ours, ids_of_a_moment(begin, count, of=1, part=0))).all()


def test_what_a_filter_has_takes_no_room_again() -> None:
    filter_ = Filter.for_keys(KEYS_MIN, bytes_max=MIB)
    assert filter_ is not None
    for _ in range(20):
        filter_.add(keys_of(random_ids(KEYS_MIN)))
    assert not filter_.is_full


def test_a_filter_that_is_full_is_let_go_and_everything_asked() -> None:
    store, ours = Store(), assignment()
    memory = seen(store, bytes_max=MIB, asked=10)
    memory.judge(ours, random_ids(10))
    assert not memory.judge(ours, random_ids(10, seed=1))[1].any()
    memory.stored(random_ids(16 * KEYS_MIN // BITS_A_KEY_MIN * 4))
    assert memory.judge(ours, random_ids(5, seed=2))[1].all()


def test_too_many_ids_for_the_memory_are_not_read_at_all() -> None:
    store = Store()
    store.remembered_count = lambda: 10**9  # type: ignore[method-assign]
    memory = seen(store)
    memory.judge(assignment(), random_ids(10))
    assert memory.judge(assignment(), random_ids(10))[1].all()


def test_ids_are_packed_as_the_warehouse_counts() -> None:
    text = [b"0190c5a4-7c1e-7b1a-9a53-0242ac120002", b"ffffffff-ffff-4fff-bfff-ffffffffffff"]
    packed = pack(text)
    assert [int.from_bytes(row.tobytes(), "little") for row in packed] == [UUID(t.decode()).int for t in text]
    assert is_among(packed, packed[1:]).tolist() == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        b"0190C5A4-7c1e-7b1a-9a53-0242ac120002",
        b"0190c5a47-c1e-7b1a-9a53-0242ac120002",
        b"0190c5a4-7c1e-7b1a-9a53-0242ac12000",
        b"0190c5a4-7c1e-7b1a-9a53-0242ac12000g",
        b"0190c5a4-7c1e-7b1a-9a53-0242ac12000 ",
        b"\xff190c5a4-7c1e-7b1a-9a53-0242ac12000",
    ],
)
def test_an_id_in_another_spelling_is_refused(text: bytes) -> None:
    with pytest.raises(Refused):
        pack([b"0190c5a4-7c1e-7b1a-9a53-0242ac120002", text])
