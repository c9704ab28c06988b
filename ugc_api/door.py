"""Flask, without what this application never uses and would pay for at every request."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface, SessionMixin


class Door(Flask):
    """No view here is a coroutine, nobody has a session, there are no blueprints, and nothing is torn down
    with a request: none of it is looked for. Hooks before and after a request run as Flask's do.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: Flask would ask of every hook and view at every request whether to wrap it."""
        return func

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
