"""That the memory of a large body goes back when it was answered."""

import ctypes

# glibc's name of it (malloc.h).
M_MMAP_THRESHOLD = -3
LARGE_BYTES = 256 * 1024


def give_large_blocks_back() -> None:
    """Have blocks of `LARGE_BYTES` and more taken from the system one by one, and given back when freed.

    glibc begins so, and ends it with the first large block that is freed: from then on blocks of that size
    are cut from the heap of each thread, which keeps them. Elsewhere than with glibc this does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, LARGE_BYTES)
