"""JSON out, by orjson: several times cheaper than the standard library on a thousand verdicts."""

from collections.abc import Iterable
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


class Whole(Response):
    """An answer that is right as it is: it has a body in one piece, knows its length, sends nobody on, and
    nobody waits for its end."""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()


def json_response(value: Any, status: int = 200) -> Response:
    """`value` as an application/json answer."""
    return Whole(orjson.dumps(value), status, content_type=JSON)
