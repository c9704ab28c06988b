"""A class archive: java starts the broker from classes it has already loaded and linked once.

Made once a machine, in about fifteen seconds, by running a broker on a throw-away directory; it takes more
than half off every later start. It is a help and never a need: without it, or with one that
does not fit (java checks the runtime and the time of each jar), the broker starts in the plain way.
"""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from embedded.broker.exclusive import SCRATCH_PREFIX, alone_in
from embedded.broker.jars import JAR_MTIME_S, Jar, sha256_of

KEPT_MAX = 3


class ClassArchive:
    """The archive of one set of jars on one runtime, in a cache that other versions share."""

    def __init__(self, directory: Path, *, jars: Sequence[Jar], runtime: Path, flags: Sequence[str]) -> None:
        release = (runtime / "release").read_text(encoding="utf-8")
        parts = [release, str(directory), *flags, str(JAR_MTIME_S), *(jar.line() for jar in jars)]
        self._key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
        self._directory = directory

    def find(self) -> Path | None:
        """The archive, if there is one whose bytes are those that were written; a broken one is removed."""
        for path in sorted(self._directory.glob(f"kafka-{self._key}-*.aot")):
            with suppress(OSError):
                if path.stem.endswith(sha256_of(path)):
                    return path
                path.unlink()
        return None

    def make(self, train: Callable[[Path, Path], object]) -> Path | None:
        """Let `train(archive file, scratch directory)` run java so that it writes one; None if it did not.

        Waits for another process that is making it, and takes that one's. The hash of the file becomes
        part of its name by the rename that publishes it.
        """
        with alone_in(self._directory):
            return self.find() or self._make(train)

    def _make(self, train: Callable[[Path, Path], object]) -> Path | None:
        with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX, dir=self._directory) as scratch:
            draft = Path(scratch) / "draft.aot"
            train(draft, Path(scratch))
            if not draft.is_file():
                return None
            final = self._directory / f"kafka-{self._key}-{sha256_of(draft)}.aot"
            draft.replace(final)
        self._forget_old()
        return final

    def _forget_old(self) -> None:
        archives = sorted(
            self._directory.glob("kafka-*.aot"), key=lambda path: path.stat().st_mtime, reverse=True
        )
        for path in archives[KEPT_MAX:]:
            path.unlink(missing_ok=True)
