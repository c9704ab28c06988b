"""The list of functions: whole, and none of those it allows reaches further than its arguments."""

import http.client
import re
from contextlib import closing
from urllib.parse import urlencode

import pytest
from warehouse.roles.target import Target

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


@pytest.mark.stack
def test_no_allowed_function_reads_the_canary_or_calls_anybody(target: Target) -> None:
    """Each with the file's name, and with the listener's address, as every argument."""
    if not target.embedded:
        pytest.skip("the list is the embedded warehouse's")
    there = target.value("SELECT DISTINCT name FROM system.functions ORDER BY 1").split("\n")
    allowed = [name for name in there if LIST.allows(name) and not SLOW.fullmatch(name.lower())]
    assert len(allowed) > 1_500
    canary = target.canary
    names, secret = canary.names(), canary.secret.strip()
    answered = 0
    with closing(_Asking(target)) as asking:
        for name in allowed:
            for argument, count in (("canary", 1), ("url", 2), ("canary", 3)):
                arguments = ", ".join([f"'{names[argument]}'"] * count)
                status, text = asking.ask(f"SELECT `{name}`({arguments})")
                assert secret not in text, f"{name} of {count} read the file"
                answered += status == 200
    canary.assert_untouched()
    # That the calls were calls, and not one error five thousand times.
    assert answered > 500


class _Asking:
    """One connection as reader, whose errors no quota counts; judged as analyst is."""

    def __init__(self, target: Target) -> None:
        found = re.fullmatch(r"http://(\w+):([^@]+)@([^:]+):(\d+)/(\w+)", target.dsns["reader"])
        assert found is not None
        self._user, self._password, host, port, self._database = found.groups()
        self._connection = http.client.HTTPConnection(host, int(port), timeout=60)

    def close(self) -> None:
        self._connection.close()

    def ask(self, sql: str) -> tuple[int, str]:
        query = urlencode({"database": self._database, "max_execution_time": 2})
        headers = {"X-ClickHouse-User": self._user, "X-ClickHouse-Key": self._password}
        self._connection.request("POST", f"/?{query}", sql.encode(), headers)
        response = self._connection.getresponse()
        return response.status, response.read().decode("utf-8", "replace")
