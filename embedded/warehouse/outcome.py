"""Whether an insert that the engine calls done is stored.

chDB's streaming insert reports success when it fails at its end: a constraint, too many parts, a full disk.
The engine counts such failures, and remembers of each kind of error the last one and whose it was; so both
are looked at, and what cannot be told is called unknown, never a success.
"""

from dataclasses import dataclass

from embedded.warehouse.engine import Engine, quote
from embedded.warehouse.errors import Refused
from embedded.warehouse.running import Query

UNKNOWN_STATUS, MEMORY_LIMIT = 319, 241
# The limit of one statement alone says nothing of others.
_OF_ALL = "(total)"
# So long ago, at most, memory ran out for an insert that has just failed without a word.
_LATELY_S = 5
_MET_LATELY = (
    f"SELECT count() FROM system.errors WHERE code = {MEMORY_LIMIT} "  # noqa: S608
    f"AND last_error_time > now() - {_LATELY_S}"
)
_FAILED = "(SELECT sum(value) FROM system.events WHERE event = 'FailedInsertQuery')"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of one insert before it ends."""

    engine: Engine
    engine_id: str
    failed_before: int

    def check(self) -> None:
        """Return when it is stored; raise Refused with the engine's own code when it is not.

        When another insert failed meanwhile, and ours is not named, it is not known whether it was ours.
        """
        sql = f"SELECT {_FAILED}"
        if int(self.engine.ask(sql)) == self.failed_before:
            return
        sql = (
            "SELECT code, name, last_error_message FROM system.errors "  # noqa: S608 - quoted
            f"WHERE query_id = {quote(self.engine_id)} AND query_id != '' "
            "ORDER BY last_error_time DESC LIMIT 1"
        )
        found = self.engine.ask(sql).rstrip("\n").split("\t", 2)
        if len(found) == 3:
            code, name, message = found
            raise Refused(int(code), name, message if message.endswith((".", "!", "?")) else f"{message}.")
        raise Refused(
            UNKNOWN_STATUS,
            "UNKNOWN_STATUS_OF_INSERT",
            "An insert failed meanwhile, and the engine does not say which. Send it again under its token.",
        )


def begun(engine: Engine, query: Query) -> Outcome:
    """To be called when the engine has begun the insert and before its data is sent."""
    ours = f"startsWith(query, {quote(query.mark)})"
    sql = f"SELECT {_FAILED}, (SELECT any(query_id) FROM system.processes WHERE {ours})"  # noqa: S608 - quoted
    failed, _, engine_id = engine.ask(sql).rstrip("\n").partition("\t")
    return Outcome(engine, engine_id, int(failed))


def ran_out_of_memory(engine: Engine, error: Refused) -> bool:
    """Whether an insert failed, or may have failed, because all of the engine's memory was taken."""
    if error.code == MEMORY_LIMIT:
        return _OF_ALL in error.message
    return error.code == UNKNOWN_STATUS and engine.ask(_MET_LATELY).strip() != "0"
