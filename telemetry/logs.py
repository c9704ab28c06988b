"""structlog, set up once a process: coloured lines for a person, JSON for a machine.

What every line of a request says (its id, its key) is told once, with `begin` and `also`, and written by all
that is logged in that context.

An event name is a short fact in snake_case (`range_loaded`), everything else is a keyword. One line a
request or a range, never one an event: at 300,000 events/s the log would be the product.
"""

import logging
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Final, Literal, TextIO

import orjson
import structlog

from telemetry.clock import SystemClock

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}

# They speak at every attempt to connect, many a second while a server is away; who asked says it once.
CHATTY = {"urllib3": logging.ERROR, "clickhouse_connect": logging.ERROR, "librdkafka": logging.CRITICAL}

# One variable, where structlog's own has one a field and looks through all there are at every line.
_ABOUT: Final[ContextVar[Mapping[str, Any]]] = ContextVar("ugc.about", default=MappingProxyType({}))


def begin(**about: Any) -> None:
    """From now on every line of this context says `about`, and nothing of what it was told before."""
    _ABOUT.set(about)


def also(**about: Any) -> None:
    """And this besides."""
    _ABOUT.set({**_ABOUT.get(), **about})


def configure(
    *,
    process: str,
    level: str = "info",
    format: Literal["auto", "json", "console"] = "auto",  # noqa: A002 - the setting's own name
    stream: TextIO | None = None,
) -> None:
    """Send structlog and the standard library's loggers to `stream` (standard error) under `process`.

    Never raises on a closed stream: a log line must not end the process that writes it.
    """
    out = stream if stream is not None else sys.stderr
    console = format == "console" or (format == "auto" and out.isatty())
    # A prettier traceback takes 0.7 s of CPU; one with the values of variables shows keys and passwords.
    lines = structlog.dev.ConsoleRenderer(
        colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    tail: list[Any] = (
        [lines]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_to_json)]
    )
    structlog.configure(
        processors=[_complete(process), *tail],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=_Lines(out),
        cache_logger_on_first_use=False,
    )
    handler = _ToStructlog()
    logging.basicConfig(handlers=[handler], level=max(LEVELS[level], logging.WARNING), force=True)
    for name, least in CHATTY.items():
        logging.getLogger(name).setLevel(least)
    logging.captureWarnings(capture=True)


def _complete(process: str) -> Any:
    """What every line says besides its own: in one step, as a request pays for each."""
    now = SystemClock().now

    def add(_: Any, level: str, event: dict[str, Any]) -> dict[str, Any]:
        for name, value in _ABOUT.get().items():
            event.setdefault(name, value)
        event["level"] = level
        event["at"] = now().isoformat().replace("+00:00", "Z")
        event["process"] = process
        return event

    return add


def _to_json(event: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


class _ToStructlog(logging.Handler):
    """Libraries log through the standard library; their lines take the same shape as ours."""

    def emit(self, record: logging.LogRecord) -> None:
        logger = structlog.get_logger()
        level = record.levelname.lower() if record.levelname.lower() in LEVELS else "error"
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        getattr(logger, level)(record.getMessage(), **fields)


class _Lines:
    """Writes a line at a time, whole. A stream that cannot take it (closed pipe, full disk) loses the line,
    not the process."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, *_: Any) -> "_Lines":
        """The logger that structlog asks a factory for: the same for all, as it has no state."""
        return self

    def msg(self, line: str) -> None:
        try:
            # One call, so that lines of several threads do not mix.
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = exception = msg
