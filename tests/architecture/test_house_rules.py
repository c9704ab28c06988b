"""The habits this code base is kept in, held by a test because nobody's tail stays healthy by good will."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("contract", "telemetry", "clickhouse", "ugc_api", "etl", "embedded", "ops", "benchmarks")
MODULE_LINES_MAX = 300
FUNCTION_LINES_MAX = 60
CLOCK = ROOT / "telemetry" / "clock.py"
CLOCK_CALLS = {
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "sleep"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
}


def modules() -> list[Path]:
    return sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


def tracked() -> list[Path]:
    """Every text file that would be published."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    vendored = ROOT / "ugc_api" / "openapi" / "swagger_ui"
    return [p for name in listed if (p := ROOT / name).is_file() and vendored not in p.parents]


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES_MAX
    long = [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES_MAX]
    assert not long


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_modules_say_what_they_are_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree), "a module opens with what it guarantees"


def test_nothing_reads_the_clock_behind_the_callers_back() -> None:
    # bootstrap.py runs before anything is installed, so it cannot import telemetry.
    exempt = {CLOCK, ROOT / "ops" / "bootstrap.py"}
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted(set(modules()) - exempt)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in CLOCK_CALLS
    ]
    assert not found, "take a telemetry.clock.Clock as an argument instead"


def test_no_drawer_for_everything() -> None:
    assert not [p for p in modules() if p.stem in {"utils", "util", "helpers", "common", "misc"}]


def test_no_mode_flag_in_the_product() -> None:
    for room in ("ugc_api", "etl", "clickhouse", "contract"):
        for path in (ROOT / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\bif\s+(?:\w+\.)*(?:is_)?(?:embedded|testing|chdb)\b", text), path


def test_sql_lives_in_files_and_names_no_database() -> None:
    for path in (ROOT / "clickhouse").rglob("*.sql"):
        code = "\n".join(
            line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("--")
        )
        if path.parent.name != "roles":
            assert not re.search(r"\bugc\.", code), f"{path}: the connection names the database"


def test_nothing_points_at_one_machine_or_one_registry() -> None:
    machine = re.compile(r"(?<![\w.])/(?:work|root|home)/\w")
    registry = re.compile(r"https?://\S*(?:pypi|pythonhosted|maven|npmjs|crates|debian)", re.IGNORECASE)
    found = []
    for path in tracked():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(ROOT)}: {m.group()}"
            for rule in (machine, registry)
            for m in rule.finditer(text)
        ]
    assert not found
