"""The way of one request: let in, read, judge, find a place, run, answer, and leave a line in the log."""

import hmac
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from embedded.warehouse.body import Source
from embedded.warehouse.errors import Refused
from embedded.warehouse.executing import Caller, Executor
from embedded.warehouse.memory import Memory
from embedded.warehouse.profiles import Role
from embedded.warehouse.quotas import Charge
from embedded.warehouse.reply import Outlet, Reply
from embedded.warehouse.request import Head, credentials, read
from embedded.warehouse.running import Running
from embedded.warehouse.runtime import Runtime
from embedded.warehouse.sessions import Sessions

_OK = b"Ok.\n"
_NOT_FOUND = (
    b"There is nothing here. This is a ClickHouse HTTP interface: POST a query to /, "
    b"or GET /?query=...; /ping says whether it is alive.\n"
)
QUERY_ID_CHARACTERS_MAX = 512


class ClientGone(Exception):  # noqa: N818 - a state, not a fault of the program
    """Nobody is there to be answered."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request as the HTTP server hands it over."""

    head: Head
    body: Source
    outlet: Outlet
    client: socket.socket


@dataclass(frozen=True, slots=True)
class Asker:
    """Who was let in, and since when."""

    role: Role
    charge: Charge
    started_s: float


class Service:
    """Answers requests; one object for the whole process, safe to share between threads."""

    def __init__(self, runtime: Runtime, *, roles: Mapping[str, Role], passwords: Mapping[str, str]) -> None:
        self._engine, self._limits, self._clock = runtime.engine, runtime.limits, runtime.clock
        self._roles = roles
        self._passwords = passwords
        memory = Memory(runtime.memory_bytes, runtime.limits, runtime.clock)
        self.running = Running(runtime.engine, runtime.limits, memory)
        self.sessions = Sessions(runtime.limits, runtime.clock)
        self._executor = Executor(runtime, self.running)
        self._log = structlog.get_logger()
        self._host = socket.gethostname()

    def close(self) -> None:
        """Let go of every handle of the engine; at shutdown, when no request runs."""
        self.sessions.close()
        self._executor.close()

    def answer(self, exchange: Exchange) -> None:
        """Answer one request. Raises ClientGone when the client is; everything else becomes an answer."""
        path = exchange.head.path.rstrip("/") or "/"
        if path in {"/ping", "/replicas_status"} or (path == "/" and self._is_greeting(exchange.head)):
            self._plain(exchange, 200, _OK)
        elif path != "/":
            self._plain(exchange, 404, _NOT_FOUND)
        else:
            self._statement(exchange)

    def _is_greeting(self, head: Head) -> bool:
        return head.method in {"GET", "HEAD"} and "query=" not in head.query_string

    def _plain(self, exchange: Exchange, status: int, text: bytes) -> None:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "Content-Length": str(len(text))}
        exchange.outlet.start(status, {**headers, "X-ClickHouse-Server-Display-Name": self._host})
        exchange.outlet.write(text)

    def _statement(self, exchange: Exchange) -> None:
        started_s = self._clock.monotonic()
        headers = {
            "X-ClickHouse-Server-Display-Name": self._host,
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        reply = Reply(exchange.outlet, headers, self._engine.version)
        about = {"user": "", "query_id": ""}
        refused: Refused | None = None
        try:
            self._run(exchange, reply, started_s, about)
        except Refused as error:
            refused = error
            reply.fail(error)
        except TimeoutError:
            refused = Refused(
                209, "SOCKET_TIMEOUT", "The client neither sent nor took anything for too long."
            )
            reply.fail(refused)
        except (ConnectionError, ClientGone):
            self._log.info("client_gone", **about)
            raise ClientGone from None
        finally:
            self._note(about, refused, self._clock.monotonic() - started_s)

    def _run(self, exchange: Exchange, reply: Reply, started_s: float, about: dict[str, str]) -> None:
        role = self._let_in(*credentials(exchange.head))
        about["user"] = role.name
        with self.running.let_in(role), self._executor.charged(role) as charge:
            exchange.outlet.let_in()
            self._ask(exchange, reply, Asker(role, charge, started_s), about)

    def _ask(self, exchange: Exchange, reply: Reply, asker: Asker, about: dict[str, str]) -> None:
        role = asker.role
        request = read(exchange.head, exchange.body, self._limits)
        query_id = request.options.get("query_id") or str(uuid.uuid4())
        if len(query_id) > QUERY_ID_CHARACTERS_MAX or not query_id.isprintable() or not query_id.isascii():
            raise Refused(36, "BAD_ARGUMENTS", "query_id must be short, printable ASCII.")
        about["query_id"] = query_id
        reply.headers["X-ClickHouse-Query-Id"] = query_id
        if request.settings.get("enable_http_compression", "1") not in {"0", "false"}:
            reply.accept(request.encodings)
        with self.sessions.use(role.name, request) as session:
            caller = Caller(role, session, query_id, asker.started_s, exchange.client)
            self._executor.run(request, caller, reply, asker.charge)
        reply.flush()

    def _let_in(self, user: str, password: str) -> Role:
        """The role of a user who knows the password. Takes as long for a user who does not exist."""
        role = self._roles.get(user)
        expected = self._passwords.get(user, "")
        same = hmac.compare_digest(password.encode("utf-8", "replace"), expected.encode())
        if role is None or not expected or not same:
            raise Refused(
                516,
                "AUTHENTICATION_FAILED",
                f"{user[:80]}: Authentication failed: password is incorrect, "
                "or there is no user with such name.",
            )
        return role

    def _note(self, about: Mapping[str, str], refused: Refused | None, elapsed_s: float) -> None:
        """One line for what failed or was slow. Never the text: it holds people's data."""
        facts = {**about, "elapsed_ms": round(elapsed_s * 1000, 1)}
        if refused is not None:
            self._log.info("query_failed", code=refused.code, error=refused.name, **facts)
            self._log.debug("query_failed_because", message=refused.message, query_id=about["query_id"])
        elif elapsed_s > self._limits.slow_query_s:
            self._log.info("query_slow", **facts)
        else:
            self._log.debug("query_answered", **facts)
