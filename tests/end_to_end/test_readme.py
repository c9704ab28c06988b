"""The README's commands are run as they stand, against a stack of their own, and print what it shows."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from services import LocalStack, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

BLOCK = re.compile(
    r"<!-- run: (?P<name>\w+) -->\n```console\n(?P<command>.*?)```"
    r"(?:\n\n```\w+\n(?P<shown>.*?)```)?",
    re.DOTALL,
)
CLIENT = re.compile(r"<!-- client: (?P<name>\w+) -->\n```\w+\n(?P<program>.*?)```", re.DOTALL)
INTERPRETERS = {"python": [sys.executable, "-"], "javascript": ["node", "--input-type=module", "-"]}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    made = LocalStack(tmp_path_factory.mktemp("readme") / "data")
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def blocks(request: pytest.FixtureRequest) -> dict[str, re.Match[str]]:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    found = {match["name"]: match for match in BLOCK.finditer(text)}
    assert set(found) == {"send", "dau", "sql"}
    return found


def run(stack: LocalStack, block: re.Match[str]) -> str:
    """What the command prints, with the README's addresses replaced by this stack's."""
    command = block["command"].removeprefix("$ ")
    command = command.replace(":9001", f":{stack.api_port}")
    command = command.replace(":8123", f":{stack.environment['UGC_WAREHOUSE_PORT']}")
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        check=True,
        env=stack.environment,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    return done.stdout


def shape(value: Any) -> Any:
    """The keys and kinds of a JSON value: what stays when ids and times differ."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def test_an_event_is_sent_counted_and_found(stack: LocalStack, blocks: dict[str, re.Match[str]]) -> None:
    sent = json.loads(run(stack, blocks["send"]))
    assert shape(sent) == shape(json.loads(blocks["send"]["shown"]))
    assert sent["results"][0]["status"] == "accepted"
    until(lambda: stack.users_today() == 1, within_s=15, what="alice is counted")
    counted = json.loads(run(stack, blocks["dau"]))
    shown = json.loads(blocks["dau"]["shown"])
    assert shape(counted) == shape(shown)
    assert counted["data"][0]["users"] == shown["data"][0]["users"] == 1
    assert run(stack, blocks["sql"]).strip() == blocks["sql"]["shown"].strip()


@pytest.mark.parametrize("name", INTERPRETERS)
def test_a_program_of_the_readme_sends_an_event(stack: LocalStack, name: str) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    programs = {match["name"]: match["program"] for match in CLIENT.finditer(text)}
    assert set(programs) == set(INTERPRETERS)
    interpreter = INTERPRETERS[name]
    if shutil.which(interpreter[0]) is None:
        pytest.skip(f"no {interpreter[0]} on this machine")
    done = subprocess.run(
        interpreter,
        input=programs[name].replace(":9001", f":{stack.api_port}"),
        capture_output=True,
        text=True,
        check=True,
        env=stack.environment,
        timeout=60,
    )
    assert done.stdout == "202 accepted\n"
