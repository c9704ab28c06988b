"""The same attempts on ClickHouse's own access control, as a server with our roles.xml has it.

The embedded warehouse judges statements itself. What keeps a production server safe is another mechanism,
grants and profiles; here it is the engine that enforces them, with nothing of ours in front of it.
"""

import re
from pathlib import Path

import pytest
from role_engine import with_schema
from warehouse.roles import attempts
from warehouse.roles.attempts import FILE_OF_LOCAL, HARMLESS, ONLY_PARSED, WITHOUT_EFFECT, Attempt
from warehouse.roles.target import Canary, Listener

# chDB is its own client: these it does itself, as clickhouse-client does on the analyst's own machine.
OF_THE_CLIENT = re.compile(r"INTO\W+OUTFILE|INFILE", re.IGNORECASE)
# Only with select_from_system_db_requires_grant, which chDB cannot switch on.
SYSTEM_OF_SERVER = re.compile(r"\bsystem`?\s*\.|SHOW PROCESSLIST", re.IGNORECASE)


def _left_out(attempt: Attempt) -> bool:
    by_pattern = (OF_THE_CLIENT, FILE_OF_LOCAL, SYSTEM_OF_SERVER, WITHOUT_EFFECT)
    return bool(
        attempt.own
        or attempt.query
        or attempt.sql.upper().startswith(ONLY_PARSED)
        or any(pattern.search(attempt.sql) for pattern in by_pattern)
    )


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Canary:
    where: Path = tmp_path_factory.mktemp("grants")
    directory = where / "written"
    directory.mkdir()
    file = where / "canary.txt"
    file.write_text("canary of the grants\n")
    return Canary(file, "canary.txt", file.read_text(), directory, Listener("127.0.0.1"))


def test_grants_and_profile_alone_hold_an_analyst(canary: Canary, tmp_path: Path) -> None:
    ask = with_schema(tmp_path)
    names = canary.names()
    tried = [each for each in attempts.hostile() if not _left_out(each)]
    answers = ask("analyst", *(each.sql.format(**names) for each in tried))
    got_through = [
        f"{each.sql} -> {answer!r}"
        for each, answer in zip(tried, answers, strict=True)
        if not isinstance(answer, int)
    ]
    assert not got_through
    assert len(tried) > 180
    canary.assert_untouched()
    (rows,) = ask("admin", "SELECT count() FROM events_raw")
    assert rows == "0"
    allowed = ask("analyst", *(sql.format() for sql in HARMLESS))
    refused = [
        f"{sql} -> {answer}" for sql, answer in zip(HARMLESS, allowed, strict=True) if isinstance(answer, int)
    ]
    assert not refused
