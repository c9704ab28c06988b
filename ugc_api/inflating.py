"""Unpacking gzip without trusting it: what comes out is bounded, and so is the work.

A body that says gzip is gzip to its last byte: members one after the other (that is how a stream that is
flushed in pieces looks) and nothing else. What follows is not ignored, because it may have been events.
"""

import zlib

from ugc_api.problems import Problem, ProblemCode, body_too_large

GZIP_WBITS = 31
# One for every event a request may have. An empty one costs its sender 20 bytes and us much more.
MEMBERS_MAX = 1_000
# The rest of what was fed is copied at the end of each member: small steps keep many members cheap.
STEP_BYTES = 8 * 1024


def inflate(packed: bytes, *, bytes_max: int) -> bytes:
    """The bytes that were packed. Raises Problem: body_too_large beyond `bytes_max`, bad_gzip."""
    source = memoryview(packed)
    pieces: list[bytes] = []
    held = read = members = 0
    while read < len(source):
        members += 1
        if members > MEMBERS_MAX:
            raise _bad(f"it has more than {MEMBERS_MAX:,} members")
        member = zlib.decompressobj(GZIP_WBITS)
        while not member.eof:
            step = source[read : read + STEP_BYTES]
            if not step:
                raise _bad("it ends in the middle")
            read += len(step)
            try:
                # All of the step is used up, unless more would come out than is taken anyway.
                piece = member.decompress(step, bytes_max + 1 - held)
            except zlib.error as error:
                raise _bad(_in_words(error, members)) from None
            held += len(piece)
            if held > bytes_max:
                raise body_too_large(bytes_max)
            pieces.append(piece)
        read -= len(member.unused_data)
    return b"".join(pieces)


def _in_words(error: zlib.error, members: int) -> str:
    reason = str(error).rpartition(": ")[2]
    return reason if members == 1 else f"{reason}, in what follows member {members - 1:,}"


def _bad(why: str) -> Problem:
    return Problem(ProblemCode.BAD_GZIP, f"Content-Encoding says gzip, but the body is not: {why}.")
