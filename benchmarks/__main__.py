"""`python -m benchmarks`: measure, list, compare. Without a word it runs every bench at scale standard."""

import importlib
import sys

import click

from ops.terminal import console
from telemetry.errors import OperatorError

# name -> where it lives, loaded when it is called: help is instant. Help lists them in this order.
COMMANDS = {
    "run": "benchmarks.frame.commands:run",
    "list": "benchmarks.frame.commands:list_",
    "compare": "benchmarks.frame.commands:compare",
    "report": "benchmarks.report.command:report",
    "capacity": "benchmarks.capacity.show:capacity",
}

EXIT_FAILED = 1
# Not 2, which says that a run was void.
EXIT_USAGE = 64
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
def cli() -> None:
    """Measure the product, in a way that can be run again and believed.

    \b
      python -m benchmarks list                    what there is, and what it takes
      python -m benchmarks run storage             one bench, at scale standard
      python -m benchmarks run --scale quick       small, in 3 minutes
      python -m benchmarks compare OLD.json NEW.json
      python -m benchmarks report                  RESULTS.md, its plots and the README table

    CPU time decides before wall time, ratios inside one run before absolute figures. A run on wrong data is
    void, a run on a machine that is not quiet is refused; neither writes a result.
    """


def main(arguments: list[str]) -> int:
    """Run one command; its exit code. Expected failures are one line, never a traceback."""
    as_json = console.wants_json(arguments)
    try:
        code = cli.main(args=arguments or ["run"], prog_name="python -m benchmarks", standalone_mode=False)
    except OperatorError as error:
        console.fail(error, as_json=as_json)
        return EXIT_FAILED
    except click.exceptions.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        console.fail(error, as_json=as_json)
        return EXIT_USAGE
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
