"""From a bare Python to `.venv/bin/ugc`: `python3 -I ops/bootstrap.py local|dev [COMMAND…]`, or `lock`.

Standard library only, and an older Python can still read it and say that it is too old. Makes `.venv`,
installs the pinned `uv` with pip and lets that install a lock, each file checked against its hash; a second
call with the same lock does nothing. What fails is one line, exit 1 (130 for Ctrl-C), which names a log of
the tool's own words; an environment begun here and not finished is removed, one that was good before stays.
COMMAND then takes this process over, so a signal finds whatever is running.
"""

import fcntl
import hashlib
import importlib.util
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this very line is for those who have an older one
    version = ".".join(str(part) for part in sys.version_info[:2])
    sys.exit(
        f"ugc needs Python 3.11 or newer and this is {version}; run `make PYTHON=/path/to/a/newer/python`"
    )

from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

ROOT = Path(__file__).resolve().parent.parent
GIB = 1024**3
DISK_BYTES_MIN = {"local": 3 * GIB // 2, "dev": 2 * GIB}
# All but the first two are constrained by another: a package has one version in all of them.
LOCKS = {
    "tools": ["requirements/tools.in"],
    "dev": ["pyproject.toml", "requirements/build.in", "--all-extras"],
    "local": ["pyproject.toml", "requirements/build.in", "--extra", "embedded", "-c", "requirements/dev.txt"],
    "app": ["pyproject.toml", "-c", "requirements/local.txt"],
    "build": ["requirements/build.in", "-c", "requirements/dev.txt"],
}
OPEN_IT = "make it readable and writable for you, or clone to another place"
# What pip was told about this machine, uv must hear too.
PIP_TO_UV = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "cert": "SSL_CERT_FILE"}
# The first pattern found in what a failed tool said decides what to do next.
NO_NETWORK = (
    r"failed to fetch|error sending|client error|dns error|connection (refused|reset|broken)|timed out|"
    r"could not connect|max retries|name resolution|proxyerror|could not find a version|no matching dist"
)
CAUSES = {
    r"no space left|os error 28": "the disk is full; free some space, then run it again",
    r"hash mismatch|do not match the hashes": "a package is not the one that was pinned; nothing of it was "
    "installed; check the network or your package mirror, then run it again",
    r"certificate|unknownissuer|ssl error": "the package index's certificate was not accepted; "
    "set SSL_CERT_FILE and PIP_CERT to your CA file",
    r"no wheels? with a matching|not a supported wheel": "a package has no build for this system; "
    "use Python 3.11 to 3.14 on Linux or macOS, x86-64 or ARM",
    r"permission denied|read-only file system|os error (13|30)": "a directory cannot be written; "
    "make it writable, then run it again",
    NO_NETWORK: "the package index cannot be reached, and the first run needs it; "
    "check the network and any proxy, then run it again",
}


class Failed(Exception):  # noqa: N818 - what happened, said to a person
    """The environment could not be made; the message is the one line."""


class Bootstrap:
    """Makes the environment of one clone."""

    def __init__(
        self,
        root: Path,
        *,
        environment: Mapping[str, str],
        out: TextIO,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._root, self._venv = root, root / ".venv"
        self._environment = {**environment, "PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        self._out, self._free_bytes = out, free_bytes

    def install(self, name: str) -> None:
        """Have the packages of `requirements/<name>.txt` and the project itself in `.venv`."""
        if self._is_done(name):
            return
        started = time.monotonic()
        with self._alone(), self._whole_or_not_at_all(DISK_BYTES_MIN[name]):
            if self._is_done(name):
                return
            uv = self._have_uv()
            lock = self._root / "requirements" / f"{name}.txt"
            count = lock.read_text(encoding="utf-8").count("==")
            self._say(f"installing {count} packages; the first time they are downloaded, then cached")
            into = [str(uv), "pip", "install", "--python", str(self._python())]
            self._run([*into, "--require-hashes", "-r", str(lock)])
            how = ["--quiet", "--offline", "--no-deps", "--no-build-isolation"]
            self._run([*into, *how, "--editable", str(self._root)])
            self._stamp(name).write_text(self._key(name), encoding="ascii")
        self._say(f"environment ready in {time.monotonic() - started:.0f} s")

    def lock(self, *options: str) -> None:
        """Write the locks anew from pyproject.toml and the `.in` files; `--upgrade` takes newer versions."""
        with self._alone(), self._whole_or_not_at_all(0):
            compile_ = [str(self._have_uv()), "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
            compile_ += ["--python-version", "3.11", "--no-header", "--no-emit-index-url", "--no-annotate"]
            for name, sources in LOCKS.items():
                self._run([*compile_, *options, *sources, "-o", f"requirements/{name}.txt"])
                self._say(f"requirements/{name}.txt written")

    def _is_done(self, name: str) -> bool:
        # What is in dev is in local too, at the same version.
        try:
            return self._python().exists() and any(
                self._stamp(each).is_file() and self._stamp(each).read_text("ascii") == self._key(each)
                for each in (name, "dev")
            )
        except OSError as error:
            raise Failed(f"cannot read {error.filename}: {error.strerror}; {OPEN_IT}") from None

    def _key(self, name: str) -> str:
        """Changes with the lock, with what the project installs, and when the clone is moved."""
        parts = [os.fsencode(self._root)]
        parts += [(self._root / file).read_bytes() for file in ("pyproject.toml", f"requirements/{name}.txt")]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def _stamp(self, name: str) -> Path:
        return self._venv / f".ugc-{name}"

    def _python(self) -> Path:
        return self._venv / "bin" / "python"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two `make` in one clone take turns; the second finds the work done."""
        handle = os.open(self._root, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextmanager
    def _whole_or_not_at_all(self, disk_bytes_min: int) -> Iterator[None]:
        """Inside there is an environment; a new one stays only if nothing fails inside."""
        unfinished, home = self._venv / ".ugc-unfinished", self._venv / ".ugc-home"
        try:
            moved = home.is_file() and home.read_text(encoding="utf-8") != str(self._root)
            if unfinished.exists() or moved or (self._venv.exists() and not self._works()):
                shutil.rmtree(self._venv)
            new = not self._venv.exists()
            if new:
                self._check_disk(disk_bytes_min)
                self._venv.mkdir()
                unfinished.touch()
        except OSError as error:
            raise Failed(f"cannot write {self._venv}: {error.strerror}; {OPEN_IT}") from None
        try:
            if new:
                self._make_venv()
                home.write_text(str(self._root), encoding="utf-8")
            yield
            unfinished.unlink(missing_ok=True)
        except BaseException:
            if new:
                shutil.rmtree(self._venv, ignore_errors=True)
            raise

    def _works(self) -> bool:
        probe = [str(self._python()), "-I", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            return subprocess.run(probe, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def _check_disk(self, disk_bytes_min: int) -> None:
        free = self._free_bytes(self._root)
        if free < disk_bytes_min:
            raise Failed(
                f"{self._root} has {free / GIB:.1f} GB free and the packages take "
                f"{disk_bytes_min / GIB:.1f}; free some space, or clone onto a larger disk"
            )

    def _make_venv(self) -> None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
            raise Failed(
                f"this Python {version} cannot make environments; install its venv module "
                f"(Debian, Ubuntu: apt install python{version}-venv), then run it again"
            )
        self._say(f"making .venv with Python {version}")
        self._run([sys.executable, "-I", "-m", "venv", str(self._venv)])

    def _have_uv(self) -> Path:
        """The pinned uv, in the environment."""
        lock, uv = self._root / "requirements" / "tools.txt", self._venv / "bin" / "uv"
        python = [str(self._python()), "-I", "-m"]
        pinned = lock.read_text(encoding="utf-8").split("uv==")[1].split()[0]
        if not uv.exists() or self._ask([str(uv), "--version"]).split()[1:2] != [pinned]:
            if not self._ask([*python, "pip", "--version"]):
                self._run([*python, "ensurepip"])
            install = [*python, "pip", "install", "--quiet", "--retries", "2", "--require-hashes"]
            self._run([*install, "-r", str(lock)])
        told = self._ask([*python, "pip", "config", "list"])
        for name, value in re.findall(r"^(?:global|install|:env:)\.([\w-]+)='(.*)'$", told, re.MULTILINE):
            if name in PIP_TO_UV:
                self._environment.setdefault(PIP_TO_UV[name], value)
        return uv

    def _ask(self, command: list[str]) -> str:
        """What a quick question answers; nothing when it fails."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=self._environment)
        return done.stdout if done.returncode == 0 else ""

    def _run(self, command: list[str]) -> None:
        code, said = run(command, cwd=self._root, environment=self._environment, out=self._out)
        if code == 0:
            return
        text = said.decode("utf-8", "replace")
        _, log = tempfile.mkstemp(prefix="ugc-bootstrap-", suffix=".log")
        Path(log).write_text(f"{' '.join(command)}\nexit {code}\n\n{text}", encoding="utf-8")
        found = (do for pattern, do in CAUSES.items() if re.search(pattern, text.lower()))
        reason = next(found, f"{Path(command[0]).name} failed with exit {code}")
        raise Failed(f"{reason} (details: {log})")

    def _say(self, text: str) -> None:
        self._out.write(f"ugc: {text}\n")
        self._out.flush()


def run(command: list[str], *, cwd: Path, environment: Mapping[str, str], out: TextIO) -> tuple[int, bytes]:
    """Run a tool to its end; returns its exit code and all it said, which a terminal shows meanwhile.

    Stopped half-way, it ends the tool with everything the tool started.
    """
    terminal = out.isatty()
    ours, theirs = pty.openpty() if terminal else os.pipe()
    if terminal:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, fcntl.ioctl(out.fileno(), termios.TIOCGWINSZ, b"\0" * 8))
    start = partial(subprocess.Popen, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs)
    child = start(command, cwd=cwd, env=dict(environment), start_new_session=True)
    os.close(theirs)
    said = b""
    try:
        piece = _read(ours)
        while piece:
            if terminal:  # up to where uv begins to list what it installed
                os.write(out.fileno(), (said + piece).partition(b"Installed ")[0][len(said) :])
            said += piece
            piece = _read(ours)
        if terminal:
            os.write(out.fileno(), b"\x1b[0m")
        return child.wait(), said
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGTERM)
            while _read(ours):
                pass
            child.wait()
        os.close(ours)


def _read(handle: int) -> bytes:
    """The next piece, empty at the end: a terminal whose other side is closed says so by an error."""
    try:
        return os.read(handle, 65536)
    except OSError:
        return b""


def main(arguments: list[str]) -> int:
    """Exit 0 when all is done; with a command, do not return but become it."""
    what, *rest = arguments
    # SIGTERM takes the same way out as Ctrl-C, so what was begun is removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bootstrap = Bootstrap(ROOT, environment=os.environ, out=sys.stderr)
    try:
        if what == "lock":
            bootstrap.lock(*rest)
            return 0
        bootstrap.install(what)
    except Failed as failure:
        sys.stderr.write(f"ugc: {failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nugc: stopped before the environment was ready; run it again to go on\n")
        return 130
    if rest:
        os.execv(rest[0], rest)  # noqa: S606 - becoming the command is the point
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
