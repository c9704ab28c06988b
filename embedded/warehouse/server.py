"""HTTP for the service: cheroot's listener, thread pool and keep-alive, with bodies read our way.

cheroot would hold a whole chunk of a chunked body in memory and turn a bad Content-Length into a traceback;
both are replaced here.
"""

import contextlib
import http
import logging
import socket
import threading
from collections.abc import Mapping
from typing import Any

import structlog
from cheroot.server import HTTPConnection, HTTPRequest, HTTPServer
from cheroot.workers.threadpool import ThreadPool

from embedded.warehouse.body import Chunked, KnownLength
from embedded.warehouse.errors import Refused, WarehouseError
from embedded.warehouse.limits import Limits
from embedded.warehouse.request import Head
from embedded.warehouse.service import ClientGone, Exchange, Service
from telemetry.clock import Clock


class _Request(HTTPRequest):
    """One request; cheroot has parsed its head."""

    server: "Server"

    def respond(self) -> None:
        body = self._body()
        if body is None:
            return
        self.rfile = body
        outlet = _Outlet(self, body)
        try:
            self.server.service.answer(
                Exchange(head=self._head(), body=body, outlet=outlet, client=self.conn.socket)
            )
        except ClientGone:
            self.close_connection, self.chunked_write = True, False
            return
        if self.chunked_write:
            self.conn.wfile.write(b"0\r\n\r\n")

    def _head(self) -> Head:
        headers = {key.decode("latin-1").lower(): _text(value) for key, value in self.inheaders.items()}
        return Head(_text(self.method), _text(self.path), _text(self.qs), headers)

    def _body(self) -> Chunked | KnownLength | None:
        """The body; None when its length makes no sense, which was answered then."""
        length = self.inheaders.get(b"Content-Length", b"")
        if self.chunked_read:
            if not length:
                return Chunked(self.conn.rfile)
        elif length.isdigit() or not length:
            return KnownLength(self.conn.rfile, int(length or 0))
        self.close_connection = True
        self.simple_response("400 Bad Request", "The length of the body is not clear.")
        return None

    def drain(self, body: Chunked | KnownLength, within_s: float) -> None:
        """Read what the client still sends, within reason, so that it comes to read the answer."""
        left = self.server.limits.drain_bytes_max
        # A read waits for the next byte as long as bytes come, be it one at a time: only this ends it.
        cut = threading.Event()
        end = threading.Timer(within_s, _hear_no_more, (self.conn.socket, cut))
        end.start()
        with contextlib.suppress(Refused, OSError):
            while left > 0 and (piece := body.read(self.server.limits.read_piece_bytes)):
                left -= len(piece)
        end.cancel()
        if cut.is_set() or not body.finished:
            self.close_connection = True


class _Outlet:
    """The writing half of one request."""

    def __init__(self, request: _Request, body: Chunked | KnownLength) -> None:
        self._request = request
        self._body = body
        self._waits_s = request.server.limits.drain_of_strangers_s_max

    def let_in(self) -> None:
        self._waits_s = self._request.server.limits.drain_s_max

    def start(self, status: int, headers: Mapping[str, str]) -> None:
        request = self._request
        if not self._body.finished:
            request.drain(self._body, self._waits_s)
        status_line: Any = f"{status} {http.HTTPStatus(status).phrase}".encode()
        request.status = status_line
        request.outheaders += [
            (key.encode(), value.encode("latin-1", "replace")) for key, value in headers.items()
        ]
        request.ensure_headers_sent()

    def write(self, data: bytes) -> None:
        if self._request.method != b"HEAD" and data:
            self._request.write(data)

    def break_off(self) -> None:
        # Without the last chunk no client can take the answer for complete.
        self._request.chunked_write = False
        self._request.close_connection = True


class _Connection(HTTPConnection):
    RequestHandlerClass = _Request
    waited_for = False

    def close(self) -> None:
        super().close()
        # What a client did not take would be sent again when the writer is collected; that fails, and Python
        # 3.13 says so at length.
        with contextlib.suppress(OSError):
            self.wfile.close()


class Server(HTTPServer):
    """Listens from construction, serves from `start` to `stop`."""

    ConnectionClass = _Connection

    def __init__(self, host: str, port: int, limits: Limits, clock: Clock) -> None:
        super().__init__((host, port), gateway=None, server_name="ClickHouse", minthreads=1)
        self.requests = ThreadPool(self, min=limits.threads, max=limits.threads)
        self.limits = limits
        self.clock = clock
        self.service: Service
        self.keep_alive_conn_limit = limits.connections_kept_max
        self.request_queue_size = limits.backlog_max
        self.timeout = int(limits.socket_idle_s)
        self.max_request_header_size = limits.header_bytes_max
        self.shutdown_timeout = 2
        self._log = structlog.get_logger()

    def listen(self) -> None:
        """Take the port; connections wait in the backlog until `serve`. Raises WarehouseError."""
        try:
            self.prepare()
        except OSError as error:
            host, port = self.bind_addr
            raise WarehouseError(
                f"cannot listen on {host}:{port} ({error}); stop what listens there, "
                "or set UGC_WAREHOUSE_PORT to a free port"
            ) from None

    def process_conn(self, conn: _Connection) -> None:
        """Hand a connection to a thread, but a new one only when it has said something."""
        if conn.waited_for:
            super().process_conn(conn)
        else:
            conn.waited_for = True
            self.put_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """cheroot's own complaints: mostly clients that hang up or speak no HTTP."""
        report: Any = self._log.warning if level >= logging.ERROR else self._log.debug
        report("http_trouble", message=msg, exc_info=traceback and level >= logging.ERROR)


def _hear_no_more(client: socket.socket, told: threading.Event) -> None:
    told.set()
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RD)


def _text(value: bytes) -> str:
    return value.decode("latin-1")
