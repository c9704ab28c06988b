"""Flask, without what this application never uses and would pay for at every request."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.sessions import NullSession, SessionInterface, SessionMixin


class Door(Flask):
    """No view here is a coroutine and nobody has a session, so neither is looked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name, static_folder=None)
        self.session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """The function itself: Flask would ask of every hook and view at every request whether to wrap it."""
        return func


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
