"""Numbers that look random and depend on nothing but a seed, what they are drawn for, and their keys.

Whole numbers throughout: the same on every machine, with every version of Python and numpy, in any order.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.int64]
Keys = npt.NDArray[Any]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HIGH = np.uint64(32)


def draw(seed: int, what_for: str, *keys: Keys) -> Words:
    """64 bits for each element of the keys, which are whole numbers and go together element by element."""
    name = f"{seed} {what_for}".encode()
    state: Any = np.uint64(int.from_bytes(hashlib.blake2b(name, digest_size=8).digest()))
    for key in keys:
        state = _mixed(key.astype(np.uint64) * _GOLDEN + state)
    words: Words = state
    return words


def below(words: Words, limit: int) -> Whole:
    """From 0 to `limit` - 1, each as likely as the others; `limit` is 2^32 at most."""
    return ((words >> _HIGH) * np.uint64(limit) >> _HIGH).astype(np.int64)


def chosen(words: Words, shares: Sequence[int]) -> Whole:
    """Places in `shares`, each as often as its share says."""
    return np.searchsorted(np.cumsum(shares), below(words, sum(shares)), side="right").astype(np.int64)


def _mixed(bits: Words) -> Words:
    """The finalizer of SplitMix64 (Steele, Lea, Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
