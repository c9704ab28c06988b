"""Kill -9 a process at the instant at which a file grows.

    python -I -S marksman.py PID TIMES SECONDS FOLDER ...

ClickHouse writes a line of a table's deduplication log about a tenth of a millisecond before it puts the
part in its place. A process of its own, with nothing else to do, is fast enough to kill in between.
Exits with 0 when it shot, with 3 when no file grew often enough in time.
"""

import os
import signal
import sys
import time


def size(folders: list[str]) -> int:
    """Bytes of every file in these folders."""
    total = 0
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                total += sum(entry.stat().st_size for entry in entries)
        except OSError:
            continue
    return total


def main() -> int:
    pid, times, seconds, folders = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    deadline = time.monotonic() + seconds
    before = size(folders)
    while time.monotonic() < deadline:
        now = size(folders)
        if now != before:
            before, times = now, times - 1
            if times <= 0:
                os.kill(pid, signal.SIGKILL)
                return 0
    return 3


if __name__ == "__main__":
    sys.exit(main())
