"""Who runs what at this moment: places are bounded, query ids are unique, and each query can be ended.

chDB gives queries ids of its own and takes none from us. Every statement carries a mark as its first
comment, by which the engine's id is found when a client's id is to be killed.
"""

import re
import select
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import structlog

from embedded.warehouse.engine import Engine, quote
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import Limits
from embedded.warehouse.memory import Memory
from embedded.warehouse.profiles import Role

KILL_ATTEMPTS = 100
KILL_AGAIN_S = 0.02

_NOT_FOR_A_COMMENT = re.compile(r"[^\w.:-]")


@dataclass(slots=True)
class Query:
    """One statement under way."""

    query_id: str
    role: Role
    number: int
    started_s: float
    # Set before the engine is asked, and read after it answered: an insert that was killed, or that ran
    # out of time, reports success with the rows it had, so only we know.
    killed: threading.Event = field(default_factory=threading.Event)
    # Watched while set: a read whose client is gone is ended.
    client: socket.socket | None = None
    # What it may use; 0: what the role says.
    memory_bytes: int = 0
    # What its client is told instead of that it was killed.
    refused_as: Refused | None = None
    read_rows: int = 0
    # How long a reader's may take, and since when the engine has been at it; 0 and None: nobody looks.
    limit_s: float = 0.0
    asked_s: float | None = None

    @property
    def user(self) -> str:
        return self.role.name

    @property
    def mark(self) -> str:
        """The comment that names this query inside the engine."""
        return f"/* ugc:{self.number}:{_NOT_FOR_A_COMMENT.sub('_', self.query_id)[:80]} */"

    def marked(self, sql: bytes) -> bytes:
        return self.mark.encode() + b" " + sql

    def refuse_if_killed(self) -> None:
        if self.killed.is_set():
            raise Refused(394, "QUERY_WAS_CANCELLED", "Query was cancelled.")


class Running:
    """The list of them. Safe to share between threads."""

    def __init__(self, engine: Engine, limits: Limits, memory: Memory) -> None:
        self._engine = engine
        self._limits = limits
        self._memory = memory
        self._free = threading.Condition()
        self._queries: dict[str, Query] = {}
        self._of_user: Counter[str] = Counter()
        self._let_in: Counter[str] = Counter()
        self._working = 0
        self._reading = 0
        self._waiting = 0
        self._numbers = count(1)
        self._stopping = False

    @contextmanager
    def let_in(self, role: Role) -> Iterator[None]:
        """Count a request that is read and judged, before it has a place: readers leave threads to others."""
        with self._free:
            if role.reads_only and self._let_in[role.name] >= self._let_in_max(role):
                raise _too_many(f"{self._let_in[role.name]} requests of user {role.name} are under way")
            self._let_in[role.name] += 1
        try:
            yield
        finally:
            with self._free:
                self._let_in[role.name] -= 1

    def _let_in_max(self, role: Role) -> int:
        """Room for those that run and for as many that wait or are refused."""
        most = self._limits.reads_let_in_max
        return min(2 * role.queries_max, most) if role.queries_max else most

    @contextmanager
    def place(self, query_id: str, role: Role, started_s: float) -> Iterator[Query]:
        """Hold a place for one statement; waits for it a bounded time, in a bounded queue."""
        query = Query(query_id, role, next(self._numbers), started_s)
        with self._free:
            self._enter(query, role)
        try:
            yield query
        except Refused:
            if query.refused_as is None:
                raise
            raise query.refused_as from None
        finally:
            with self._free:
                query.client = None
                del self._queries[query_id]
                self._of_user[query.user] -= 1
                self._working -= 1
                self._reading -= role.reads_only
                # All: the place may be one that the first in the queue cannot take.
                self._free.notify_all()

    def _enter(self, query: Query, role: Role) -> None:
        self._check(query, role)
        if not self._has_place(role):
            if self._waiting >= self._limits.queries_waiting_max:
                raise _too_many(f"{self._waiting} are waiting already")
            self._waiting += 1
            try:
                came = self._free.wait_for(
                    lambda: self._has_place(role) or self._stopping,
                    timeout=self._limits.queue_wait_s,
                )
            finally:
                self._waiting -= 1
            if not came:
                raise _too_many(f"no place within {self._limits.queue_wait_s:g} s")
            self._check(query, role)
        shares = [each.memory_bytes for each in self._queries.values() if each.role is role]
        query.memory_bytes = self._memory.share(role, shares)
        self._queries[query.query_id] = query
        self._of_user[query.user] += 1
        self._working += 1
        self._reading += role.reads_only

    def _has_place(self, role: Role) -> bool:
        if role.reads_only and self._reading >= self._memory.reads_max:
            return False
        return self._working < self._limits.queries_running_max

    def _check(self, query: Query, role: Role) -> None:
        if self._stopping:
            raise Refused(236, "ABORTED", "The warehouse is shutting down.")
        if query.query_id in self._queries:
            raise Refused(
                216,
                "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                f"Query with id = {query.query_id[:200]} is already running.",
            )
        if role.queries_max and self._of_user[role.name] >= role.queries_max:
            raise _too_many(f"user {role.name} may run {role.queries_max} at a time")

    def all(self) -> list[Query]:
        """Those that run now."""
        with self._free:
            return list(self._queries.values())

    def kill(self, query: Query, *, attempts: int = KILL_ATTEMPTS) -> None:
        """End one; returns when the engine was told, or the query is gone.

        A query has its place here a moment before the engine knows it, so a miss is tried again.
        """
        query.killed.set()
        sql = f"KILL QUERY WHERE startsWith(query, {quote(query.mark)}) ASYNC".encode()
        with self._engine.own_handle() as handle:
            for _ in range(attempts):
                if handle.query(sql, "TabSeparated").data or self.wait_until_gone(query, KILL_AGAIN_S):
                    return

    def give_way(self) -> None:
        """An insert found no memory: end the questions that may use more than a little. So much, and no more,
        the next ones get for a while.
        """
        with self._free:
            self._memory.ran_out()
            large = [
                each
                for each in self._queries.values()
                if each.role.reads_only and not 0 < each.memory_bytes <= self._memory.little
            ]
        structlog.get_logger().warning("questions_gave_way", ended=len(large))
        for query in large:
            query.refused_as = _gave_way(self._limits.short_of_memory_s)
            # Ending one takes memory too.
            with suppress(Refused):
                self.kill(query, attempts=1)

    def wait_until_gone(self, query: Query, timeout_s: float) -> bool:
        """Whether the query ended within `timeout_s`."""
        with self._free:
            return self._free.wait_for(lambda: self._queries.get(query.query_id) is not query, timeout_s)

    def stop(self, grace_s: float) -> int:
        """Let nothing new in, wait for what runs, end what is left; how many that were."""
        with self._free:
            self._stopping = True
            self._free.notify_all()
            if self._free.wait_for(lambda: not self._queries, grace_s):
                return 0
        left = len(self.all())
        for _ in range(KILL_ATTEMPTS):
            for query in self.all():
                self.kill(query, attempts=1)
            if not self.all():
                break
        return left


class DisconnectWatch:
    """Ends reads whose client hung up: nobody waits for their answer, and they hold a place."""

    def __init__(self, running: Running, every_s: float) -> None:
        self._running = running
        self._every_s = every_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="disconnect-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(self._every_s):
            for query in self._running.all():
                try:
                    self._look_at(query)
                except Refused as error:
                    structlog.get_logger().warning("disconnect_watch_failed", error=error.message)

    def _look_at(self, query: Query) -> None:
        # Taken once: the query may end, and forget its client, at any moment.
        client = query.client
        if client is not None and _hung_up(client):
            self._running.kill(query, attempts=1)


def _hung_up(client: socket.socket) -> bool:
    """End of stream, or a reset; bytes of a next request are neither."""
    try:
        # A socket with a timeout waits for it even under MSG_DONTWAIT, so it is asked first.
        poll = select.poll()
        poll.register(client, select.POLLIN)
        return bool(poll.poll(0)) and client.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def _gave_way(short_s: float) -> Refused:
    return Refused(
        241,
        "MEMORY_LIMIT_EXCEEDED",
        "Memory limit exceeded: an insert found none, and questions give way to inserts. Ask again: "
        f"for {short_s:g} s each question gets a little.",
    )


def _too_many(why: str) -> Refused:
    return Refused(202, "TOO_MANY_SIMULTANEOUS_QUERIES", f"Too many simultaneous queries: {why}.")
