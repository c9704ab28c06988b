"""JSON out, by orjson: several times cheaper than the standard library on a thousand verdicts."""

from typing import Any

import orjson
from flask import Response
from flask.json.provider import JSONProvider

JSON = "application/json"


class OrjsonProvider(JSONProvider):
    """What Flask itself uses wherever it reads or writes JSON."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return orjson.loads(s)


def json_response(value: Any, status: int = 200) -> Response:
    """`value` as an application/json answer."""
    return Response(orjson.dumps(value), status, content_type=JSON)
