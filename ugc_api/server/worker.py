"""gunicorn's threaded worker, but a thread is given to a request, never to a sender.

A connection lies in the poller until a request has come in whole; only then does a thread take it, and what
the thread reads is in memory. So a thousand senders who trickle cost a thousand buffers of a bounded sum, not
all threads: each has a deadline, then a problem document, then nobody listens. The same at the end: whoever
is refused while he is still sending is heard out by the poller, so that he comes to read why.
"""

import selectors
import socket
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from telemetry.clock import Clock, SystemClock
from ugc_api.problems import Problem, ProblemCode
from ugc_api.server.incoming import Incoming, Stage
from ugc_api.server.refusing import answer_to, problem_of
from ugc_api.settings import ApiSettings

READ_BYTES = 64 * 1024
READ_BYTES_MAX = 256 * 1024
# Of all requests that are not answered yet, together.
HELD_BYTES_MAX = 64 * 1024 * 1024
LOOK_S = 0.25
PAUSE_S = 0.05
LINGER_S = 2.0
LINGER_BYTES_MAX = 16 * 1024 * 1024
REFUSED = {
    Stage.HEAD_TOO_LARGE: (ProblemCode.HEADERS_TOO_LARGE, "The headers have no end."),
    Stage.BODY_TOO_LARGE: (
        ProblemCode.BODY_TOO_LARGE,
        "The body comes in too many chunks.",
    ),
    Stage.CODING_UNKNOWN: (ProblemCode.BAD_REQUEST, "The only Transfer-Encoding is chunked."),
}
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

Connection = Any


@dataclass(slots=True)
class Waiting:
    """A request that is not whole yet, and until when it may become so."""

    incoming: Incoming
    deadline: float
    polled: bool = False


@dataclass(slots=True)
class Lingering:
    """A connection that is answered for the last time and may not have stopped sending."""

    deadline: float
    bytes_left: int = LINGER_BYTES_MAX


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See above. Everything but `handle` and what it calls runs in the one thread of the poller."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings: ApiSettings = self.app.settings
        self._clock: Clock = SystemClock()
        self._waiting: dict[Connection, Waiting] = {}
        self._lingering: dict[Connection, Lingering] = {}
        self._held = 0
        self._look_at = 0.0

    # New connections and more bytes

    def accept(self, listener: socket.socket) -> None:
        """Take one more connection; when that is one too many, whoever is slowest makes room."""
        if self.nr_conns >= self.worker_connections - 1:
            self._make_room()
        try:
            super().accept(listener)
        except OSError:
            # No file descriptors left. The listener stays ready, so the next round tries again.
            if not self._make_room():
                self._clock.sleep(PAUSE_S)

    def _make_room(self) -> bool:
        slowest = next(iter(self._lingering or self._waiting), None)
        if slowest is not None:
            self._hang_up(slowest)
        return slowest is not None

    def enqueue_req(self, conn: Connection) -> None:
        """A connection is new, or speaks again after an answer, or has said more already."""
        deadline = self._clock.monotonic() + self._settings.head_deadline_ms / 1000
        waiting = Waiting(Incoming(body_bytes_max=self._settings.body_bytes_max), deadline)
        self._waiting[conn] = waiting
        said_already = conn.parser.unreader.take_buffered() if conn.parser else b""
        if said_already:
            conn.sock.setblocking(False)
            self._take(conn, waiting, said_already)
        else:
            self._hear(conn, conn.sock)
        if conn in self._waiting:
            # Most requests are whole at once, and never come here.
            waiting.polled = True
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear, conn))

    def _hear(self, conn: Connection, _: socket.socket) -> None:
        waiting = self._waiting.get(conn)
        if waiting is None:
            # Given up in this very round, by somebody before it.
            return
        try:
            piece = conn.sock.recv(min(READ_BYTES_MAX, max(READ_BYTES, waiting.incoming.missing())))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._hang_up(conn)
            return
        if piece:
            self._take(conn, waiting, piece)
        elif waiting.incoming.data:
            self._refuse(conn, Problem(ProblemCode.BAD_REQUEST, "The request ended before it was whole."))
        else:
            self._hang_up(conn)

    def _take(self, conn: Connection, waiting: Waiting, piece: bytes) -> None:
        self._held += len(piece)
        incoming, was = waiting.incoming, waiting.incoming.stage
        stage = incoming.add(piece)
        if self._held > HELD_BYTES_MAX:
            self._refuse(next(iter(self._waiting)), _busy())
        if conn not in self._waiting:
            return
        if stage in (Stage.WHOLE, Stage.ENOUGH):
            self._forget(conn)
            # Held until it is answered.
            conn.heard, conn.bytes_held = incoming, len(incoming.data)
            self._held += conn.bytes_held
            super().enqueue_req(conn)
        elif stage in REFUSED:
            self._refuse(conn, Problem(*REFUSED[stage]))
        elif stage is not was:
            waiting.deadline = self._clock.monotonic() + self._settings.body_deadline_ms / 1000
            if incoming.expects:
                self._send(conn, GO_ON)

    # In a thread

    def handle(self, conn: Connection) -> Any:
        """Serve the request that is here. Nothing in it waits for the sender."""
        conn.init()
        data, conn.heard.data = conn.heard.data, bytearray()
        conn.parser.unreader.unread(data)
        return super().handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> Any:
        # Whoever asked whether to go on was told so, or is refused.
        req._expected_100_continue = False  # noqa: SLF001 - gunicorn asks it of its own object
        if conn.heard.stage is Stage.ENOUGH:
            req.force_close()
        conn.sock.settimeout(self._settings.answer_deadline_ms / 1000)
        try:
            return super().handle_request(req, conn)
        except TimeoutError:
            raise StopIteration from None

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        if not keepalive or conn.heard.stage is Stage.ENOUGH:
            return False
        body = conn.parser.mesg.body
        # What the application did not want is in memory; the next request begins behind it.
        body.read()
        return not body.failed

    def handle_error(self, _req: Any, client: socket.socket, _addr: Any, exc: Exception) -> None:
        """The parser says no, or the server itself broke: never in HTML."""
        problem = problem_of(exc)
        if problem is None:
            structlog.get_logger().error("server_broke", exc_info=exc)
            problem = Problem(ProblemCode.INTERNAL, "The request was not completed; send it again.")
        client.settimeout(self._settings.answer_deadline_ms / 1000)
        client.sendall(answer_to(problem, app=self.wsgi))

    # The end of a request and of a connection

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """A thread is done with it: the next request, or goodbye."""
        self._held -= conn.bytes_held
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._linger(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Called in every round: whose time is over?"""
        now = self._clock.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        for conn, waiting in list(self._waiting.items()):
            if waiting.deadline <= now or not (self.alive or waiting.incoming.data):
                self._late(conn)
        for conn, lingering in list(self._lingering.items()):
            if lingering.deadline <= now:
                self._hang_up(conn)

    def _late(self, conn: Connection) -> None:
        if self._waiting[conn].incoming.data:
            detail = "The request did not come to its end in time; it was not looked at."
            self._refuse(conn, Problem(ProblemCode.REQUEST_TIMEOUT, detail))
        else:
            self._hang_up(conn)

    def _refuse(self, conn: Connection, problem: Problem) -> None:
        self._forget(conn)
        try:
            self._send(conn, answer_to(problem, app=self.wsgi))
        except Exception as error:  # noqa: BLE001 - this thread serves everybody else too
            structlog.get_logger().error("server_broke", exc_info=error)
        self._linger(conn)

    def _send(self, conn: Connection, data: bytes) -> None:
        try:
            conn.sock.send(data)
        except OSError:
            # He does not read, or is gone: the deadline will find him.
            return

    def _linger(self, conn: Connection) -> None:
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(conn)
            return
        self._lingering[conn] = Lingering(self._clock.monotonic() + LINGER_S)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))

    def _hear_out(self, conn: Connection, _: socket.socket) -> None:
        lingering = self._lingering.get(conn)
        if lingering is None:
            return
        try:
            piece = conn.sock.recv(READ_BYTES_MAX)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        lingering.bytes_left -= len(piece)
        if not piece or lingering.bytes_left < 0:
            self._hang_up(conn)

    def _hang_up(self, conn: Connection) -> None:
        self._forget(conn)
        self._close(conn)

    def _forget(self, conn: Connection) -> None:
        waiting = self._waiting.pop(conn, None)
        if waiting is not None:
            self._held -= len(waiting.incoming.data)
        if self._lingering.pop(conn, None) is not None or (waiting is not None and waiting.polled):
            self.poller.unregister(conn.sock)

    def _close(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()


def _busy() -> Problem:
    detail = "Too much is under way at once; nothing of this request was looked at."
    return Problem(ProblemCode.LOG_UNAVAILABLE, detail, retry_after_s=1)
