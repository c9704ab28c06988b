"""An answer that breaks off is no answer: what is missing in it must never pass for "not stored"."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from etl.asking import STREAM_BYTES, Warehouse
from etl.errors import Retryable

IDS = bytes(range(256))
ERROR = b"Code: 241. DB::Exception: (total) memory limit exceeded"
MARKED = b"__exception__\r\nabcdefghijklmnop\r\n" + b"it went wrong" + b"\r\n__exception__\r\n"
BROKEN = [IDS[:-1], IDS[:1], IDS + ERROR, IDS + MARKED, MARKED, ERROR + b" " * (16 - len(ERROR) % 16)]


class Client:
    """A server that says just this."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def raw_query(self, *_: Any, **__: Any) -> bytes:
        return self._answer

    @contextmanager
    def raw_stream(self, *_: Any, **__: Any) -> Iterator[io.BytesIO]:
        yield io.BytesIO(self._answer)


def warehouse(answer: bytes) -> Warehouse:
    return Warehouse(Client(answer), answer_within_s=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("answer", [b"", IDS])
def test_a_whole_answer_is_taken(answer: bytes) -> None:
    assert b"".join(warehouse(answer).stream("remembered_ids")) == answer
    assert warehouse(answer).which("stored_ids", np.zeros((1, 2), dtype="<u8")) == answer


@pytest.mark.parametrize("answer", [*BROKEN, bytes(STREAM_BYTES - 5) + MARKED])
def test_an_answer_that_breaks_off_may_be_asked_again(answer: bytes) -> None:
    with pytest.raises(Retryable, match="broke off its answer"):
        list(warehouse(answer).stream("remembered_ids"))
    with pytest.raises(Retryable, match="broke off its answer"):
        warehouse(answer).which("stored_ids", np.zeros((1, 2), dtype="<u8"))
