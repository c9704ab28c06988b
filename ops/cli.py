"""`ugc`: one command for everything an operator does. A command loads when it is called: help is instant."""

import errno
import importlib
import os
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, NamedTuple

import click

from ops.terminal import console
from ops.terminal.surroundings import open_closed_streams, take_the_way_out_of_ctrl_c
from telemetry.errors import OperatorError


class Entry(NamedTuple):
    """A line of the table of contents: the module that has the command, and what it is for."""

    module: str
    summary: str


# The table of contents. Help lists it in this order, and loads none of it.
COMMANDS = {
    "up": Entry("stack.up", "Run the whole stack on this machine."),
    "api": Entry("stack.serve", "Serve the collector and the stats API."),
    "etl": Entry("stack.serve", "Move events from the log into the warehouse."),
    "migrate": Entry("upkeep.migrate", "Create the topics, bring the schema up to date."),
    "send": Entry("sending.send", "Send an event, or those of a file."),
    "generate": Entry("generating.generate", "Make up events of people with habits."),
    "demo": Entry("stack.demo", "Run it all with a month of history and live traffic."),
    "keys": Entry("config.keys", "Make, list and revoke the keys of senders and readers."),
    "settings": Entry("config.settings", "Show every setting and its value."),
    "dlq": Entry("dlq.dlq", "Look after the dead letters."),
    "query": Entry("asking.query", "Ask one of the product's questions."),
    "sql": Entry("asking.sql", "Ask in SQL, as a user who only reads."),
    "export": Entry("asking.export", "Write the events of a day to a file."),
    "audit": Entry("auditing.audit", "Prove that nothing was lost or counted twice."),
    "rollup": Entry("upkeep.rollup", "Make a day of the aggregates anew."),
    "janitor": Entry("upkeep.janitor", "Drop what is older than it should be."),
    "doctor": Entry("stack.doctor", "Check this machine and the running stack."),
}

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"ops.{COMMANDS[cmd_name].module}")
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


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
    open_closed_streams()
    take_the_way_out_of_ctrl_c()
    reach_this_machine_directly(os.environ)
    # numpy starts a thread for every processor, and they spin: 0.1 s of CPU for each process, and nothing of
    # ours multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
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
                _refuse_unknown_settings()
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


def reach_this_machine_directly(environment: MutableMapping[str, str]) -> None:
    """A proxy has no business between this machine and itself: for us, and for every process we start."""
    if not any(environment.get(name) for name in PROXIES):
        return
    told = environment.get("no_proxy") or environment.get("NO_PROXY", "")
    if told == "*":
        return
    missing = [name for name in THIS_MACHINE if name not in told.split(",")]
    environment["no_proxy"] = ",".join(filter(None, [told, *missing]))


def _refuse_unknown_settings() -> None:
    from ops.config.known import refuse_unknown  # noqa: PLC0415 - help is instant

    refuse_unknown()


def _quiet_libraries() -> None:
    """A command says itself what went wrong; those that serve configure their log anew."""
    from telemetry import logs  # noqa: PLC0415 - as above

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
    what = f"{where}{error.strerror or error}"
    if error.errno == errno.EBADF and not where:
        what = "standard output is closed; let it go somewhere, such as > FILE"
    with suppress(OSError):
        console.complain(what)
