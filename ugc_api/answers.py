"""JSON out, by orjson: several times cheaper than the standard library on a thousand verdicts."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider
from werkzeug.datastructures import Headers

JSON = "application/json"


class OrjsonProvider(JSONProvider):
    """What Flask itself uses wherever it reads or writes JSON."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)


class Whole(Response):
    """An answer whose headers are right as they are: it has a body, knows its length and sends nobody on."""

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002 - werkzeug's signature
        return self.headers


def json_response(value: Any, status: int = 200) -> Response:
    """`value` as an application/json answer."""
    return Whole(orjson.dumps(value), status, content_type=JSON)
