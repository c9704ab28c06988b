"""What an Idempotency-Key may look like, and what stands for it and for a body where answers are kept."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from ugc_api.problems import Problem, ProblemCode

HEADER = "Idempotency-Key"
DIGEST_BYTES = 16
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


def key_in(environ: Mapping[str, Any]) -> str | None:
    """The key, None when there is none. Raises Problem(idempotency_key_invalid)."""
    key: str | None = environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not _VISIBLE_ASCII.fullmatch(key):
        raise Problem(
            ProblemCode.IDEMPOTENCY_KEY_INVALID,
            f"{HEADER} is 1 to 255 visible ASCII characters without spaces; a UUID is a good one.",
        )
    return key


def name_of(key: str, *, caller_id: str) -> bytes:
    """What stands for this key of this caller. Two callers never meet, and the key itself is not stored."""
    # A key has no NUL in it, so the last one parts the two for certain.
    return _digest(f"{caller_id}\0{key}".encode("utf-8", "surrogatepass"))


def fingerprint(body: bytes) -> bytes:
    """What stands for the body: of the plain bytes, so that a body compressed anew is still the same."""
    return _digest(body)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST_BYTES).digest()
