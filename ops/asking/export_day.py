"""A day's events out of the warehouse, piece by piece: each small enough for the limits of the analyst.

Pieces are cut by the key that events_raw is stored in, and each is read by the bounds it was cut at, so every
event that was there when the export began is in exactly one of them, whatever comes in meanwhile.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Final, Literal

from clickhouse import catalog
from ops.asking.analyst import Analyst, QuestionFailed
from ops.terminal.whole_files import binary_file
from telemetry.errors import OperatorError

TextFormat = Literal["csv", "spreadsheet"]
Format = TextFormat | Literal["parquet"]

QUESTIONS: Final[dict[Format, str]] = {
    "csv": "export_csv",
    "spreadsheet": "export_csv",
    "parquet": "export_parquet",
}

RAW_KEPT: Final = timedelta(days=30)
# Rows of a piece: some 60 MB of events as they usually are. One too large is cut in halves.
PIECE_ROWS: Final = 200_000
PIECE_ROWS_MIN: Final = 1_000
ID_MAX: Final = 2**128 - 1
# TOO_MANY_ROWS_OR_BYTES, MEMORY_LIMIT_EXCEEDED, TIMEOUT_EXCEEDED: what a smaller piece may escape.
TOO_LARGE: Final = (396, 241, 159)

Advance = Callable[[int], None]


class ExportFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """Nothing was written under the name; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Span:
    """A day of some zone, as instants."""

    since: datetime
    until: datetime

    def whole(self, now: datetime) -> bool:
        """Whether it is over, and events_raw has begun to forget none of it."""
        return self.until <= now < self.since + RAW_KEPT


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece begins or ends: the hour and the id of an event."""

    hour: datetime
    id: int

    def next(self) -> "Place":
        """The place behind it."""
        if self.id == ID_MAX:
            return Place(self.hour + timedelta(hours=1), 0)
        return replace(self, id=self.id + 1)


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of events in the order of the key."""

    first: Place
    last: Place
    rows: int


def count(analyst: Analyst, span: Span) -> int:
    """How many events the day has now."""
    question = catalog.query("export_rows")
    return int(analyst.rows(question.sql, _bounds(span))[0][0])


def to_csv(
    analyst: Analyst, span: Span, file: Path, advance: Advance, *, output_format: TextFormat = "csv"
) -> int:
    """All of the day in one file, with a head of names. How many rows."""
    rows = 0
    with binary_file(file) as out:
        for part, answer in _day(analyst, span, output_format, advance):
            head = next(answer, b"")
            # The names stand in every answer, and belong into the file once.
            out.write(head if not rows else head.partition(b"\n")[2])
            out.writelines(answer)
            rows += part.rows
    return rows


def to_parquet(analyst: Analyst, span: Span, place: Path, advance: Advance) -> tuple[int, list[Path]]:
    """The day in one file, or in a directory of them if it is large. How many rows, and which files."""
    rows = 0
    written: list[Path] = []
    unfinished = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    try:
        for part, answer in _day(analyst, span, "parquet", advance):
            written.append(unfinished / f"part-{len(written):05}.parquet")
            with binary_file(written[-1]) as out:
                out.writelines(answer)
            rows += part.rows
        if len(written) == 1:
            written[0].replace(place)
            return rows, [place]
        _put(unfinished, place)
        return rows, [place / each.name for each in written]
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _put(unfinished: Path, place: Path) -> None:
    """The directory in place of a file, which takes two steps: what was there comes back if one fails."""
    before = unfinished.with_name(f"{unfinished.name}.before")
    try:
        if place.is_file():
            place.rename(before)
        unfinished.replace(place)
    except BaseException:
        if before.exists():
            before.rename(place)
        raise
    before.unlink(missing_ok=True)


def _day(
    analyst: Analyst, span: Span, output_format: Format, advance: Advance
) -> Iterator[tuple[Piece, Iterator[bytes]]]:
    """What the day's pieces hold, one after another; `advance` hears of each when it was taken."""
    for piece in _pieces(analyst, span):
        for part, answer in _answers(analyst, span, piece, output_format):
            yield part, answer
            advance(part.rows)


def _pieces(analyst: Analyst, span: Span) -> Iterator[Piece]:
    """The day in pieces; one of no rows when it has none, so that there is a head to write."""
    at = Place(span.since.replace(minute=0, second=0, microsecond=0), 0)
    piece = _cut(analyst, span, at, PIECE_ROWS)
    yield piece
    while piece.rows == PIECE_ROWS:
        piece = _cut(analyst, span, piece.last.next(), PIECE_ROWS)
        if piece.rows:
            yield piece


def _answers(
    analyst: Analyst, span: Span, piece: Piece, output_format: Format
) -> Iterator[tuple[Piece, Iterator[bytes]]]:
    """The answer for `piece`, or for its halves where it is too large for the analyst's limits."""
    answer = _read(analyst, span, piece, output_format)
    try:
        head = next(answer, b"")
    except QuestionFailed as error:
        if error.code not in TOO_LARGE or piece.rows <= PIECE_ROWS_MIN:
            raise
        half = _cut(analyst, span, piece.first, piece.rows // 2)
        rest = Piece(half.last.next(), piece.last, piece.rows - half.rows)
        for each in (half, rest):
            yield from _answers(analyst, span, each, output_format)
        return
    yield piece, chain((head,), answer)


def _cut(analyst: Analyst, span: Span, first: Place, rows: int) -> Piece:
    question = catalog.query("export_bound")
    start = {"from_hour": _second(first.hour), "from_id": str(first.id), "rows": str(rows)}
    found, last_hour, last_id = analyst.rows(question.sql, {**_bounds(span), **start})[0]
    if not found:
        return Piece(first, first, 0)
    return Piece(first, Place(last_hour.replace(tzinfo=UTC), int(last_id)), int(found))


def _read(analyst: Analyst, span: Span, piece: Piece, output_format: Format) -> Iterator[bytes]:
    places = {
        "from_hour": _second(piece.first.hour),
        "from_id": str(piece.first.id),
        "last_hour": _second(piece.last.hour),
        "last_id": str(piece.last.id),
    }
    sql = catalog.query(QUESTIONS[output_format]).sql
    return analyst.ask(sql, output_format=output_format, parameters={**_bounds(span), **places})


def _bounds(span: Span) -> dict[str, str]:
    return {"since": _millisecond(span.since), "until": _millisecond(span.until)}


def _second(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def _millisecond(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03}"
