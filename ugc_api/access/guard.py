"""The gate in front of every route that needs a scope. One table says which those are: none is forgotten."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from flask.globals import app_ctx, request_ctx

from ugc_api.access.gate import Gate
from ugc_api.access.scopes import NEEDS, Scope
from ugc_api.caller import Caller

View = Callable[..., Any]


def install(app: Flask, gate: Gate) -> None:
    """Guard the routes of `app`; after all of them are on it. Raises LookupError for one not in the table."""
    for endpoint, view in list(app.view_functions.items()):
        if endpoint not in NEEDS:
            raise LookupError(f"nothing says who may use the route {endpoint}")
        scope = NEEDS[endpoint]
        if scope is not None:
            app.view_functions[endpoint] = _guarded(view, scope, gate)


def caller() -> Caller:
    """Who sends the request that is being served."""
    found: Caller = app_ctx.g.caller
    return found


def _guarded(view: View, scope: Scope, gate: Gate) -> View:
    def guarded(**parts: Any) -> Any:
        app_ctx.g.caller = gate.admit(request_ctx.request, scope)
        return view(**parts)

    return guarded
