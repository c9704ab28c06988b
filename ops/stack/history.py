"""A month of made-up history, sent by the way of every event, once.

What was sent is noted: a run that was interrupted, however it ended, is followed by one that sends the same
events again, of which nothing is counted twice.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from rich.progress import Progress

from contract.limits import DAY_MS
from ops.generating.generate import Made, send_all
from ops.generating.plan import Plan
from ops.generating.writing import Chunk, generate
from ops.sending.door import Door
from ops.sending.totals import Totals
from ops.stack.running import ASK_EVERY_S, Running, StackFailed, parsed
from ops.terminal import console
from ops.terminal.stopping import Waking
from ops.terminal.whole_files import text_file

COUNTED_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class Noted:
    """What of the history this data directory holds: the plan it is made by, and whether all was sent."""

    plan: Plan
    sent: bool

    @classmethod
    def read(cls, file: Path) -> "Noted | None":
        """What was noted last; None when nothing was. Raises StackFailed for what is no note."""
        if not file.is_file():
            return None
        begun = parsed(file.read_text(encoding="utf-8"))
        try:
            return cls(Plan(**begun["plan"]), bool(begun["sent"]))
        except (KeyError, TypeError):
            raise StackFailed(
                f"{file} does not say which history was begun here, and another would be counted beside it; "
                "begin with a new UGC_DATA_DIR"
            ) from None

    def write(self, file: Path) -> None:
        """Note it, whole or not at all: half a note would be another month beside the first."""
        with text_file(file) as out:
            out.write(json.dumps({"plan": asdict(self.plan), "sent": self.sent}))


def fill(plan: Plan, state: Path, door: Door, stack: Running, clock: Waking) -> bool:
    """Have the month in the stack; whether all of it was sent, which it was not when somebody asked to stop.

    Returns when the stats API counts it. Raises SendFailed, StackFailed, and Stopped out of a wait.
    """
    begun = Noted.read(state)
    if begun and begun.sent:
        console.err().print("[dim]the month of history is there already[/]")
        return True
    if begun:
        plan = begun.plan
        console.err().print(
            "the last run was interrupted in its month of history: sending the same events again, "
            "those that are there count once",
            soft_wrap=True,
        )
    Noted(plan, sent=False).write(state)
    watched, made = _Watched(plan), Made()
    with Progress(console=console.err(), transient=True, disable=not console.is_terminal()) as progress:
        task = progress.add_task("a month of history", total=plan.events)
        send_all(
            watched.passing(generate(plan)),
            door,
            made,
            lambda count: progress.advance(task, count),
            stopping=clock.stopping,
        )
    if clock.stopping():
        return False
    Noted(plan, sent=True).write(state)
    _tell(plan, made)
    if not made.rejected:
        _until_counted(watched, stack, clock)
    return True


def _tell(plan: Plan, made: Made) -> None:
    counts = (made.sent or Totals()).counts
    console.err().print(
        f"a month of history: {counts['accepted']:,} events of {plan.users:,} people, and "
        f"{counts['duplicates']:,} sent twice, counted once",
        soft_wrap=True,
    )
    if made.rejected:
        console.err().print(
            f"[yellow]{made.rejected:,} were refused[/]: this month began too long ago to be sent by now; "
            "with a new UGC_DATA_DIR `ugc demo` begins another",
            soft_wrap=True,
        )


def _until_counted(watched: "_Watched", stack: Running, clock: Waking) -> None:
    """Every whole day has the users that it was given; more, where others were there too."""
    expected = watched.users()
    last, deadline = max(expected), clock.monotonic() + COUNTED_WITHIN_S
    while True:
        found = stack.users(min(expected), last)
        if all(found.get(day, 0) >= users for day, users in expected.items()):
            break
        stack.require_alive()
        if clock.monotonic() > deadline:
            console.err().print("[yellow]the ETL is still busy with it[/]; `ugc doctor` says how far it is")
            return
        clock.sleep(ASK_EVERY_S)
    console.err().print(
        f"[green]{expected[last]:,} users on {last}[/], as generated, and so every day before"
    )


class _Watched:
    """Looks at events as they go by: who came on each whole day is known before the warehouse is asked."""

    def __init__(self, plan: Plan) -> None:
        self._begins = plan.begins_at_ms // DAY_MS
        self._days = plan.ends_at_ms // DAY_MS - self._begins
        self._seen = np.zeros((self._days + 1, plan.users), np.bool_)

    def passing(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self._seen[chunk.columns.at_ms // DAY_MS - self._begins, chunk.columns.user] = True
            yield chunk

    def users(self) -> dict[date, int]:
        """By day of UTC, all but the one that is not over."""
        first = date(1970, 1, 1) + timedelta(days=self._begins)
        counts = self._seen.sum(axis=1).tolist()[: self._days]
        return {first + timedelta(days=number): count for number, count in enumerate(counts)}
