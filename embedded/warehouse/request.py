"""One HTTP request as a ClickHouse client means it: who asks, what, under which settings, with which body."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser
from werkzeug.http import parse_options_header

from embedded.warehouse.body import Joined, KnownLength, Limited, Source, decompressed
from embedded.warehouse.errors import Refused, bad_request
from embedded.warehouse.limits import Limits

# Names in the query string that are the interface's own; everything else there is a setting.
_RESERVED = frozenset(
    {
        *("query", "database", "user", "password", "quota_key", "query_id", "default_format", "role"),
        *("session_id", "session_timeout", "session_check", "close_session", "client_protocol_version"),
        *("buffer_size", "wait_end_of_query", "compress", "decompress", "stacktrace"),
    }
)
# A ClickHouse server's http_max_field_value_size: kept, or what works here would fail there.
_FIELD_BYTES_MAX = 128 * 1024
_METHODS = {"GET": True, "HEAD": True, "POST": False}


@dataclass(frozen=True, slots=True)
class Head:
    """Request line and headers, as any HTTP server would hand them over. Header names are lower case."""

    method: str
    path: str
    query_string: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `body` begins with the `query` parameter, if there was one."""

    body: Source
    reads_only: bool
    parameters: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    database: str = ""
    default_format: str = ""
    encodings: tuple[str, ...] = ()
    has_query_parameter: bool = False

    def flag(self, name: str) -> bool:
        """An option of the interface that is on or off."""
        return self.options.get(name, "") in {"1", "true"}


def read(head: Head, raw_body: Source, limits: Limits) -> Request:
    """What `head` and body ask for. Raises Refused when the request contradicts itself."""
    if head.method not in _METHODS:
        raise Refused(48, "NOT_IMPLEMENTED", f"HTTP method {head.method[:20]} is not supported.")
    given = dict(parse_qsl(head.query_string, keep_blank_values=True, errors="surrogateescape"))
    encoding = head.headers.get("content-encoding", "").strip().lower()
    plain = decompressed(raw_body, encoding, piece_bytes=limits.read_piece_bytes)
    body: Source = Limited(plain, limits.insert_bytes_max)
    content_type, about = parse_options_header(head.headers.get("content-type", ""))
    if content_type == "multipart/form-data":
        given |= _form(body, about, limits)
        body = _nothing()
    if given.get("role"):
        raise Refused(511, "UNKNOWN_ROLE", "There are four users and no roles; sign in as another user.")
    if {"1", "true"} & {given.get("compress"), given.get("decompress")}:
        raise Refused(
            48,
            "NOT_IMPLEMENTED",
            "ClickHouse's own block compression (compress=1, decompress=1) is not spoken here; use "
            "Accept-Encoding and Content-Encoding, or switch it off (JDBC: compress=false).",
        )
    query = given.get("query", "").encode("utf-8", "surrogateescape")
    return Request(
        body=_joined(query, body),
        reads_only=_METHODS[head.method],
        parameters={name[6:]: _text(value) for name, value in given.items() if name.startswith("param_")},
        settings={name: _text(value) for name, value in given.items() if _is_setting(name)},
        options={name: value for name, value in given.items() if name in _RESERVED},
        database=_text(given.get("database") or head.headers.get("x-clickhouse-database", "")),
        default_format=_text(given.get("default_format") or head.headers.get("x-clickhouse-format", "")),
        encodings=_accepted(head.headers.get("accept-encoding", "")),
        has_query_parameter=bool(query),
    )


def _is_setting(name: str) -> bool:
    return bool(name) and name not in _RESERVED and not name.startswith("param_")


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise bad_request("A parameter of the request is not UTF-8.") from None
    return value


def credentials(head: Head) -> tuple[str, str]:
    """User and password, given in one way of three; mixing them is an error, as on a ClickHouse server."""
    headers = head.headers
    given = dict(parse_qsl(head.query_string, keep_blank_values=True, errors="surrogateescape"))
    own = "x-clickhouse-user" in headers or "x-clickhouse-key" in headers
    basic = headers.get("authorization", "")
    in_url = "user" in given or "password" in given
    if own + bool(basic) + in_url > 1:
        raise _not_let_in("it is not allowed to use two ways of authentication at once")
    if own:
        return _utf8(headers.get("x-clickhouse-user", "")), _utf8(headers.get("x-clickhouse-key", ""))
    if not basic:
        return given.get("user", "default"), given.get("password", "")
    scheme, _, encoded = basic.partition(" ")
    if scheme.lower() != "basic":
        raise _not_let_in(f"the scheme {scheme[:20]} is not supported, use Basic")
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _not_let_in("the Authorization header is not Basic credentials") from None
    return user, password


def _utf8(header: str) -> str:
    """A header that holds UTF-8, as browsers and curl send it; HTTP itself reads Latin-1."""
    return header.encode("latin-1", "replace").decode("utf-8", "replace")


def _not_let_in(why: str) -> Refused:
    return Refused(516, "AUTHENTICATION_FAILED", f"Invalid authentication: {why}.")


def _form(body: Source, about: Mapping[str, str], limits: Limits) -> dict[str, str]:
    parser = FormDataParser(
        stream_factory=_no_files,
        max_form_memory_size=limits.form_bytes_max,
        max_content_length=limits.form_bytes_max,
        max_form_parts=10_000,
        silent=False,
    )
    try:
        whole = Limited(body, limits.form_bytes_max)
        _, fields, _ = parser.parse(whole, "multipart/form-data", None, dict(about))  # type: ignore[arg-type]
    except HTTPException:
        raise Refused(307, "TOO_MANY_BYTES", "The form is larger than this server takes.") from None
    except ValueError as error:
        raise bad_request(f"The form cannot be read: {error}.") from None
    for name, value in fields.items():
        if len(value.encode("utf-8", "surrogateescape")) > _FIELD_BYTES_MAX:
            raise Refused(1000, "POCO_EXCEPTION", f"HTML Form Exception: Field value too long: {name[:80]}.")
    return dict(fields.items())


def _no_files(*_: Any, **__: Any) -> NoReturn:
    """Before the first byte of one is kept anywhere."""
    raise Refused(
        48, "NOT_IMPLEMENTED", "External data tables are not supported; insert into a table instead."
    )


def _joined(query: bytes, body: Source) -> Source:
    """A `query` parameter and a body are one text, with a line break between."""
    return Joined(query + b"\n", body) if query else body


def _nothing() -> Source:
    return KnownLength(_EmptyWire(), 0)


class _EmptyWire:
    def read(self, size: int) -> bytes:  # noqa: ARG002
        return b""

    def readline(self, size: int) -> bytes:  # noqa: ARG002
        return b""


def _accepted(header: str) -> tuple[str, ...]:
    accepted = []
    for part in header.lower().split(","):
        name, _, quality = part.strip().partition(";")
        if name and quality.strip().replace(" ", "") not in {"q=0", "q=0.0"}:
            accepted.append(name.strip())
    return tuple(accepted)
