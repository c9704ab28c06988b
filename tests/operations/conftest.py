"""What the tests of the commands share: they run in this process, and leave it as it was."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from services import logging_as_it_was


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_as_it_was():
        yield


# Body of a request in, (status, headers, body) out; None hangs up without an answer.
Answering = Callable[[bytes], tuple[int, dict[str, str], bytes] | None]


@dataclass
class Served:
    """A server that answers as it is told, and what it was sent."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)


def handler(served: Served, answering: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            served.bodies.append(body)
            served.headers.append(self.headers)
            self._answer(answering(body))

        def do_GET(self) -> None:
            served.headers.append(self.headers)
            self._answer(answering(self.path.encode()))

        def _answer(self, answer: tuple[int, dict[str, str], bytes] | None) -> None:
            if answer is None:
                return
            status, headers, body = answer
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    return Handler


@pytest.fixture
def serve() -> Iterator[Callable[[Answering], Served]]:
    """Start such a server on a port of its own."""
    servers: list[ThreadingHTTPServer] = []

    def start(answering: Answering) -> Served:
        served = Served("")
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler(served, answering))
        served.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return served

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
