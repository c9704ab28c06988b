"""A warehouse under attack: how to speak to it, and what must stay as it is."""

import base64
import http.client
import secrets
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

Kind = Literal["embedded", "server", "listening"]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\nreached\n"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    code: int
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Listener:
    """Somebody at a port who notes each caller and answers like a web server."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.callers = 0
        self._socket = socket.create_server((host, 0))
        self.port = int(self._socket.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.callers += 1
            with caller:
                caller.settimeout(1)
                try:
                    caller.recv(65536)
                    caller.sendall(ANSWER)
                except OSError:
                    continue

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@dataclass(frozen=True)
class Canary:
    """A file with a secret, a directory in which nothing may appear, and somebody who listens."""

    file: Path
    near: str
    secret: str
    directory: Path
    listener: Listener
    # The names of the file under which the server itself would look for it.
    copies: tuple[Path, ...] = ()

    def names(self) -> dict[str, Any]:
        """What the attempts put into their SQL."""
        listener = self.listener
        return {
            "canary": self.file,
            "near": self.near,
            "out": self.directory / f"out-{secrets.token_hex(4)}",
            "url": f"http://{listener.host}:{listener.port}/",
            "address": f"{listener.host}:{listener.port}",
            "host": listener.host,
            "port": listener.port,
        }

    def assert_untouched(self) -> None:
        """Nobody has called, written beside it or changed it."""
        assert self.listener.callers == 0, "somebody called"
        assert list(self.directory.iterdir()) == [], "something was written"
        for each in (self.file, *self.copies):
            assert each.read_text() == self.secret, f"{each} has changed"


@dataclass(frozen=True)
class Target:
    """Where it is, and who everybody is there. `listening`: ClickHouse itself, as clickhouse-local serves."""

    dsns: Mapping[str, str]
    canary: Canary
    kind: Kind
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def embedded(self) -> bool:
        """Whether it judges statements itself, before the engine does."""
        return self.kind == "embedded"

    def ask(
        self, sql: str | bytes, *, role: str, query: Mapping[str, Any] | None = None, timeout_s: float = 60
    ) -> Answer:
        """What a person with curl gets."""
        parts = urlsplit(self.dsns[role])
        pair = base64.b64encode(f"{parts.username}:{parts.password}".encode()).decode()
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 8123, timeout=timeout_s)
        try:
            named = {"database": parts.path.strip("/"), **(query or {})}
            connection.request(
                "POST",
                f"/?{urlencode(named)}",
                sql.encode() if isinstance(sql, str) else sql,
                {"Authorization": f"Basic {pair}", **self.headers},
            )
            response = connection.getresponse()
            code = int(response.getheader("X-ClickHouse-Exception-Code") or 0)
            return Answer(response.status, code, response.read())
        finally:
            connection.close()

    def value(self, sql: str, *, role: str = "admin") -> str:
        """One value; an error fails the test with its text."""
        answer = self.ask(sql, role=role)
        assert answer.status == 200, answer.text
        return answer.text.strip()
