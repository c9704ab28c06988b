"""Reading a body: the bound holds whatever its sender says, and no more than the bound is ever held."""

import io
from typing import Any

import pytest

from ugc_api.body import read_body
from ugc_api.problems import Problem, ProblemCode


class Wire(io.RawIOBase):
    """Endless bytes, counted."""

    def __init__(self) -> None:
        self.given = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        self.given += size
        return b"x" * size


def environ(stream: Any, length: str | None = None, *, chunked: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"wsgi.input": stream}
    if length is not None:
        made["CONTENT_LENGTH"] = length
    if chunked:
        made |= {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    return made


def refused(env: dict[str, Any], bytes_max: int = 100) -> ProblemCode:
    with pytest.raises(Problem) as caught:
        read_body(env, bytes_max=bytes_max)
    return caught.value.code


def test_a_whole_body() -> None:
    assert read_body(environ(io.BytesIO(b"abc"), "3"), bytes_max=3) == b"abc"


def test_a_chunked_body() -> None:
    assert read_body(environ(io.BytesIO(b"abc"), chunked=True), bytes_max=3) == b"abc"


def test_what_follows_the_body_is_not_part_of_it() -> None:
    assert read_body(environ(io.BytesIO(b"abcGET /"), "3"), bytes_max=100) == b"abc"


def test_no_length_and_not_chunked_is_no_body() -> None:
    assert read_body(environ(Wire()), bytes_max=100) == b""


def test_a_length_too_large_is_refused_without_reading_a_byte() -> None:
    wire = Wire()
    assert refused(environ(wire, str(10**12))) is ProblemCode.BODY_TOO_LARGE
    assert wire.given == 0


def test_an_endless_chunked_body_is_given_up_one_byte_after_the_limit() -> None:
    wire = Wire()
    assert refused(environ(wire, chunked=True)) is ProblemCode.BODY_TOO_LARGE
    assert wire.given == 101


def test_chunked_wins_over_a_length_that_lies() -> None:
    assert refused(environ(Wire(), "3", chunked=True)) is ProblemCode.BODY_TOO_LARGE


@pytest.mark.parametrize("length", ["-1", "+3", " 3", "1_0", "0x10", "3.0", "abc", "٣", "9" * 16])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    assert refused(environ(Wire(), length)) is ProblemCode.BAD_REQUEST


def test_a_body_cut_short_is_refused() -> None:
    assert refused(environ(io.BytesIO(b"ab"), "3")) is ProblemCode.BAD_REQUEST


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (TimeoutError, ProblemCode.REQUEST_TIMEOUT),
        (ConnectionResetError, ProblemCode.BAD_REQUEST),
        (ValueError, ProblemCode.BAD_REQUEST),
    ],
)
def test_a_stream_that_breaks_is_not_our_fault(breaks: type[Exception], code: ProblemCode) -> None:
    class Broken:
        def read(self, _: int) -> bytes:
            raise breaks

    assert refused(environ(Broken(), "5")) is code
