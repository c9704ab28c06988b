"""What the engine said, where Python loses it.

An error that quotes data which is not UTF-8 cannot become a string. Python says so, and hands the bytes over
with it; that of Debian 12 (3.11.2) forgets both and raises an error without a word, so that nobody can tell
data that is broken from a warehouse that is. Whatever cannot be decoded passes the codecs' handler, in the
thread that asked: there it is kept.
"""

import codecs
import threading

_ENGINE_SPOKE = b"Code: "

_kept = threading.local()


def keep_lost_text() -> None:
    """From now on keep what the engine said and Python could not read, one for each thread."""
    codecs.register_error("strict", _strict)


def take_lost_text() -> bytes:
    """The last that was kept in this thread, and no more; empty when there was none."""
    text: bytes = getattr(_kept, "text", b"")
    _kept.text = b""
    return text


def _strict(error: UnicodeError) -> tuple[str, int]:
    """What the handler of this name has always done, and a look at what it is about."""
    if isinstance(error, UnicodeDecodeError) and error.object.startswith(_ENGINE_SPOKE):
        _kept.text = error.object
    raise error
