"""`ugc generate`: events of people with habits, out of a seed; into a file, to standard output, or sent."""

import contextlib
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import click
from rich.markup import escape
from rich.progress import Progress

from contract.limits import EVENTS_PER_REQUEST_MAX
from contract.wire import instant
from ops.generating.plan import COPIES_SHARE, COPIES_SHARE_MAX, DAYS_MAX, EVENTS_MAX, HOUR_MS, USERS_MAX, Plan
from ops.generating.writing import CSV_HEADER, Chunk
from ops.generating.writing import generate as generated
from ops.sending.credential import credential, key_option, write_key_option
from ops.sending.door import COUNTS, Door, is_address
from ops.sending.totals import Totals
from ops.terminal import console
from ops.terminal.whole_files import binary_file
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import Settings, load

# More would be no person.
EVENTS_A_USER_A_DAY_MAX = 10_000
# With fewer, most come once and do one thing: nobody would come back.
EVENTS_A_USER = 10
USERS_DEFAULT_MAX = 10_000
# As other commands call it.
STANDARD_OUTPUT = Path("-")
# What the warehouse can store.
YEARS = (1971, 2099)


class GenerateFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The events could not be written, or were refused; the message says what to do."""


@dataclass(slots=True)
class Made:
    """What came out; `sent` only where it was."""

    events: int = 0
    different: int = 0
    users: int = 0
    begins_at: str = ""
    ends_at: str = ""
    seed: int = 0
    elapsed_s: float = 0.0
    sent: Totals | None = None

    @property
    def rejected(self) -> int:
        return self.sent.rejected if self.sent else 0

    def document(self) -> dict[str, Any]:
        """For scripts."""
        made = asdict(self)
        del made["sent"]
        return {**made, **(self.sent.document() if self.sent else {})}


@click.command()
@click.option("--events", type=click.IntRange(1, EVENTS_MAX), default=100_000, show_default=True)
@click.option(
    "--users",
    type=click.IntRange(1, USERS_MAX),
    help=f"Default: one for {EVENTS_A_USER} events, {USERS_DEFAULT_MAX:,} at most.",
)
@click.option(
    "--days",
    type=click.IntRange(1, DAYS_MAX),
    default=DAYS_MAX,
    show_default=True,
    help="How far they reach back. A month begins some hours later, so that all of it can still be sent.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--until", help="Where they end, ISO-8601 with an offset. Default: the hour that has begun.")
@click.option(
    "--copies",
    type=click.FloatRange(0, COPIES_SHARE_MAX),
    default=COPIES_SHARE,
    show_default=True,
    help="Which share of the events is an earlier one again.",
)
@click.option("--format", "as_", type=click.Choice(["ndjson", "csv"]), help="Default: by the name of --out.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file. Default: stdout, which is - too."
)
@click.option("--send", is_flag=True, help="Send them to the collector instead of writing them.")
@click.option("--url", help="The collector. Default: this machine's, on UGC_API_PORT.")
@key_option
@write_key_option
@console.json_option
def generate(**options: Any) -> int:
    """Make up events of people who come daily, at weekends, come back, lose interest, or never return.

    \b
      ugc generate --events 1000000 --users 30000 --days 30 --seed 1 --out month.csv
      ugc generate --events 5000 --days 7 --send

    The same options and the same --until make the same bytes. A collector takes UGC_RATE_LIMIT_PER_MINUTE
    events of one address; what is sent keeps to it. Exit code 1 when an event was rejected.
    """
    clock = SystemClock()
    if options["out"] == STANDARD_OUTPUT:
        options["out"] = None
    plan = _plan(options, clock)
    headers = credential(options["key"], options["write_key"])
    made = Made(users=plan.users, seed=plan.seed)
    made.begins_at, made.ends_at = instant(plan.begins_at_ms), instant(plan.ends_at_ms)
    began = clock.monotonic()
    with _progress(plan, hidden=options["as_json"]) as advance:
        if options["send"]:
            url = options["url"] or f"http://127.0.0.1:{load(Settings).api_port}"
            where = url.rstrip("/") + "/events"
            send_all(generated(plan), Door(url=where, clock=clock, headers=headers), made, advance)
        else:
            where = str(options["out"] or "standard output")
            _write(generated(plan), options, made, advance)
    made.elapsed_s = round(clock.monotonic() - began, 2)
    _tell(made, where, as_json=options["as_json"])
    return 1 if made.rejected else 0


def send_all(
    chunks: Iterator[Chunk],
    door: Door,
    made: Made,
    advance: Callable[[int], None],
    *,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Send them in the order in which they arrive, until `stopping()`. Raises SendFailed."""
    made.sent = made.sent or Totals()
    for chunk in chunks:
        lines = chunk.json_lines()
        for first in range(0, len(lines), EVENTS_PER_REQUEST_MAX):
            if stopping():
                return
            batch = lines[first : first + EVENTS_PER_REQUEST_MAX]
            made.sent.add(door.post(batch))
            advance(len(batch))
        _count(chunk, made)


def _plan(options: dict[str, Any], clock: Clock) -> Plan:
    """What is asked for. Raises click.UsageError for what click's types cannot say."""
    if options["send"] and (options["out"] or options["as_"]):
        raise click.UsageError("--send writes no file: leave out --out and --format")
    if options["url"] is not None and not (options["send"] and is_address(options["url"])):
        raise click.UsageError("--url names the collector for --send, like http://127.0.0.1:9001")
    if (options["key"] or options["write_key"]) and not options["send"]:
        raise click.UsageError("--key and --write-key are for the collector: add --send, or leave them out")
    if options["as_json"] and not (options["send"] or options["out"]):
        raise click.UsageError(
            "standard output can hold the events or what --json says: name a file with --out"
        )
    if math.isnan(options["copies"]):
        raise click.UsageError("--copies: nan is no share; take one from 0 on")
    users = options["users"] or min(USERS_DEFAULT_MAX, math.ceil(options["events"] / EVENTS_A_USER))
    most = users * options["days"] * EVENTS_A_USER_A_DAY_MAX
    if options["events"] > most:
        raise click.UsageError(
            f"--events: so few users on so few days do at most {most:,} "
            f"({EVENTS_A_USER_A_DAY_MAX:,} each a day); take more --users or --days"
        )
    return Plan(
        events=options["events"],
        users=users,
        days=options["days"],
        seed=options["seed"],
        ends_at_ms=_until_ms(options["until"], clock),
        copies_share=options["copies"],
    )


def _until_ms(text: str | None, clock: Clock) -> int:
    if text is None:
        return int(clock.now().timestamp() * 1000) // HOUR_MS * HOUR_MS
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or not YEARS[0] <= at.year <= YEARS[1]:
        raise click.BadParameter(
            f"{text!r} is not a time with an offset, like 2026-01-15T12:00:00Z", param_hint="'--until'"
        )
    return int(at.timestamp() * 1000)


def _write(
    chunks: Iterator[Chunk], options: dict[str, Any], made: Made, advance: Callable[[int], None]
) -> None:
    file: Path | None = options["out"]
    is_csv = (options["as_"] or ("csv" if file and file.suffix == ".csv" else "ndjson")) == "csv"
    with _opened(file) as out:
        out.write(CSV_HEADER if is_csv else b"")
        for chunk in chunks:
            out.write(b"\n".join(chunk.csv_lines() if is_csv else chunk.json_lines()) + b"\n")
            _count(chunk, made)
            advance(len(chunk))


@contextlib.contextmanager
def _opened(file: Path | None) -> Iterator[IO[bytes]]:
    """Where they go. A file has its name when it is whole; what was there before stays until then."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with binary_file(file) as out:
            yield out
    except OSError as error:
        raise GenerateFailed(f"cannot write {file}: {error.strerror or error}; name another --out") from None


def _count(chunk: Chunk, made: Made) -> None:
    made.events += len(chunk)
    made.different += int((~chunk.columns.is_copy).sum())


@contextlib.contextmanager
def _progress(plan: Plan, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    shown = not hidden and console.is_terminal()
    with Progress(console=console.err(), transient=True, disable=not shown) as progress:
        task = progress.add_task("events", total=plan.events)
        yield lambda count: progress.advance(task, count)


def _tell(made: Made, where: str, *, as_json: bool) -> None:
    if as_json:
        console.print_json(made.document())
        return
    console.err().print(
        f"[green]{made.events:,} events[/], {made.events - made.different:,} of them copies, of "
        f"{made.users:,} users from {made.begins_at[:16]} to {made.ends_at[:16]} UTC "
        f"[dim]in {made.elapsed_s} s: {escape(where)}[/]",
        soft_wrap=True,
    )
    if made.sent is not None:
        accepted, duplicates, rejected = (made.sent.counts[name] for name in COUNTS)
        console.err().print(f"  {accepted:,} accepted, {duplicates:,} duplicates, {rejected:,} rejected")
        made.sent.show_refused(on_stderr=True)
