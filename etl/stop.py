"""Stop when asked: SIGTERM and SIGINT are noted at once, and a step that does not end is left in time.

Leaving a step is safe at any instant: what it was doing is not committed, so it is read again.
"""

import faulthandler
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType

import structlog

SIGNALS = (signal.SIGTERM, signal.SIGINT)
# A library that keeps the interpreter's lock keeps every thread from running. So long after the time to
# stop, a timer that needs no lock says where each of them stands, and ends the process with code 1.
STUCK_AFTER_S = 1.0
STDERR = 2


class StopSignal:
    """Inside the `with`, the signals make `asked()` true; if its end is not reached within
    `stop_within_ms` after that, the process exits with code 0 from wherever it is.

    A thread reads the signal from a pipe that the interpreter writes: the main thread may sit inside a
    C library, where no Python handler runs.
    """

    def __init__(self, *, stop_within_ms: int) -> None:
        self._stop_within_s = stop_within_ms / 1000
        self._asked = threading.Event()
        # The process has one such timer; when asked to stop, it is that of the stop.
        self._timer = threading.Lock()
        self._ended = threading.Event()
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self._before = {each: signal.getsignal(each) for each in SIGNALS}
        self._wakeup_before = -1
        self._thread = threading.Thread(target=self._listen, name="stop-signal", daemon=True)

    def asked(self) -> bool:
        """Whether this process is to end."""
        return self._asked.is_set()

    def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until asked to stop."""
        self._asked.wait(seconds)

    @contextmanager
    def lasting_at_most(self, seconds: float) -> Iterator[None]:
        """Inside, a library is called that may keep the interpreter's lock for ever: nobody would hear a
        signal then. After `seconds` the process says where it stands, and ends with code 1."""
        with self._timer:
            if not self.asked():
                faulthandler.dump_traceback_later(seconds, exit=True, file=STDERR)
        try:
            yield
        finally:
            with self._timer:
                if not self.asked():
                    faulthandler.cancel_dump_traceback_later()

    def __enter__(self) -> "StopSignal":
        self._thread.start()
        for each in SIGNALS:
            signal.signal(each, _noted)
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        signal.set_wakeup_fd(self._wakeup_before)
        for each, handler in self._before.items():
            signal.signal(each, handler)
        self._writer.close()
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()
        self._reader.close()

    def _listen(self) -> None:
        while (numbers := self._reader.recv(64)) and not set(numbers) & set(SIGNALS):
            continue
        if not numbers:
            return
        with self._timer:
            self._asked.set()
            faulthandler.dump_traceback_later(self._stop_within_s + STUCK_AFTER_S, exit=True, file=STDERR)
        if not self._ended.wait(self._stop_within_s):
            structlog.get_logger().warning("stopped_inside_a_step", after_s=self._stop_within_s)
            os._exit(0)


def _noted(_: int, __: FrameType | None) -> None:
    return
