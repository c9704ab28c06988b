"""A blocked bloom filter: may this id be stored? "No" is certain, "yes" is not.

A key has two words of 64 bits and sets three bits in each. Words, because numpy then needs two gathers for a
key; two, because one word alone would say yes five times as often.
"""

from typing import ClassVar

import numpy as np
import numpy.typing as npt

from etl.packed import HIGH, LOW, Ids, Mask, Places

Words = npt.NDArray[np.uint64]

WORD_BITS = 64
# 16 bits a key: some 2 of 1,000 new ids are taken for stored and asked for in vain; 8 bits: some 4 of 100.
BITS_A_KEY = 16
BITS_A_KEY_MIN = 8
GROWTH = 1.5
KEYS_MIN = 100_000

_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_OF_TIME = np.uint64(0x9E3779B97F4A7C15)
_ONE, _SIX_BITS = np.uint64(1), np.uint64(63)
_6, _12, _16, _24, _32, _33 = (np.uint64(n) for n in (6, 12, 16, 24, 32, 33))

VERSION_7 = np.uint64(7)
_VERSION_AT, _VERSION_MASK = _12, np.uint64(15)


def tells_its_time(ids: Ids) -> Mask:
    """Which are UUIDv7. Of the id alone, so that a copy is always judged like the first one."""
    found: Mask = (ids[:, HIGH] >> _VERSION_AT) & _VERSION_MASK == VERSION_7
    return found


def keys_of(ids: Ids) -> Words:
    """What is held of each id for long: the 256 ms it was made in, where it tells them, else all of it."""
    # The first 48 bits of such an id are milliseconds since 1970.
    times = mixed((ids[:, HIGH] >> _24) * _OF_TIME)
    return np.where(tells_its_time(ids), times, whole_keys_of(ids))


def whole_keys_of(ids: Ids) -> Words:
    """All of each id."""
    return mixed(mixed(ids[:, HIGH]) ^ ids[:, LOW])


def mixed(values: Words) -> Words:
    """Each value scattered over all 64 bits."""
    scattered = values ^ (values >> _33)
    scattered = scattered * _MIX_1
    scattered = scattered ^ (scattered >> _33)
    scattered = scattered * _MIX_2
    result: Words = scattered ^ (scattered >> _33)
    return result


class Filter:
    """Not safe to add to from two threads at once; reading beside an addition is."""

    BYTES_MIN: ClassVar[int] = KEYS_MIN * BITS_A_KEY_MIN // 8

    def __init__(self, *, words: int) -> None:
        self._table = np.zeros(words, dtype=np.uint64)
        self._words = np.uint64(words)
        self._keys = 0

    @classmethod
    def for_keys(cls, count: int, *, bytes_max: int) -> "Filter | None":
        """One with room for `count` keys and some growth; None when `bytes_max` is too little for it."""
        bits_max = bytes_max * 8
        if max(count, KEYS_MIN) * BITS_A_KEY_MIN > bits_max:
            return None
        bits = min(int(max(count, KEYS_MIN) * GROWTH) * BITS_A_KEY, bits_max)
        return cls(words=bits // WORD_BITS)

    @property
    def bytes_held(self) -> int:
        """Memory in use."""
        return int(self._table.nbytes)

    @property
    def is_full(self) -> bool:
        """Whether so many keys were added that it says yes too often."""
        return self._keys * BITS_A_KEY_MIN > int(self._words) * WORD_BITS

    def add(self, keys: Words) -> None:
        """From now on `may_have` is true for each. What it has already takes no room."""
        new = keys[~self.may_have(keys)]
        for places, bits in self._marks(new):
            # Of two keys with one word a plain |= would keep one.
            np.bitwise_or.at(self._table, places, bits)
        self._keys += len(new)

    def may_have(self, keys: Words) -> Mask:
        """False: it was never added."""
        found = np.ones(len(keys), dtype=np.bool_)
        for places, bits in self._marks(keys):
            found &= (self._table[places] & bits) == bits
        return found

    def _marks(self, keys: Words) -> list[tuple[Places, Words]]:
        """By key: its two words, and the bits it has in each."""
        second = keys * _OF_TIME
        return [
            (((each >> _32) * self._words >> _32).astype(np.intp), _three_bits(each ^ (each >> _16)))
            for each in (keys, second ^ (second >> _33))
        ]


def _three_bits(values: Words) -> Words:
    bits: Words = (
        (_ONE << (values & _SIX_BITS))
        | (_ONE << ((values >> _6) & _SIX_BITS))
        | (_ONE << ((values >> _12) & _SIX_BITS))
    )
    return bits
