"""What a command finds around it when it starts: signals, and standard streams that somebody closed."""

import os
import signal
import sys
from typing import Final

# A closed standard output refuses what is written, as a full disk does: an answer that reaches nobody is no
# success. Nothing stands on a closed input; words for a closed standard error have no other place to go.
_INSTEAD: Final = (("stdin", os.O_RDWR, "r"), ("stdout", os.O_RDONLY, "w"), ("stderr", os.O_WRONLY, "w"))


def take_the_way_out_of_ctrl_c() -> None:
    """SIGTERM, and a terminal that is closed, end a command as Ctrl-C does: what was begun is removed.

    Those that serve end in their own order, and set that themselves.
    """
    for each in (signal.SIGTERM, signal.SIGHUP):
        # Who started us with nohup wants it ignored.
        if signal.getsignal(each) is signal.SIG_DFL:
            signal.signal(each, signal.default_int_handler)


def open_closed_streams() -> None:
    """Have the three standard streams, or the next file that is opened would be taken for one of them."""
    for number, (name, flags, mode) in enumerate(_INSTEAD):
        if getattr(sys, name) is not None:
            continue
        handle = os.open(os.devnull, flags)
        if handle != number:
            os.dup2(handle, number)
            os.close(handle)
        setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))
