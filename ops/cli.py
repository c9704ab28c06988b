"""`ugc`: one command for everything an operator does. A command loads when it is called: help is instant."""

import importlib
import sys
from typing import Any

import click

from ops import console
from ops.known_settings import refuse_unknown
from telemetry.errors import OperatorError

# name -> where it lives. Help lists them in this order.
COMMANDS = {
    "up": "ops.up:up",
    "api": "ops.serve:api",
    "etl": "ops.serve:etl",
    "migrate": "ops.migrate:migrate",
    "send": "ops.send:send",
    "settings": "ops.show_settings:settings",
    "doctor": "ops.doctor:doctor",
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
    """Event analytics: events in over HTTP, through Kafka, into ClickHouse exactly once.

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
        refuse_unknown()
        result: Any = cli.main(args=arguments, prog_name="ugc", standalone_mode=False)
    except OperatorError as error:
        console.fail(error, as_json=as_json)
        return EXIT_FAILED
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return EXIT_USAGE
    except BrokenPipeError:
        # The reader of our output left (`ugc settings | head`): there is nobody to tell.
        sys.stderr.close()
        return EXIT_FAILED
    return result if isinstance(result, int) else 0
