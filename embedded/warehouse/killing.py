"""KILL QUERY by the ids that clients chose, which the engine does not know. Its mutations it knows itself.

The condition is not interpreted here: the engine evaluates it over the list of running queries, in which
`query_id` and `user` are the clients' own.
"""

import re

from embedded.warehouse.engine import Handle, quote
from embedded.warehouse.errors import Refused
from embedded.warehouse.profiles import Role
from embedded.warehouse.running import Query, Running

SYNC_WAIT_S = 10.0
_KILL = re.compile(
    rb"KILL QUERY WHERE (?P<where>.*) (?P<mode>SYNC|ASYNC|TEST)(?:\nFORMAT \w+)?\s*$", re.DOTALL
)


def kill(sql: bytes, role: Role, running: Running, handle: Handle) -> bytes:
    """End every query the statement names and `role` may end; a SELECT of what was done to each.

    What ends a mutation comes back as it is, when the role may do everything.

    Raises Refused when the statement names nothing we can look up.
    """
    canonical = handle.query(f"SELECT formatQuery({quote(sql)})".encode("utf-8", "surrogateescape"), "TSVRaw")
    if role.everything and canonical.data.startswith(b"KILL MUTATION WHERE "):
        return sql
    found = _KILL.match(canonical.data)
    if found is None:
        raise Refused(48, "NOT_IMPLEMENTED", "Only KILL QUERY WHERE ... [SYNC|ASYNC|TEST] is supported.")
    victims = _victims(found["where"], role, running, handle)
    if found["mode"] != b"TEST":
        for victim in victims:
            running.kill(victim)
    ended = {
        victim.query_id: found["mode"] == b"SYNC" and running.wait_until_gone(victim, SYNC_WAIT_S)
        for victim in victims
    }
    rows = ", ".join(_row(each, ended=ended[each.query_id]) for each in victims)
    columns = "kill_status String, query_id String, user String, query String"
    source = f"values({quote(columns)}, {rows})" if rows else f"null({quote(columns)})"
    return f"SELECT * FROM {source}".encode()  # noqa: S608 - every value is quoted


def _row(query: Query, *, ended: bool) -> str:
    return f"({quote('finished' if ended else 'waiting')}, {quote(query.query_id)}, {quote(query.user)}, '')"


def _victims(where: bytes, role: Role, running: Running, handle: Handle) -> list[Query]:
    queries = {each.number: each for each in running.all() if role.everything or each.user == role.name}
    if not queries:
        return []
    listed = ", ".join(
        f"({each.number}, {quote(each.query_id)}, {quote(each.user)}, {quote(each.mark)})"
        for each in queries.values()
    )
    sql = (
        "SELECT number FROM (SELECT ours.query_id AS query_id, ours.user AS user, ours.number AS number, "  # noqa: S608
        "theirs.* EXCEPT (query_id, user) FROM "
        f"values('number UInt64, query_id String, user String, mark String', {listed}) AS ours "
        "INNER JOIN (SELECT *, extract(query, '^/\\\\* ugc:[^*]* \\\\*/') AS mark FROM system.processes) "
        "AS theirs ON ours.mark = theirs.mark) WHERE "
    )
    numbers = handle.query(sql.encode() + b"(" + where + b")", "TSVRaw").data.split()
    return [queries[int(number)] for number in numbers if int(number) in queries]
