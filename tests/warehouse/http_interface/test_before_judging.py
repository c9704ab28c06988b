"""What a request may bring before anybody knows what it asks: little, and none of it stays."""

import gzip
import io
import socket
import time
import zlib
from urllib.parse import quote

import lz4.frame
import pytest
from backports import zstd

from embedded.warehouse.body import decompressed, read_all
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import MIB, Limits
from embedded.warehouse.request import Head, read

pytestmark = pytest.mark.stack

FORM = {"content-type": "multipart/form-data; boundary=B"}
FIELD = b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n'
FILE = b'--B\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n'


class Wire:
    """A body, and how much of it was taken."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)
        self.taken = 0

    def read(self, size: int) -> bytes:
        piece = self._body.read(size)
        self.taken += len(piece)
        return piece


def test_no_byte_of_a_file_in_a_form_is_kept() -> None:
    wire = Wire(FILE + b"\0" * 20 * MIB)
    with pytest.raises(Refused, match="External data tables"):
        read(Head("POST", "/", "query=SELECT+1", FORM), wire, Limits())
    assert wire.taken <= MIB


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_form_is_as_large_as_we_say_unpacked_too(encoding: str) -> None:
    body = b"".join(FIELD + b"y" * 1000 + b"\r\n" for _ in range(100)) + b"--B--\r\n"
    sent = gzip.compress(body) if encoding else body
    head = Head("POST", "/", "query=SELECT+1", {**FORM, "content-encoding": encoding})
    with pytest.raises(Refused) as refused:
        read(head, Wire(sent), Limits(form_bytes_max=50_000))
    assert refused.value.code == 307
    assert read(head, Wire(sent), Limits(form_bytes_max=200_000)).has_query_parameter


COMPRESS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "lz4": lz4.frame.compress,
}


@pytest.mark.parametrize("encoding", COMPRESS)
@pytest.mark.parametrize("piece", [b"", b"x"])
def test_parts_of_a_body_that_hold_next_to_nothing_are_few(encoding: str, piece: bytes) -> None:
    """Of a body of any length they come to none, so no limit would meet them."""
    source = decompressed(Wire(COMPRESS[encoding](piece) * 5_000), encoding, piece_bytes=65_536)
    with pytest.raises(Refused, match="compress more at once"):
        read_all(source, bytes_max=MIB, piece_bytes=1_000, what="It")


@pytest.mark.parametrize("encoding", COMPRESS)
def test_a_body_may_come_in_parts(encoding: str) -> None:
    make, row = COMPRESS[encoding], b"r" * 300
    source = decompressed(
        Wire((make(b"") + make(row)) * 900 + make(row) * 1_000), encoding, piece_bytes=65_536
    )
    assert read_all(source, bytes_max=MIB, piece_bytes=1_000, what="It") == row * 1_900


def test_a_format_that_is_no_text_is_told_without_the_statement(embedded) -> None:
    secret = "alice@example.org"
    connection = socket.create_connection((embedded.host, embedded.port), timeout=30)
    with connection:
        sign_in, asked = embedded.auth("admin")["Authorization"], quote(f"SELECT '{secret}'")
        connection.sendall(
            f"POST /?default_format=%ff&query={asked} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: {sign_in}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"not UTF-8" in answer
    assert secret.encode() not in answer


def test_bodies_that_never_end_hold_no_thread_of_others(embedded) -> None:
    """Eight requests of the analyst are under way at most; who writes is answered meanwhile."""
    slow, sign_in = [], embedded.auth("analyst")["Authorization"]
    try:
        for _ in range(70):
            connection = socket.create_connection((embedded.host, embedded.port), timeout=30)
            slow.append(connection)
            connection.sendall(
                f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: {sign_in}\r\n"
                "Content-Length: 200000\r\n\r\nSELECT".encode()
            )
        for role in ("writer", "reader", "admin"):
            begun = time.monotonic()
            assert embedded.ask("SELECT 1", role=role).text == "1\n"
            assert time.monotonic() - begun < 15
        refused = embedded.ask("SELECT 1", role="analyst")
        assert refused.code == 202
        assert "requests of user analyst are under way" in refused.text
    finally:
        for connection in slow:
            connection.close()
    end_by = time.monotonic() + 30
    while embedded.ask("SELECT 1", role="analyst").code == 202:
        assert time.monotonic() < end_by
        time.sleep(0.1)
