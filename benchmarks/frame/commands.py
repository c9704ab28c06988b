"""`run`, `list` and `compare`, as a person types them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import get_args

import click
import msgspec

from benchmarks.frame import compare as comparing
from benchmarks.frame import registry, results, show
from benchmarks.frame.baseline import DRIFT_MAX, fixed_work
from benchmarks.frame.figures import Result
from benchmarks.frame.runner import Plan, Runner, exit_code
from benchmarks.frame.session import Bench, Scale
from ops.terminal import console
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError

SEED = 20_261_121


@click.command()
@click.argument("names", metavar="[BENCH]...", nargs=-1, type=click.Choice(list(registry.BENCHES)))
@click.option(
    "--scale",
    type=click.Choice(get_args(Scale)),
    default="standard",
    show_default=True,
    help="quick: 3 minutes, without what takes longer; standard: half an hour; full: hours, 100M rows.",
)
@click.option("--seed", default=SEED, show_default=True, help="What the generated data grows from.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=results.DIRECTORY,
    help="Where the results go.  [default: benchmarks/results]",
)
@click.option(
    "--drift-max",
    type=click.FloatRange(min=0.01),
    default=DRIFT_MAX,
    show_default=True,
    help="How far the baseline may move before a run is refused. More is for trying out: it needs --out.",
)
@console.json_option
def run(  # noqa: PLR0913 - one option each
    *, names: tuple[str, ...], scale: Scale, seed: int, out: Path, drift_max: float, as_json: bool
) -> int:
    """Measure: the benches named, or all of them.

    \b
    Exit codes:
      0   measured, every ratio that gates reached its target
      1   such a ratio missed it, or a bench failed
      2   void: a bench worked on wrong data; nothing of it is written
      3   refused: the machine was not quiet; nothing of it is written
      64  wrong usage
      130 interrupted; everything that was started has been stopped
    """
    if drift_max > DRIFT_MAX and out == results.DIRECTORY:
        raise click.UsageError(
            f"--drift-max above {DRIFT_MAX} gives figures nobody should believe; name another place by --out"
        )
    results.prepare(out)
    clock = SystemClock()
    say = show.teller(console.err(), clock)
    plan = Plan(scale=scale, seed=seed, out=out, drift_max=drift_max)
    runner = Runner(plan, load=registry.load, clock=clock, prepare=fixed_work, say=say)
    with _stop_signals(say):
        outcomes = runner.run(dict.fromkeys(names) or _all_of(scale, say))
    code = exit_code(outcomes)
    if as_json:
        ended = [{"bench": o.bench, "ended": o.ended, "message": o.message} for o in outcomes]
        measured = [o.result for o in outcomes if o.result]
        click.echo(msgspec.json.encode({"exit_code": code, "outcomes": ended, "results": measured}))
        return code
    for outcome in outcomes:
        if outcome.result:
            console.out().print(show.result(outcome.result))
    console.out().print(show.outcomes(outcomes), soft_wrap=True)
    return code


@click.command(name="list")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=results.DIRECTORY,
    help="Where the results lie.  [default: benchmarks/results]",
)
@console.json_option
def list_(out: Path, as_json: bool) -> int:
    """The benches, what each asks, and what its last run took."""
    ran: dict[str, list[Result]] = {}
    for each in results.read_all(out):
        ran.setdefault(each.bench, []).append(each)
    rows = [(name, _bench(name), ran.get(name, [])) for name in registry.BENCHES]
    if as_json:
        console.print_json(
            [
                {
                    "bench": name,
                    "asks": None if isinstance(bench, str) else bench.asks,
                    "missing": bench if isinstance(bench, str) else None,
                    "took_s": {each.scale: each.elapsed_s for each in took},
                }
                for name, bench, took in rows
            ]
        )
    else:
        console.out().print(show.benches(rows))
    return 0


@click.command()
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
@console.json_option
def compare(old: Path, new: Path, as_json: bool) -> int:
    """Hold one result against an earlier one of the same bench, scale and seed.

    Marked is what lies beyond the spread of both runs. Between different machines only ratios are compared.
    """
    found = comparing.compare(results.read(old), results.read(new))
    if as_json:
        click.echo(msgspec.json.encode(found))
    else:
        console.out().print(show.changes(found))
    return 0


def _all_of(scale: Scale, say: Callable[[str], None]) -> list[str]:
    chosen = registry.of_scale(scale)
    if left_out := [name for name in registry.BENCHES if name not in chosen]:
        say(f"left out, as each takes a minute or more: {', '.join(left_out)}; name one to run it")
    return chosen


def _bench(name: str) -> Bench | str:
    """The bench, or why it cannot be loaded."""
    try:
        return registry.load(name)
    except OperatorError as error:
        return str(error)


@contextmanager
def _stop_signals(say: Callable[[str], None]) -> Iterator[None]:
    """Inside, the first Ctrl-C or SIGTERM ends the run, and no further one disturbs the putting away."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(_: int, __: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, lambda *_: say("already stopping"))
        say("stopping what was started")
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
