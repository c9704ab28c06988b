"""gunicorn, started from Python: `serve(settings)` is what `ugc api` runs.

One arbiter, `api_workers` processes of `api_threads` threads. SIGTERM and Ctrl-C stop accepting, let
running requests finish, flush the producer and end with exit code 0. The address is bound here, before
gunicorn starts, so a busy port is one clear error instead of five retries.
"""

import signal
import socket
import sys
from collections.abc import Callable
from errno import EADDRINUSE
from typing import Any, NoReturn

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from telemetry import shared_sheets
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from ugc_api import wsgi
from ugc_api.access import building
from ugc_api.server.incoming import REQUEST_LINE_BYTES_MAX
from ugc_api.server.worker import PatientWorker
from ugc_api.settings import ApiSettings

BACKLOG = 1_024
WORKER_SILENT_S_MAX = 30
PORT_WAIT_S = 4.0
PORT_RETRY_S = 0.2


class ServeError(OperatorError):
    """The collector cannot listen where it was told to; the message names the setting."""


class _PortTakenError(ServeError):
    """Somebody else listens there."""


Build = Callable[[ApiSettings], wsgi.Service]


def serve(settings: ApiSettings, *, build: Build = wsgi.build) -> NoReturn:
    """Serve what `build` makes in each worker, until told to stop; ends the process.

    Raises ServeError when the address cannot be had.
    """
    clock = SystemClock()
    if settings.auth_required:
        # Here, where it is one clear line, and not in every worker that is forked.
        building.tokens(settings, clock=clock)
    listener = listen(settings, clock=clock)
    host, port = listener.getsockname()[:2]
    structlog.get_logger().info(
        "api_listening",
        url=f"http://{host}:{port}",
        workers=settings.api_workers,
        threads=settings.api_threads,
    )
    _begin_counting(settings)
    _Application(settings, listener, build).run()
    sys.exit(0)


def _begin_counting(settings: ApiSettings) -> None:
    """At nothing, whatever a collector before this one has counted; only one can have the port."""
    try:
        shared_sheets.forget(wsgi.metrics_folder(settings))
    except OSError as error:
        structlog.get_logger().warning("metrics_not_forgotten", reason=str(error))


def listen(settings: ApiSettings, *, clock: Clock) -> socket.socket:
    """The bound socket. Raises ServeError.

    A port that is taken is tried again for `PORT_WAIT_S`: after a kill -9 the workers of the one before
    still finish their requests.
    """
    deadline = clock.monotonic() + PORT_WAIT_S
    while True:
        try:
            return _bind(settings.api_host, settings.api_port)
        except _PortTakenError:
            if clock.monotonic() >= deadline:
                raise
            clock.sleep(PORT_RETRY_S)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except socket.gaierror:
        raise ServeError(f"UGC_API_HOST: {host} is not an address of this machine") from None
    except PermissionError:
        raise ServeError(f"UGC_API_PORT: port {port} may not be used; choose one above 1023") from None
    except OSError as error:
        if error.errno == EADDRINUSE:
            raise _PortTakenError(
                f"UGC_API_PORT: port {port} on {host} is taken by another process; "
                "stop that one or choose another port"
            ) from None
        raise ServeError(f"UGC_API_HOST: cannot listen on {host}: {error.strerror}") from None


class _Application(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's application object: configuration from our settings, the service built in each worker."""

    def __init__(self, settings: ApiSettings, listener: socket.socket, build: Build) -> None:
        self.settings = settings
        self._build = build
        self._listener = listener
        self._service: wsgi.Service | None = None
        super().__init__()

    def load_config(self) -> None:
        settings = self.settings
        options: dict[str, Any] = {
            "bind": f"fd://{self._listener.fileno()}",
            "workers": settings.api_workers,
            "worker_class": PatientWorker,
            "threads": settings.api_threads,
            "worker_connections": max(settings.api_connections_max, settings.api_threads + 1),
            "limit_request_line": REQUEST_LINE_BYTES_MAX,
            # No header says under which path we lie; gunicorn would believe one that comes from this host.
            "forwarder_headers": "",
            "keepalive": settings.api_keep_alive_s,
            "graceful_timeout": -(-settings.api_shutdown_ms // 1000),
            "timeout": WORKER_SILENT_S_MAX,
            "logger_class": _Log,
            "control_socket_disable": True,
            "post_worker_init": _leave_interrupts_to_the_arbiter,
            "worker_exit": self._close,
        }
        for name, value in options.items():
            self.cfg.set(name, value)
        # gunicorn looks some twenty up at every request, each through two calls; attributes need none.
        self.cfg.__dict__.update({name: each.get() for name, each in self.cfg.settings.items()})

    def load(self) -> Any:
        """In the worker, after the fork."""
        self._service = self._build(self.settings)
        return self._service.application

    def run(self) -> None:
        _Arbiter(self).run()

    def _close(self, _: Any, __: Any) -> None:
        if self._service is not None:
            self._service.close()


class _Arbiter(Arbiter):  # type: ignore[misc]
    """Ctrl-C is as gentle as SIGTERM: gunicorn's own would cut running requests off."""

    def handle_int(self) -> None:
        self.handle_term()


def _leave_interrupts_to_the_arbiter(_: Any) -> None:
    """A terminal sends Ctrl-C to every process; the worker waits for the arbiter's SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's own words, in our shape: its chatter is debug, its warnings and errors stay."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg

    def critical(self, msg: str, *args: Any, **_: Any) -> None:
        self._say("error", msg, args)

    def error(self, msg: str, *args: Any, **_: Any) -> None:
        self._say("error", msg, args)

    def warning(self, msg: str, *args: Any, **_: Any) -> None:
        # What follows is the sender's address and his words, and a secret may be among them.
        self._say("warning", msg.partition(" from ip=")[0], args)

    def info(self, msg: str, *args: Any, **_: Any) -> None:
        self._say("debug", msg, args)

    def debug(self, msg: str, *args: Any, **_: Any) -> None:
        """Every connection opened and closed: of no use to an operator."""

    def exception(self, msg: str, *_: Any, **__: Any) -> None:
        # Without its arguments: the address may have a key in it.
        self._say("error", msg.partition(" %")[0], (), exc_info=True)

    def log(self, lvl: int, msg: str, *args: Any, **_: Any) -> None:
        self._say("error" if lvl >= 40 else "warning" if lvl >= 30 else "debug", msg, args)

    def access(self, *_: Any) -> None:
        """Our own line says more."""

    def reopen_files(self) -> None:
        """There are none."""

    def close_on_exec(self) -> None:
        """There are none."""

    @staticmethod
    def _say(level: str, msg: str, args: tuple[Any, ...], **fields: Any) -> None:
        try:
            message = msg % args if args else msg
        except (TypeError, ValueError):
            message = msg
        getattr(structlog.get_logger(), level)("server_said", message=message, **fields)
