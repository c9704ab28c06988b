"""What `ugc dlq retry` and `ugc dlq discard` share: choose, ask, do, tell."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import click
from rich.markup import escape

from etl.letters import StoredLetter
from ops.dlq.box import DeadBox, Done, Progress
from ops.dlq.index import Index, Rows
from ops.dlq.options import Filters
from ops.dlq.reading import opened, require_all
from ops.terminal import console
from ops.terminal.progress import progress_bar
from telemetry.clock import SystemClock

Verb = Literal["retry", "discard"]
Doing = Callable[[DeadBox, Iterator[StoredLetter], Progress], Done]

ASKED: Mapping[Verb, str] = {
    "retry": "Send {} again into the topic events?",
    "discard": "Discard {}?",
}
DONE: Mapping[Verb, str] = {"retry": "sent again", "discard": "discarded"}


def settle(verb: Verb, doing: Doing, options: Mapping[str, Any]) -> int:
    """Do it with the letters that `options` name; the exit code: 1 when one of them was left."""
    filters = Filters(options["reasons"], options["partition"], options["since"])
    ids, every, as_json = options["ids"], options["every"], options["as_json"]
    if sum((bool(ids), filters.any(), every)) != 1:
        raise click.UsageError(
            "say which: either ids, or --reason, --partition, --since, or --all for every open letter"
        )
    # Named one by one, a letter that was settled is still what was meant.
    wanted = filters.wanted(ids, settled=bool(ids), clock=SystemClock())
    box, index = opened(hidden=as_json)
    rows = index.find(wanted)
    require_all(ids, index, rows)
    rows = (_once_each(index, rows) if ids else rows)[: options["limit"]]
    by_reason = {each.reason: each.letters for each in index.by_reason(rows)}
    if options["dry_run"] or not by_reason:
        _tell(verb, by_reason, None, as_json=as_json)
        return 0
    if not options["yes"] and asked():
        _ask(verb, by_reason)
    with progress_bar(f"{verb}: letters", len(rows), hidden=as_json) as advance:
        done = doing(box, (letter for letter, _ in box.letters(index, rows)), advance)
    _tell(verb, by_reason, done, as_json=as_json)
    return 1 if done.left else 0


def _once_each(index: Index, rows: Rows) -> Rows:
    """The last row of each letter: one that was settled and written anew has two."""
    last = {index.origin(int(row)): place for place, row in enumerate(rows)}
    return rows[sorted(last.values())]


def asked() -> bool:
    """Whether there is somebody to ask; where there is not, the command is the answer."""
    return console.is_terminal() and sys.stdin.isatty()


def _ask(verb: Verb, by_reason: Mapping[str, int]) -> None:
    """Go on only if the person agrees."""
    console.err().print(_in_words(by_reason))
    click.confirm(ASKED[verb].format(_letters(sum(by_reason.values()))), abort=True, err=True)


def _tell(verb: Verb, by_reason: Mapping[str, int], done: Done | None, *, as_json: bool) -> None:
    """What was done, or, without `done`, what would be."""
    chosen = sum(by_reason.values())
    if as_json:
        outcome = {"dry_run": done is None and bool(chosen), "chosen": chosen, "reasons": dict(by_reason)}
        settled, left = (done.settled, done.left) if done else (0, {})
        console.print_json({**outcome, DONE[verb].replace(" ", "_"): settled, "left": left})
        return
    out = console.out()
    if not chosen:
        out.print("no open letter matches: nothing to do")
    elif done is None:
        out.print(f"{_letters(chosen)} would be {DONE[verb]}: {_in_words(by_reason)}", soft_wrap=True)
    else:
        out.print(f"[green]{_letters(done.settled)} {DONE[verb]}[/] ({_in_words(by_reason)})", soft_wrap=True)
        for why, letters in done.left.items():
            out.print(f"[yellow]{_letters(letters)} left as they are[/]: {escape(why)}", soft_wrap=True)
        if verb == "retry" and done.settled:
            out.print("[dim]one that dies again gets a new letter: `ugc dlq list`[/]")


def _in_words(by_reason: Mapping[str, int]) -> str:
    return ", ".join(f"{letters:,} {escape(console.plain(reason))}" for reason, letters in by_reason.items())


def _letters(count: int) -> str:
    return f"{count:,} letter{'' if count == 1 else 's'}"
