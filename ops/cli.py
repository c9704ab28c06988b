"""`ugc`: one command for everything an operator does. A command loads when it is called: help is instant."""

import importlib
import os
import sys
from contextlib import suppress
from typing import Any

import click

from ops.config.known import refuse_unknown
from ops.terminal import console
from telemetry.errors import OperatorError

# name -> where it lives. Help lists them in this order.
COMMANDS = {
    "up": "ops.stack.up:up",
    "api": "ops.stack.serve:api",
    "etl": "ops.stack.serve:etl",
    "migrate": "ops.upkeep.migrate:migrate",
    "send": "ops.sending.send:send",
    "generate": "ops.generating.generate:generate",
    "demo": "ops.stack.demo:demo",
    "keys": "ops.config.keys:keys",
    "settings": "ops.config.settings:settings",
    "dlq": "ops.dlq.dlq:dlq",
    "query": "ops.asking.query:query",
    "sql": "ops.asking.sql:sql",
    "export": "ops.asking.export:export",
    "audit": "ops.auditing.audit:audit",
    "rollup": "ops.upkeep.rollup:rollup",
    "janitor": "ops.upkeep.janitor:janitor",
    "doctor": "ops.stack.doctor:doctor",
}

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ugc", prog_name="ugc")
def cli() -> None:
    """Event analytics: events in over HTTP, through Kafka, deduplicated into ClickHouse.

    \b
    Start here:
      ugc up        the whole stack on this machine
      ugc send      send it an event
      ugc doctor    ask it how it is

    Settings come from the environment, .env and the defaults; `ugc settings` lists them.
    Exit codes: 0 done, 1 failed (the message says what to do), 2 wrong usage, 130 interrupted.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; expected failures are one line, never a traceback."""
    as_json = console.wants_json(arguments)
    try:
        code = _run(arguments, as_json=as_json)
        # Here, not at the exit, where a disk that is full would be told in Python's words.
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output left (`ugc settings | head`): there is nobody to tell.
        _give_up_output()
        return EXIT_FAILED
    except OSError as error:
        _give_up_output()
        _say_on_stderr(error)
        return EXIT_FAILED
    return code


def _run(arguments: list[str], *, as_json: bool) -> int:
    try:
        if not _asks_for_help(arguments):
            _quiet_libraries()
            # `ugc settings` is where one looks for what is wrong: it says so itself, beside everything else.
            if arguments[0] != "settings":
                refuse_unknown()
        result: Any = cli.main(args=arguments, prog_name="ugc", standalone_mode=False)
    except OperatorError as error:
        console.fail(error, as_json=as_json)
        return EXIT_FAILED
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        console.fail(error, as_json=as_json)
        return EXIT_USAGE
    return result if isinstance(result, int) else 0


def _asks_for_help(arguments: list[str]) -> bool:
    return not arguments or not {"-h", "--help", "--version"}.isdisjoint(arguments)


def _quiet_libraries() -> None:
    """A command says itself what went wrong; those that serve configure their log anew."""
    from telemetry import logs  # noqa: PLC0415 - help is instant

    logs.configure(process="ugc", level="error")


def _give_up_output() -> None:
    """What standard output does not take is dropped, or the exit would try again and complain."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _say_on_stderr(error: OSError) -> None:
    where = f"{error.filename}: " if error.filename else ""
    with suppress(OSError):
        console.complain(f"{where}{error.strerror or error}")
