"""The list of functions: whole, and none of those it allows reaches further than its arguments."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from warehouse.roles.target import Listener, Target

from embedded.warehouse import functions
from embedded.warehouse.errors import WarehouseError

LIST = functions.load()


@pytest.mark.stack
def test_every_function_of_the_engine_stands_on_one_side(target: Target) -> None:
    if not target.embedded:
        pytest.skip("the list is the embedded warehouse's")
    there = target.value("SELECT DISTINCT lower(name) FROM system.functions ORDER BY 1").split("\n")
    unjudged = [name for name in there if not LIST.allows(name) and LIST.why_refused(name) is None]
    assert not unjudged, "look at each and put it into embedded/warehouse/functions.txt"


@pytest.mark.stack
def test_every_combinator_and_no_other_is_known(target: Target) -> None:
    if not target.embedded:
        pytest.skip("the list is the embedded warehouse's")
    there = target.value("SELECT lower(name) FROM system.aggregate_function_combinators").split("\n")
    assert sorted(LIST.combinators) == sorted(there)


def test_a_combinator_makes_an_aggregate_and_nothing_else() -> None:
    assert LIST.allows("uniqStateIf")
    assert LIST.allows("quantileTDigestWeightedOrNullIf")
    assert LIST.allows("COUNT")
    for name in ("fileIf", "lengthIf", "state", "urlArray", "", "countt"):
        assert not LIST.allows(name), name
    assert LIST.nearest("countt") == "count"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[computes]\nabs\n[refused]\nabs  it is bad", "allows and refuses abs"),
        ("[refused]\nfile", "without saying why"),
        ("[something]\nabs", "none of"),
    ],
)
def test_a_list_that_says_two_things_does_not_load(text: str, complaint: str) -> None:
    with pytest.raises(WarehouseError, match=complaint):
        functions.parse(text)


# Without an answer in time, or made to fail: not what this looks for.
SLOW = re.compile(r"sleep.*|throwif|aggthrow")


CALL = """
import json, sys
from chdb.session import Session

session, answers = Session(sys.argv[1]), []
for statement in json.load(sys.stdin):
    try:
        answers.append(str(session.query(statement, "TSV")))
    except Exception:
        answers.append(None)
print("ANSWERS", json.dumps(answers))
"""


@pytest.mark.stack
def test_no_allowed_function_reads_the_canary_or_calls_anybody(tmp_path: Path) -> None:
    """Each with the file's name, and with the listener's address, as every argument; on the engine itself."""
    (there,) = called(tmp_path, ["SELECT DISTINCT name FROM system.functions ORDER BY 1"])
    allowed = [name for name in str(there).split() if LIST.allows(name) and not SLOW.fullmatch(name.lower())]
    assert len(allowed) > 1_500
    secret = "canary of the functions"
    file = tmp_path / "canary.txt"
    file.write_text(secret)
    listener = Listener("127.0.0.1")
    url = f"http://127.0.0.1:{listener.port}/"
    forms = [f"'{file}'", "'canary.txt'", f"'{url}', '{url}'", f"'{file}', '{file}', '{file}'"]
    tried = [f"SELECT `{name}`({form})" for name in allowed for form in forms]
    answers = called(tmp_path, [f"SELECT file('{file}')", *tried])
    listener.close()
    assert answers[0] == f"{secret}\n", "what the canary would show"
    assert [sql for sql, answer in zip(tried, answers[1:], strict=True) if answer and secret in answer] == []
    assert listener.callers == 0
    assert file.read_text() == secret
    # That the calls were calls, and not one error six thousand times.
    assert sum(answer is not None for answer in answers) > 1_000


def called(home: Path, statements: list[str]) -> list[str | None]:
    """The engine's answers; none for an error."""
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(home / "data")],
        cwd=home,
        input=json.dumps(statements),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[str | None] = json.loads(done.stdout.partition("ANSWERS ")[2])
    return answers
