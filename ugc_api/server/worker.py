"""gunicorn's threaded worker, but a thread is given to a request, never to a sender nor to a reader.

A connection lies in the poller until a request has come in whole; only then does a thread take it, and what
the thread reads is in memory. So a thousand senders who trickle cost a thousand buffers of a bounded sum, not
all threads: each has a deadline, then a problem document, then nobody listens. The same at the end: what of
an answer the socket does not take at once the poller sends on, until its reader's deadline; and whoever is
refused while he is still sending is heard out by the poller, so that he comes to read why.
"""

import selectors
import socket
from functools import partial
from typing import Any

import structlog
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from telemetry.clock import Clock, SystemClock
from telemetry.logs import begin
from ugc_api.problems import Problem, ProblemCode
from ugc_api.server.detached import Heard, Outgoing
from ugc_api.server.incoming import Incoming, Stage
from ugc_api.server.memory import give_large_blocks_back
from ugc_api.server.refusing import AT_STAGE, BUSY, answer_to, problem_of
from ugc_api.server.stays import Leaving, Lingering, Waiting
from ugc_api.server.turns import Turns
from ugc_api.settings import ApiSettings

READ_BYTES = 64 * 1024
READ_BYTES_MAX = 256 * 1024
# Of all requests that are not answered yet, and of answers that are not read yet, together.
HELD_BYTES_MAX = 64 * 1024 * 1024
LOOK_S = 0.25
PAUSE_S = 0.05
LINGER_S = 2.0
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"

Connection = Any


class PatientWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """See above. Everything but `handle` and what it calls runs in the one thread of the poller."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings: ApiSettings = self.app.settings
        self._clock: Clock = SystemClock()
        self._waiting: dict[Connection, Waiting] = {}
        self._leaving: dict[Connection, Leaving] = {}
        self._lingering: dict[Connection, Lingering] = {}
        self._turns = Turns(super().enqueue_req)
        self._held = 0
        self._look_at = 0.0

    def init_process(self) -> None:
        give_large_blocks_back()
        super().init_process()

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
        slowest = next(iter(self._lingering or self._leaving or self._waiting), None)
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
            self._refuse(next(iter(self._waiting)), Problem(*BUSY, retry_after_s=1))
        if conn not in self._waiting:
            return
        if stage in (Stage.WHOLE, Stage.ENOUGH):
            self._forget(conn)
            # Held until it is answered.
            conn.heard, conn.bytes_held, conn.weight = incoming, len(incoming.data), incoming.weight()
            conn.outgoing = Outgoing(conn.sock)
            self._held += conn.bytes_held
            self._turns.wait(conn)
        elif stage in AT_STAGE:
            self._refuse(conn, Problem(*AT_STAGE[stage]))
        elif stage is not was:
            waiting.deadline = self._clock.monotonic() + self._settings.body_deadline_ms / 1000
            if incoming.expects:
                self._send(conn, GO_ON)

    # In a thread

    def handle(self, conn: Connection) -> Any:
        """Serve the request that is here. Nothing in it waits for who sent it."""
        if not conn.initialized:
            conn.init()
            conn.sock.setblocking(False)
            conn.parser.unreader = Heard()
        conn.parser.unreader.hear(conn.heard)
        sock, conn.sock = conn.sock, conn.outgoing
        try:
            goes_on = super().handle(conn)
        finally:
            conn.sock = sock
        return conn.outgoing.begin() and goes_on

    def handle_request(self, req: Any, conn: Connection) -> Any:
        # Whoever asked whether to go on was told so, or is refused.
        req._expected_100_continue = False  # noqa: SLF001 - gunicorn asks it of its own object
        if conn.heard.stage is Stage.ENOUGH:
            req.force_close()
        return super().handle_request(req, conn)

    def _keepalive_after(self, conn: Connection, keepalive: bool) -> bool:
        if not keepalive or conn.heard.stage is Stage.ENOUGH:
            return False
        try:
            # What the application did not want is in memory; the next request begins behind it.
            conn.parser.mesg.body.read()
            conn.parser.unreader.keep_the_rest()
        except Exception:  # noqa: BLE001 - it is answered already, and nobody knows where the next one begins
            return False
        return True

    def handle_error(self, _req: Any, client: Outgoing, _addr: Any, exc: Exception) -> None:
        """The parser says no, or the server itself broke: never in HTML."""
        problem = problem_of(exc)
        if problem is None:
            # This thread's last request is not the one that broke.
            begin()
            structlog.get_logger().error("server_broke", exc_info=exc)
            problem = Problem(ProblemCode.INTERNAL, "The request was not completed; send it again.")
        client.sendall(answer_to(problem, app=self.wsgi))

    # The end of a request and of a connection

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """A thread is done with it: the rest of the answer, the next request, or goodbye."""
        self._held -= conn.bytes_held
        self._turns.done(conn)
        if conn.outgoing.waits():
            self._leave(conn, fs)
        else:
            self._go_on(conn, fs)

    def _go_on(self, conn: Connection, fs: Any) -> None:
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._linger(conn)
        else:
            super().finish_request(conn, fs)

    def _leave(self, conn: Connection, fs: Any) -> None:
        held = conn.outgoing.bytes_held()
        self._held += held
        deadline = self._clock.monotonic() + self._settings.answer_deadline_ms / 1000
        self._leaving[conn] = Leaving(deadline, held, fs)
        self.poller.register(conn.sock, selectors.EVENT_WRITE, partial(self._send_on, conn))
        if self._held > HELD_BYTES_MAX:
            self._hang_up(next(iter(self._leaving)))

    def _send_on(self, conn: Connection, _: socket.socket) -> None:
        leaving = self._leaving.get(conn)
        if leaving is None:
            return
        try:
            sent = conn.outgoing.flush()
        except OSError:
            self._hang_up(conn)
            return
        if sent:
            self._forget(conn)
            self._go_on(conn, leaving.served)

    def murder_pending(self) -> None:
        """Called in every round: whose time is over?"""
        now = self._clock.monotonic()
        if now < self._look_at:
            return
        self._look_at = now + LOOK_S
        for conn, waiting in list(self._waiting.items()):
            if waiting.deadline <= now or not (self.alive or waiting.incoming.data):
                self._late(conn)
        late = [conn for conn, leaving in self._leaving.items() if leaving.deadline <= now]
        late += [conn for conn, lingering in self._lingering.items() if lingering.deadline <= now]
        for conn in late:
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
            if waiting.polled:
                self.poller.unregister(conn.sock)
            return
        leaving = self._leaving.pop(conn, None)
        if leaving is not None:
            self._held -= leaving.bytes_held
            conn.outgoing.drop()
        if leaving is not None or self._lingering.pop(conn, None) is not None:
            self.poller.unregister(conn.sock)

    def _close(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()
