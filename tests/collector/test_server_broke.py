"""When the server itself breaks: an answer, and a line in the log that blames no request."""

import io
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from telemetry import logs
from ugc_api.server.worker import PatientWorker


class Client:
    """What a thread has in place of a socket."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        self.data += data


def test_it_does_not_speak_of_the_request_that_the_thread_had_before(make_api: Callable[..., Any]) -> None:
    lines, client = io.StringIO(), Client()
    logs.configure(process="api", format="json", stream=lines)
    logs.begin(request_id="of another")
    worker = SimpleNamespace(wsgi=make_api().client.application)
    PatientWorker.handle_error(worker, None, client, None, RuntimeError("a bug"))
    assert client.data.startswith(b"HTTP/1.1 500 "), client.data[:200]
    assert b'"code":"internal' in client.data
    assert b"a bug" not in client.data
    (told,) = [json.loads(line) for line in lines.getvalue().splitlines() if "server_broke" in line]
    assert told.get("request_id") is None
