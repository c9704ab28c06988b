"""Is a request all here? Held against the server's own parser, whichever way the bytes are cut."""

import io
import time
from itertools import pairwise

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import ParseException
from gunicorn.http.parser import RequestParser
from hypothesis import given
from hypothesis import strategies as st

from ugc_api.body import read_body
from ugc_api.problems import Problem, ProblemCode
from ugc_api.server.incoming import CHUNKS_MAX, HEAD_BYTES_MAX, Incoming, Stage

MAX = 1_000
HEAD = b"POST /events HTTP/1.1\r\nHost: x\r\n"


def stage_of(data: bytes, *, step: int = 10_000_000) -> Stage:
    """The stage after the last byte, which came `step` bytes at a time, as long as more were wanted."""
    incoming = Incoming(body_bytes_max=MAX)
    for at in range(0, len(data), step):
        if incoming.add(data[at : at + step]) not in (Stage.HEAD, Stage.BODY):
            break
    return incoming.stage


class Hungry(io.RawIOBase):
    """A connection on which nothing more comes; to ask it for more is the fault looked for."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def recv(self, size: int) -> bytes:
        assert self.left, "the server would wait for more"
        piece, self.left = self.left[:size], self.left[size:]
        return piece


def served(data: bytes) -> bytes:
    """The body as the server reads it, which must not ask for a byte more than there are."""
    request = next(RequestParser(Config(), Hungry(data), ("127.0.0.1", 1)))
    return bytes(request.body.read())


def with_length(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*pieces: bytes, ending: bytes = b"0\r\n\r\n") -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + ending


GOOD = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    with_length(b""),
    with_length(b"{}" * 100),
    with_length(b"x" * MAX),
    HEAD + b"CONTENT-LENGTH:\t5 \r\n\r\nabcde",
    chunked(),
    chunked(b"abc", b"d" * 300),
    chunked(b"abc", ending=b"0\r\nX-Trailer: 1\r\nX-Other: 2\r\n\r\n"),
    HEAD + b"Transfer-Encoding: Chunked\r\n\r\n00A ; name=value\r\n0123456789\r\n0\r\n\r\n",
]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("data", GOOD, ids=range(len(GOOD)))
def test_whole_exactly_with_its_last_byte(data: bytes, step: int) -> None:
    assert stage_of(data, step=step) is Stage.WHOLE
    assert stage_of(data[:-1], step=step) in (Stage.HEAD, Stage.BODY)
    assert stage_of(data + b"GET /next HTTP/1.1\r\n") is Stage.WHOLE
    served(data)


HOPELESS = [
    with_length(b"x" * (MAX + 1)),
    HEAD + b"Content-Length: 99999999999999999999\r\n\r\n",
    HEAD + b"Content-Length: -1\r\n\r\n",
    HEAD + b"Content-Length: 1_0\r\n\r\n",
    HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;" + b"x" * 9_000,
    chunked(b"x" * (MAX + 2_000)),
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"\x16\x03\x01\x02\x00\n",
]


@pytest.mark.parametrize("step", [1, 10_000_000])
@pytest.mark.parametrize("data", HOPELESS, ids=range(len(HOPELESS)))
def test_what_cannot_become_whole_is_not_waited_for(data: bytes, step: int) -> None:
    assert stage_of(data, step=step) is Stage.ENOUGH


@pytest.mark.parametrize("data", HOPELESS[2:], ids=range(2, len(HOPELESS)))
def test_and_the_server_refuses_it_without_asking_for_more(data: bytes) -> None:
    if len(data) > MAX and data.endswith(b"0\r\n\r\n"):
        return  # good HTTP, and too large
    with pytest.raises(ParseException):
        served(data)


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"identity", b"gzip", b"", b"chunked, chunked"])
def test_another_coding_is_not_waited_for(coding: bytes) -> None:
    assert stage_of(HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n") is Stage.CODING_UNKNOWN


def test_a_body_in_chunks_beyond_the_bound_is_here_as_far_as_it_is_read() -> None:
    incoming, sent = Incoming(body_bytes_max=MAX), chunked(b"x" * (MAX + 5_000))
    came = next(n for n in range(len(sent)) if incoming.add(sent[n : n + 1]) is Stage.ENOUGH)
    request = next(RequestParser(Config(), Hungry(sent[: came + 1]), ("", 1)))
    environ = {
        "wsgi.input": request.body,
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    with pytest.raises(Problem) as caught:
        read_body(environ, bytes_max=MAX)
    assert caught.value.code is ProblemCode.BODY_TOO_LARGE


def test_a_head_without_end_is_given_up() -> None:
    assert stage_of(HEAD + b"A: b\r\n" * (HEAD_BYTES_MAX // 6), step=100) is Stage.HEAD_TOO_LARGE


def test_more_framing_than_body_is_given_up() -> None:
    many = Incoming(body_bytes_max=1_000_000)
    head, _, rest = chunked(*[b"x"] * (CHUNKS_MAX + 1)).partition(b"\r\n\r\n")
    assert many.add(head + b"\r\n\r\n" + rest) is Stage.BODY_TOO_LARGE
    long_lines = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + (b"1;" + b"x" * 8_000 + b"\r\na\r\n") * 20
    assert stage_of(long_lines) is Stage.BODY_TOO_LARGE


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
def test_who_expects_to_be_told_to_go_on(version: bytes) -> None:
    incoming = Incoming(body_bytes_max=MAX)
    incoming.add(b"POST / HTTP/%s\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n" % version)
    assert (incoming.stage, incoming.missing()) == (Stage.BODY, 3)
    assert incoming.expects is (version == b"1.1")


@given(
    body=st.binary(max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    step=st.integers(1, 40),
    in_chunks=st.booleans(),
)
def test_the_server_never_waits_for_what_was_called_whole(
    body: bytes, cuts: list[int], step: int, in_chunks: bool
) -> None:
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in pairwise(edges) if body[a:b]]
    data = chunked(*pieces) if in_chunks else with_length(body)
    incoming = Incoming(body_bytes_max=MAX)
    for at in range(0, len(data), step):
        if incoming.add(data[at : at + step]) is Stage.WHOLE:
            break
    assert incoming.stage is Stage.WHOLE
    assert served(bytes(incoming.data)) == (b"".join(pieces) if in_chunks else body)


@given(data=st.binary(max_size=300), step=st.integers(1, 50))
def test_nothing_at_all_is_called_whole_that_the_server_would_wait_for(data: bytes, step: int) -> None:
    incoming = Incoming(body_bytes_max=MAX)
    for at in range(0, len(data), step):
        if incoming.add(data[at : at + step]) in (Stage.WHOLE, Stage.ENOUGH):
            try:
                served(bytes(incoming.data))
            except ParseException:
                return
            break


@pytest.mark.parametrize(
    "data",
    [
        with_length(b"x" * MAX),
        HEAD + b"A: " + b"b" * 60_000,
        chunked(*[b"x"] * MAX),
    ],
    ids=["a body", "a head", "chunks"],
)
def test_bytes_that_trickle_are_not_read_again_and_again(data: bytes) -> None:
    started = time.process_time()
    stage_of(data, step=1)
    assert time.process_time() - started < 0.5


def test_what_follows_the_first_request_is_kept_for_the_next() -> None:
    incoming = Incoming(body_bytes_max=MAX)
    two = with_length(b"abc") + with_length(b"defg")
    assert incoming.add(two) is Stage.WHOLE
    assert bytes(incoming.data) == two
