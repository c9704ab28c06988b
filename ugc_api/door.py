"""Flask, without what this application never uses and would pay for at every request."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface, SessionMixin
from werkzeug.routing import Map, MapAdapter
from werkzeug.sansio.utils import get_host


class Door(Flask):
    """No view here is a coroutine, nobody has a session, there are no blueprints, and nothing is torn down
    with a request: none of it is looked for. Hooks before and after a request run as Flask's do, and routes
    are found as Flask finds them, but a Host that came before is not judged again.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: Flask would ask of every hook and view at every request whether to wrap it."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        # Every address is for every host, and nothing here is a websocket.
        return MapAdapter(
            self.url_map,
            _server_name(request.scheme, environ.get("HTTP_HOST"), request.server),
            request.root_path,
            "",
            request.scheme,
            request.path,
            request.method,
            request.query_string.decode(errors="replace"),
        )

    def preprocess_request(self) -> Any:
        for hook in self.before_request_funcs.get(None, ()):
            answer = hook()
            if answer is not None:
                return answer
        return None

    def process_response(self, response: Response) -> Response:
        # Through the proxy once.
        for hook in request_ctx._get_current_object()._after_request_functions:  # type: ignore[attr-defined]  # noqa: SLF001
            response = hook(response)
        for hook in reversed(self.after_request_funcs.get(None, ())):
            response = hook(response)
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """There is nothing to tear down."""

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        """Here neither."""


# Senders say few hosts; what is refused is refused anew.
@lru_cache(maxsize=256)
def _server_name(scheme: str, host: str | None, server: tuple[str, int | None] | None) -> str:
    """What a redirect is to name, in the form that werkzeug gives it. Raises BadHost."""
    return Map().bind(get_host(scheme, host, server)).server_name


class _NoSessions(SessionInterface):
    """One empty session for all, which refuses to be written to."""

    def __init__(self) -> None:
        self._none = NullSession()

    def open_session(self, *_: Any) -> SessionMixin:
        return self._none

    def is_null_session(self, _: object) -> bool:
        return True

    def save_session(self, *_: Any) -> None:
        """There is nothing to save."""
