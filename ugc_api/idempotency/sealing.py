"""An answer as one sealed piece of bytes: what comes out is exactly what went in, or nothing does."""

from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest

from ugc_api.idempotency.keys import DIGEST_BYTES

SEAL_BYTES = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is told, as bytes."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer and the fingerprint of the body it answered."""

    fingerprint: bytes
    answer: Answer


def seal(name: bytes, kept: Kept) -> bytes:
    """To be kept under `name`, and under no other."""
    answer = kept.answer
    head = f"{answer.status} {answer.content_type}\n".encode("latin-1")
    plain = kept.fingerprint + head + answer.body
    return _mark(name, plain) + plain


def unseal(name: bytes, sealed: object) -> Kept | None:
    """What was sealed for `name`; None when one bit of it is different."""
    if not isinstance(sealed, bytes):
        return None
    mark, plain = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
    if not compare_digest(mark, _mark(name, plain)):
        return None
    head, _, body = plain[DIGEST_BYTES:].partition(b"\n")
    status, _, content_type = head.decode("latin-1").partition(" ")
    return Kept(plain[:DIGEST_BYTES], Answer(int(status), content_type, body))


def _mark(name: bytes, plain: bytes) -> bytes:
    mark = blake2b(name, digest_size=SEAL_BYTES)
    mark.update(plain)
    return mark.digest()
