"""Dead letters for people and for scripts. What a stranger wrote cannot reach the terminal as commands."""

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from etl.dead_reasons import explained
from etl.letters import StoredLetter
from ops.dlq.index import OPEN, Index, ReasonCount, Rows
from ops.terminal.console import plain

SHOWN_BYTES_MAX: Final = 2_048
HEX_LINE_BYTES: Final = 16
MESSAGE_CHARS_MAX: Final = 80


def brief(letter: StoredLetter, state: str = OPEN) -> dict[str, Any]:
    """What a list says of a letter."""
    record = letter.record
    return {
        "id": letter.id,
        "state": state,
        "reason": letter.reason,
        "message": letter.message,
        "first_seen_at": letter.first_seen_at,
        "topic": letter.topic,
        "partition": letter.origin.partition,
        "offset": letter.origin.offset,
        "timestamp": _instant(record.timestamp_ms),
        "value_bytes": None if record.value is None else letter.value_bytes,
        "whole": letter.whole,
        "retry_of": letter.retry_of,
    }


def whole(letter: StoredLetter, state: str = OPEN) -> dict[str, Any]:
    """All of it. Bytes are base64, and beside it text where they are UTF-8."""
    record = letter.record
    return {
        **brief(letter, state),
        "key": _as_text(record.key),
        "key_base64": _base64(record.key),
        "headers": [
            {"name": name, "value": _as_text(value), "value_base64": _base64(value)}
            for name, value in record.headers
        ],
        "value": _as_text(record.value),
        "value_base64": _base64(record.value),
    }


def reason_counts(counts: Iterable[ReasonCount]) -> list[dict[str, Any]]:
    """For a script."""
    return [
        {
            "reason": each.reason,
            "letters": each.letters,
            "oldest_at": each.oldest_at,
            "newest_at": each.newest_at,
            "meaning": explained(each.reason).meaning,
        }
        for each in counts
    ]


def reasons_table(counts: Iterable[ReasonCount]) -> Table:
    """How many letters died of what."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("reason", no_wrap=True)
    table.add_column("letters", justify="right")
    table.add_column("oldest", no_wrap=True)
    table.add_column("newest", no_wrap=True)
    table.add_column("meaning", overflow="fold")
    for each in counts:
        meaning = escape(explained(each.reason).meaning)
        table.add_row(
            f"[red]{escape(plain(each.reason))}[/]",
            f"{each.letters:,}",
            each.oldest_at[:19],
            each.newest_at[:19],
            meaning,
        )
    return table


def summed_up(index: Index, rows: Rows, *, filtered: bool, settled: bool) -> Iterator[str | Table]:
    """How many letters there are, of what they died, and what else lies in the topic."""
    which = " (of those asked for)" if filtered else ""
    which += " (settled ones included)" if settled else ""
    if len(rows):
        yield f"[bold]{len(rows):,}[/] dead letter{'s' if len(rows) > 1 else ''}{which}\n"
        yield reasons_table(index.by_reason(rows))
    else:
        yield "[green]no dead letter matches[/]" if filtered else "[green]no dead letters[/]"
    others = {state: count for state, count in index.by_state().items() if state != OPEN}
    if others and not settled:
        told = ", ".join(f"{count:,} {escape(state)}" for state, count in others.items())
        yield f"\n[dim]settled and not yet removed: {told} (--settled lists them)[/]"
    if index.not_letters:
        yield f"[yellow]{index.not_letters:,} records there are no letters: somebody else wrote them[/]"


def letters_table(letters: Iterable[tuple[StoredLetter, str]]) -> Table:
    """One line a letter."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    # Whole on any terminal: an id cut in two cannot be copied.
    table.add_column("id", no_wrap=True)
    table.add_column("first seen", no_wrap=True)
    table.add_column("reason", overflow="fold")
    table.add_column("message", overflow="fold")
    for letter, state in letters:
        mark = "" if state == OPEN else f" [dim]({escape(state)})[/]"
        table.add_row(
            escape(letter.id),
            escape(plain(letter.first_seen_at[:19])),
            escape(plain(letter.reason)) + mark,
            escape(plain(letter.message)[:MESSAGE_CHARS_MAX]),
        )
    return table


def described(letter: StoredLetter, state: str) -> Iterator[str]:
    """The letter for a person, line by line, as rich's markup."""
    record, reason = letter.record, explained(letter.reason)
    yield f"[bold]{escape(letter.id)}[/]  {'' if state == OPEN else f'[yellow]{escape(state)}[/]'}"
    yield f"reason      [red]{escape(plain(letter.reason))}[/]  {escape(reason.meaning)}"
    yield f"message     {escape(plain(letter.message))}"
    yield f"what to do  {escape(reason.what_to_do)}"
    yield f"first seen  {escape(plain(letter.first_seen_at))}"
    if letter.retry_of:
        yield f"retry of    {escape(plain(letter.retry_of))}"
    origin = letter.origin
    place = f"{letter.topic}, partition {origin.partition}, offset {origin.offset}"
    yield f"origin      {escape(plain(place))}, written {_instant(record.timestamp_ms)}"
    yield f"key         {_in_short(record.key)}"
    for name, value in record.headers:
        yield f"header      {escape(plain(name))}: {_in_short(value)}"
    if record.value is None:
        yield "value       none"
        return
    rest = "" if letter.whole else f", of which the first {len(record.value):,} are here"
    yield f"value       {letter.value_bytes:,} bytes{rest}"
    yield from (f"  {escape(line)}" for line in value_lines(record.value))


def value_lines(value: bytes) -> Iterator[str]:
    """The beginning of a value: as text if it is text that a terminal can show, else in hexadecimal."""
    text = _printable(value[:SHOWN_BYTES_MAX])
    if text is not None:
        yield from text.split("\n")
    else:
        for start in range(0, min(len(value), SHOWN_BYTES_MAX), HEX_LINE_BYTES):
            line = value[start : start + HEX_LINE_BYTES]
            shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
            yield f"{start:06x}  {line.hex(' '):<{3 * HEX_LINE_BYTES}} {shown}"
    if len(value) > SHOWN_BYTES_MAX:
        yield f"… and {len(value) - SHOWN_BYTES_MAX:,} more bytes: --raw writes all of them"


def _printable(value: bytes) -> str | None:
    """The text, if that is what it is; a character cut in two at the end does not matter."""
    for end in range(len(value), max(len(value) - 4, -1), -1):
        try:
            text = value[:end].decode()
        except UnicodeDecodeError:
            continue
        return text if text.replace("\n", "").replace("\t", "").isprintable() else None
    return None


def _in_short(value: bytes | None) -> str:
    if value is None:
        return "[dim]none[/]"
    text = _printable(value)
    shown = text if text is not None and "\n" not in text else value.hex(" ")
    return escape(shown[:200] + ("…" if len(shown) > 200 else "")) or '[dim]""[/]'


def _as_text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _instant(at_ms: int) -> str | None:
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
