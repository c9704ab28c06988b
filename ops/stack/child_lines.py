"""How a log line of a child looks on the terminal of `ugc up`: who, what, the facts, a colour a level."""

import json
from collections.abc import Callable
from typing import Any

from ops.terminal import console

STYLES = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "bold red"}
SHOWN_BY_DEFAULT = ("warning", "error", "critical")
NOT_FACTS = ("level", "event", "process", "at")


def shower(*, verbose: bool) -> Callable[[str, str], None]:
    """A function that shows one line of one child: warnings and worse, or everything when `verbose`."""
    terminal = console.err()
    # In a file, this process's own lines are JSON; the children's stay what they are beside them.
    as_they_are = not terminal.is_terminal

    def show(child: str, line: str) -> None:
        entry = _parsed(line)
        if entry is None:
            if verbose and line:
                terminal.print(f"{child:>9}  {line}", style="dim", markup=False)
            return
        level = str(entry.get("level", "info"))
        if verbose or level in SHOWN_BY_DEFAULT:
            facts = " ".join(f"{k}={v}" for k, v in entry.items() if k not in NOT_FACTS)
            text = line if as_they_are else f"{child:>9}  {entry.get('event', '')} {facts}".rstrip()
            terminal.print(text, style=STYLES.get(level, ""), markup=False, soft_wrap=True)

    return show


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
