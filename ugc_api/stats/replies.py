"""A reply as a response: JSON with everything it says about itself, or its rows as CSV."""

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson
from flask import Response, request
from werkzeug.datastructures import MIMEAccept

from clickhouse.answers import Freshness
from ugc_api.answers import JSON, json_response
from ugc_api.stats.question import Reply, Row

CSV = "text/csv"
META = "X-Answer-Meta"


def meta(reply: Reply, freshness: Freshness, *, elapsed_ms: float) -> Row:
    """How right, how fresh and how whole the answer is."""
    last = freshness.last_ingested_at
    return {
        "method": reply.method,
        "error_bound": reply.error_bound,
        "freshness": {
            "last_ingested_at": None
            if last is None
            else last.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "lag_seconds": freshness.lag_seconds,
        },
        "complete": reply.complete,
        "elapsed_ms": elapsed_ms,
    }


def response(query: Row, reply: Reply, about: Row) -> Response:
    """What the client asked for by its Accept. CSV has no room beside its rows: META carries the rest."""
    # A charset or a header line asked for is no other type.
    accepted = MIMEAccept([(sent.partition(";")[0].strip(), q) for sent, q in request.accept_mimetypes])
    if accepted.best_match((JSON, CSV), JSON) == CSV:
        answer = Response(_csv(reply.columns, reply.rows), content_type=f"{CSV}; charset=utf-8")
        if isinstance(reply.data, dict):
            about = {**about, **{name: reply.data[name] for name in reply.data if name != "users"}}
        answer.headers[META] = orjson.dumps(about).decode()
    else:
        answer = json_response({"query": query, "data": reply.data, "meta": about})
    answer.vary.add("Accept")
    if reply.next_cursor is not None:
        answer.headers["Link"] = f'<{_address_of_next(reply.next_cursor)}>; rel="next"'
    return answer


def _address_of_next(cursor: str) -> str:
    sent = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    return f"{request.path}?{urlencode([*sent, ('cursor', cursor)])}"


def _csv(columns: Sequence[str], rows: Iterable[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([cell(row[column]) for column in columns] for row in rows)
    return out.getvalue()


def cell(value: Any) -> Any:
    """As JSON has it, where a number that is none is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value).lower() if isinstance(value, bool) else value
