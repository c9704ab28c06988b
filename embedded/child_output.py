"""What the children print: all of it into one bounded file each, the warnings also onto the terminal.

A child that nobody reads blocks on a full pipe, so a pump never stops reading, whatever happens to the file.
"""

import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

LOG_BYTES_MAX = 10 * 1024 * 1024
TAIL_LINES = 30

Show = Callable[[str, str], None]


class BoundedLog:
    """A file of at most LOG_BYTES_MAX, and the one before it. A full disk loses lines, never the writer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def write(self, line: bytes) -> None:
        try:
            file = self._file or self._path.open("ab")
            self._file = file
            file.write(line)
            file.flush()
            if file.tell() > LOG_BYTES_MAX:
                self.close()
                self._path.replace(self._path.with_suffix(".log.1"))
        except OSError:
            self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                return


class Pump:
    """Reads one child's output to its end, into `log`, and hands every line to `show`."""

    def __init__(self, name: str, source: IO[bytes], log: Path, show: Show) -> None:
        self._name = name
        self._source = source
        self._log = BoundedLog(log)
        self._show = show
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._thread = threading.Thread(target=self._run, name=f"pump-{name}", daemon=True)
        self._thread.start()

    def join(self, timeout_s: float) -> None:
        """Wait for the child's last words."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        for line in iter(self._source.readline, b""):
            self._log.write(line)
            text = line.decode("utf-8", "replace").rstrip()
            self.tail.append(text)
            self._tell(text)
        self._log.close()
        self._source.close()

    def _tell(self, text: str) -> None:
        try:
            self._show(self._name, text)
        except BaseException:  # noqa: BLE001 - a terminal that is gone makes rich raise SystemExit
            # The file goes on without it; a pump that ended here would block its child for ever.
            self._show = _nobody


def _nobody(_: str, __: str) -> None:
    return
