"""The exact set of jars the broker is made of, and the cache that holds them.

The list beside this file names every jar with its SHA-256 and size. Nothing else comes onto the class
path, and nothing that differs by one bit: every jar is read and compared before each start (46 files,
45 MB: 60 ms). The cache lies outside the clone, so that a second clone does not download again.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from threading import Event

from embedded.broker.errors import BrokerError
from embedded.broker.exclusive import SCRATCH_PREFIX, alone_in

DOWNLOADS_AT_ONCE_MAX = 8
FREE_BYTES_MIN = 256 * 1024 * 1024
# Java takes a class archive only while each jar has the time it had when the archive was made. The bytes
# are compared here, so the time says nothing more: it is the same one for every jar, copied or new.
JAR_MTIME_S = 315_532_800

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True, order=True)
class Jar:
    """One line of the list."""

    group: str
    artifact: str
    version: str
    sha256: str
    size_bytes: int

    @property
    def coordinate(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def line(self) -> str:
        return f"{self.coordinate} {self.sha256} {self.size_bytes}"


Fetch = Callable[[Jar, Path, Advance], Path]
"""Download one jar below a directory of its own, telling how many bytes came; returns where it lies."""


def read_list(text: str) -> tuple[Jar, ...]:
    """The jars of a list: `group:artifact:version sha256 bytes` a line, `#` begins a remark."""
    jars = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            coordinate, sha256, size = line.split(" ")
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, sha256, int(size)))
    return tuple(jars)


def pinned_jars() -> tuple[Jar, ...]:
    """The checked-in list."""
    return read_list(files("embedded.broker").joinpath("jars.txt").read_text(encoding="ascii"))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class JarCache:
    """A directory of jars that several processes may fill and read at the same time.

    A jar appears under its name only after its hash was found right, by one rename; a process killed
    while it downloads leaves a staging directory that the next one to download removes.
    """

    def __init__(self, directory: Path, jars: Sequence[Jar]) -> None:
        self._directory = directory
        self._jars = jars

    def broken(self) -> list[Jar]:
        """The jars that are absent or are not the pinned bytes; empty means that the set is whole."""
        return [jar for jar in self._jars if not self._is_whole(jar)]

    def class_path(self) -> str:
        """The class path, after each jar was compared. Raises BrokerError naming the first wrong one."""
        broken = self.broken()
        if broken:
            raise BrokerError(
                f"{self._directory / broken[0].file_name} is not the file that was pinned; "
                "start again to download it anew"
            )
        return os.pathsep.join(str(self._directory / jar.file_name) for jar in self._jars)

    def complete(self, begin: Callable[[Sequence[Jar]], Advance], *, fetch: Fetch) -> list[Jar]:
        """Download what is broken, up to eight at a time; returns those jars.

        `begin` hears what will be downloaded and gives the function that counts the bytes. Waits for
        another process that is filling the same cache, then takes what that one brought. Raises
        BrokerError when a download fails or brings other bytes; what came whole before stays.
        """
        if not self.broken():
            return []
        with self._alone():
            broken = self.broken()
            if broken:
                self._download(broken, begin(broken), fetch)
        return broken

    def _is_whole(self, jar: Jar) -> bool:
        path = self._directory / jar.file_name
        try:
            whole = path.stat().st_size == jar.size_bytes and sha256_of(path) == jar.sha256
            if whole and path.stat().st_mtime != JAR_MTIME_S:
                _set_time(path)
        except FileNotFoundError:
            return False
        except NotADirectoryError:
            in_the_way = next(each for each in path.parents if each.is_file())
            raise BrokerError(
                f"{in_the_way} is a file and must be a directory; "
                "remove it, or set UGC_CACHE_DIR to another place"
            ) from None
        except OSError as error:
            raise BrokerError(
                f"cannot read {path}: {error.strerror}; make it readable or remove it"
            ) from None
        return whole

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the cache, and say what is wrong with it when it cannot be filled."""
        try:
            with alone_in(self._directory):
                yield
        except OSError as error:
            raise BrokerError(
                f"cannot write to {self._directory}: {error.strerror}; "
                "free it, or set UGC_CACHE_DIR to a directory that can be written"
            ) from None

    def _download(self, jars: Sequence[Jar], advance: Advance, fetch: Fetch) -> None:
        free = shutil.disk_usage(self._directory).free
        if free < FREE_BYTES_MIN:
            raise BrokerError(
                f"{self._directory} has {free // 1024**2} MB free and {FREE_BYTES_MIN // 1024**2} MB are "
                "needed; free some space, or set UGC_CACHE_DIR to another disk"
            )
        stop = Event()

        def count(size_bytes: int) -> None:
            if stop.is_set():
                raise BrokerError("the download was stopped; start again to go on with it")
            advance(size_bytes)

        staging = Path(tempfile.mkdtemp(prefix=SCRATCH_PREFIX, dir=self._directory))
        pool = ThreadPoolExecutor(DOWNLOADS_AT_ONCE_MAX, thread_name_prefix="jar")
        try:
            tasks = [pool.submit(self._keep, jar, fetch, staging, count) for jar in jars]
            done, _ = wait(tasks, return_when=FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
            shutil.rmtree(staging, ignore_errors=True)

    def _keep(self, jar: Jar, fetch: Fetch, staging: Path, advance: Advance) -> None:
        path = fetch(jar, staging, advance)
        found = sha256_of(path)
        if found != jar.sha256:
            raise BrokerError(
                f"{jar.coordinate} came with SHA-256 {found[:12]}… instead of {jar.sha256[:12]}…; "
                "it was cut short or changed on its way: check the network or proxy, then start again"
            )
        _set_time(path)
        path.replace(self._directory / jar.file_name)


def _set_time(path: Path) -> None:
    # Who may only read the cache starts without the archive at worst.
    with suppress(OSError):
        os.utime(path, (JAR_MTIME_S, JAR_MTIME_S))
