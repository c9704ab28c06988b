"""What the ETL says of itself over HTTP: /metrics, /health/live, /health/ready.

Live means that the loop comes round; ready, that the warehouse answers, the broker has given us our
partitions and takes canaries, and messages that wait are being moved. Idle is ready; stalled is not.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from etl.errors import Fatal
from telemetry.clock import Clock
from telemetry.health import Check, run_checks

REQUEST_TIMEOUT_S = 5
JSON = "application/json"

Answer = tuple[int, str, bytes]
Routes = Mapping[str, Callable[[], Answer]]


def health_routes(
    *, registry: CollectorRegistry, live: Mapping[str, Check], ready: Mapping[str, Check], clock: Clock
) -> Routes:
    """The three answers."""

    def judge(checks: Mapping[str, Check]) -> Answer:
        results = run_checks(checks, clock=clock)
        passed = all(result.ready for result in results.values())
        body = {"ready": passed, "checks": {name: asdict(result) for name, result in results.items()}}
        return (200 if passed else 503), JSON, orjson.dumps(body)

    return {
        "/metrics": lambda: (200, CONTENT_TYPE_LATEST, generate_latest(registry)),
        "/health/live": lambda: judge(live),
        "/health/ready": lambda: judge(ready),
    }


class HealthServer:
    """Serves `routes` from a thread of its own, between `start` and `stop`."""

    def __init__(self, host: str, port: int, routes: Routes) -> None:
        """Take the port. Raises Fatal, naming the setting, when it cannot be had."""
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(routes))
        except OSError as error:
            raise Fatal(
                f"cannot listen on {host}:{port} ({error.strerror}); set UGC_ETL_METRICS_PORT to a free port"
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop answering and give the port back."""
        self._server.shutdown()
        self._server.server_close()


def _handler(routes: Routes) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT_S

        def do_GET(self) -> None:
            route = routes.get(self.path.partition("?")[0])
            status, content_type, body = route() if route else _not_found(routes)
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ARG002 - a probe is not news
            return

    return Handler


def _not_found(routes: Routes) -> Answer:
    return 404, JSON, orjson.dumps({"routes": sorted(routes)})
