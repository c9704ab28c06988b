"""The two loops. One event loop, `connections` connections, requests whose bytes are ready.

closed: each connection sends its next request when the last one is answered. The server sets the pace, so
        its latencies say nothing about a stall: while it stands still, nothing is sent that could be late.
open:   requests are sent when they are due. One for which no connection is free waits for one, and its
        latency counts from when it was due, like that of every other.
"""

import asyncio
import re
import selectors
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.load.arrivals import Arrivals, due
from benchmarks.frame.load.http1 import Connection, Failure
from benchmarks.frame.load.report import OK_STATUSES, Report

SWEEP_S = 0.05
RECONNECT_S = 0.1
CLOSE_S = 0.01
# select() takes time-outs in microseconds, where epoll rounds up to milliseconds; it knows few descriptors.
SELECT_CONNECTIONS_MAX = 500


class Load(Struct, frozen=True, kw_only=True):
    """What to send. Requests are taken in order, from the beginning again when `count` is more of them.

    `count` None: every request once. `total_of`: an integer member of the answers to sum up.
    """

    host: str
    port: int
    requests: list[bytes]
    kind: Literal["open", "closed"]
    connections: int
    count: int | None = None
    rate: float = 0.0
    arrivals: Arrivals = "poisson"
    seed: int = 0
    timeout_s: float = 30.0
    total_of: str = ""


def drive(load: Load, started: Callable[[], None] = lambda: None) -> Report:
    """Send it all and report. `started` is called when the connections stand, just before the first request.

    Raises BenchFailed when the server cannot be reached at the start.
    """
    wanted_s = load.kind == "open" and load.connections <= SELECT_CONNECTIONS_MAX
    selector = selectors.SelectSelector() if wanted_s else selectors.DefaultSelector()
    loop = asyncio.SelectorEventLoop(selector)
    try:
        return loop.run_until_complete(_Drive(load, loop).run(started))
    finally:
        loop.close()


class _Drive:
    """One load under way."""

    def __init__(self, load: Load, loop: asyncio.AbstractEventLoop) -> None:
        self._load = load
        self._loop = loop
        self._count = len(load.requests) if load.count is None else load.count
        self._total_of = re.compile(rb'"%s": ?(\d+)' % load.total_of.encode()) if load.total_of else None
        # Requests taken for sending, and requests that ended.
        self._taken = self._ended = 0
        self._backlog: deque[tuple[float, bytes]] = deque()
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._all: set[Connection] = set()
        self._reopening: set[asyncio.Task[None]] = set()
        self._due: Iterator[float] = iter(())
        self._finished: asyncio.Future[None] = loop.create_future()
        self._latencies_s: list[float] = []
        self._late_s: list[float] = []
        self._statuses: dict[int, int] = {}
        self._failures: dict[str, int] = {}
        self._total = 0
        self._bad = ""

    async def run(self, started: Callable[[], None]) -> Report:
        load = self._load
        if not load.requests or self._count < 1 or load.connections < 1:
            raise BenchFailed("a load without requests or without connections measures nothing")
        connections = [await self._open_first() for _ in range(load.connections)]
        cpu_before_s = time.process_time()
        started()
        self._began_s = self._ended_s = self._loop.time()
        if load.kind == "open":
            self._due = due(load.arrivals, rate=load.rate, count=self._count, seed=load.seed)
            self._idle = connections
            self._schedule_next()
        else:
            for each in connections:
                self._go_on(each)
        sweeping = self._loop.create_task(self._sweep())
        try:
            await self._finished
        finally:
            cpu_s = time.process_time() - cpu_before_s
            tasks = [sweeping, *self._reopening]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for connection in list(self._all):
                connection.close()
            # asyncio closes sockets some rounds after it was told to.
            await asyncio.sleep(CLOSE_S)
        return Report(
            kind=load.kind,
            sent=self._count,
            wall_s=self._ended_s - self._began_s,
            cpu_s=cpu_s,
            latencies_s=self._latencies_s,
            late_s=self._late_s,
            statuses=self._statuses,
            failures=self._failures,
            connections=load.connections,
            total=self._total,
            first_bad_answer=self._bad,
        )

    def _schedule_next(self) -> None:
        """Send everything that is due by now, and come back when the next one is."""
        while (due_s := next(self._due, None)) is not None:
            due_s += self._began_s
            if due_s > self._loop.time():
                self._loop.call_at(due_s, self._send_due, due_s)
                return
            self._place(due_s)

    def _send_due(self, due_s: float) -> None:
        self._place(due_s)
        self._schedule_next()

    def _place(self, due_s: float) -> None:
        self._late_s.append(self._loop.time() - due_s)
        request = self._next_request()
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                self._send(connection, due_s, request)
                return
            self._reopen(connection)
        self._backlog.append((due_s, request))

    def _next_request(self) -> bytes:
        request = self._load.requests[self._taken % len(self._load.requests)]
        self._taken += 1
        return request

    def _work(self) -> tuple[float, bytes] | None:
        """What a free connection should send now."""
        if self._load.kind == "open":
            return self._backlog.popleft() if self._backlog else None
        return (self._loop.time(), self._next_request()) if self._taken < self._count else None

    def _send(self, connection: Connection, due_s: float, request: bytes) -> None:
        connection.due_s = due_s
        self._busy.add(connection)
        connection.send(request)

    def _go_on(self, connection: Connection) -> None:
        """This connection is free."""
        if not connection.open:
            self._reopen(connection)
            return
        work = self._work()
        if work is None:
            self._idle.append(connection)
        else:
            self._send(connection, *work)

    def _done(self, connection: Connection, outcome: int | Failure, body: bytes) -> None:
        now_s = self._loop.time()
        self._busy.discard(connection)
        if isinstance(outcome, int):
            self._answered(outcome, body, now_s - connection.due_s)
        else:
            self._failed(outcome)
        self._go_on(connection)

    def _answered(self, status: int, body: bytes, latency_s: float) -> None:
        self._statuses[status] = self._statuses.get(status, 0) + 1
        if status in OK_STATUSES:
            self._latencies_s.append(latency_s)
            if self._total_of is not None:
                found = self._total_of.search(body)
                self._total += int(found[1]) if found else 0
        elif not self._bad:
            self._bad = f"{status} {body[:300].decode(errors='replace')}"
        self._end_one()

    def _failed(self, failure: Failure) -> None:
        self._failures[failure] = self._failures.get(failure, 0) + 1
        self._end_one()

    def _end_one(self) -> None:
        self._ended += 1
        if self._ended == self._count and not self._finished.done():
            self._ended_s = self._loop.time()
            self._finished.set_result(None)

    async def _open_first(self) -> Connection:
        try:
            return await self._connect(Connection(self._done))
        except OSError as error:
            raise BenchFailed(
                f"nothing answers at {self._load.host}:{self._load.port} ({error.strerror}); is it up?"
            ) from None

    async def _connect(self, connection: Connection) -> Connection:
        await self._loop.create_connection(lambda: connection, self._load.host, self._load.port)
        self._all.add(connection)
        return connection

    def _reopen(self, lost: Connection) -> None:
        self._all.discard(lost)
        task = self._loop.create_task(self._reopen_until_open())
        self._reopening.add(task)
        task.add_done_callback(self._reopening.discard)

    async def _reopen_until_open(self) -> None:
        """A server that does not take a connection costs the request that wanted it."""
        while True:
            try:
                connection = await self._connect(Connection(self._done))
            except OSError:
                if self._work() is not None:
                    self._failed("refused")
                await asyncio.sleep(RECONNECT_S)
            else:
                self._go_on(connection)
                return

    async def _sweep(self) -> None:
        """Give up what waits for too long, on a connection or for one."""
        while True:
            await asyncio.sleep(SWEEP_S)
            before_s = self._loop.time() - self._load.timeout_s
            for connection in [each for each in self._busy if each.due_s < before_s]:
                connection.fail("timeout")
            while self._backlog and self._backlog[0][0] < before_s:
                self._backlog.popleft()
                self._failed("timeout")
