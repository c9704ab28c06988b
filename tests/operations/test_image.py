"""deploy/Dockerfile, held to its promises without a Docker engine."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def recipe() -> str:
    return (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_carries_no_root_no_build_tool_and_no_embedded_server(recipe: str) -> None:
    _, last = recipe.rsplit("\nFROM ", 1)
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "STOPSIGNAL SIGTERM" in last
    assert "HEALTHCHECK" not in recipe
    assert not re.search(r"\b(pip|apt-get|apk|gcc|curl|wget)\b", last)
    assert recipe.count("--require-hashes") == 2
    assert "[embedded]" not in recipe
    assert "://" not in recipe


def test_everything_the_image_copies_exists_and_is_sent_to_the_builder(recipe: str) -> None:
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignore
    sent = {line[1:] for line in ignore if line.startswith("!")}
    copied: set[str] = set()
    for line in re.findall(r"^COPY (?!--from)(.+)$", recipe, re.MULTILINE):
        copied.update(line.split()[:-1])
    assert copied == sent
    missing = {source for source in copied if not (ROOT / source).exists()}
    assert missing == set()


def test_the_image_has_every_room_that_the_command_needs(recipe: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    copied = set(re.findall(r"^COPY (\w+)/ ", recipe, re.MULTILINE))
    assert copied == packages - {"benchmarks"}
