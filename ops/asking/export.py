"""`ugc export`: a day's events into a file, read as the analyst."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfoNotFoundError

import click
from rich.markup import escape

from clickhouse import zones
from ops.asking import export_day
from ops.asking.analyst import TIMEOUT_S_MAX, Analyst, opened
from ops.asking.export_day import RAW_KEPT, ExportFailed, Format, Span
from ops.terminal import console
from ops.terminal.days import parsed_day
from ops.terminal.progress import progress_bar
from ops.terminal.whole_files import is_special
from telemetry.clock import SystemClock
from telemetry.settings import Settings, load

EXPORTS_DIR: Final = "exports"
ENDINGS: Final[dict[Format, str]] = {"csv": "csv", "spreadsheet": "csv", "parquet": "parquet"}


@click.command()
@click.option("--day", metavar="YYYY-MM-DD", required=True, help="The day, by when the events happened.")
@click.option("--tz", default="UTC", show_default=True, metavar="ZONE", help="The time zone of the day.")
@click.option(
    "-f",
    "--format",
    "chosen",
    type=click.Choice(list(ENDINGS)),
    help="spreadsheet is csv in which no text runs as a formula. Default: by the ending of --out, else csv.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="Where to. Default: <data_dir>/exports/events-DAY[-ZONE].csv or .parquet.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
@console.json_option
def export(day: str, tz: str, out: Path | None, **options: Any) -> None:
    """Write the events of one day to a file, in the order of their hours.

    CSV is for machines: each text is as it was sent, byte by byte, and one that begins with = + - @ or a tab
    is a formula to a spreadsheet. For people who open it in one there is --format spreadsheet, which puts an
    apostrophe before those. A day too large for one Parquet file becomes a directory of them. The file
    appears when all is in it. It is read as the user analyst, in pieces within that user's limits.

    \b
    Examples:
      ugc export --day 2026-11-20
      ugc export --day 2026-11-20 --tz Europe/Berlin --format parquet
      ugc export --day 2026-11-20 --out friday.csv --format spreadsheet --force
    """
    if out == Path("-"):
        raise click.UsageError("--out -: an export appears when all is in it, so it is a file; name one")
    settings, as_json = load(Settings), bool(options["as_json"])
    span = span_of(parsed_day(day), _zone(tz))
    now = SystemClock().now()
    _require_held(day, span, now)
    output_format = format_of(options["chosen"], out)
    place = out or settings.data_dir / EXPORTS_DIR / _named(day, tz, ENDINGS[output_format])
    _require_free(place, force=options["force"], make_parent=out is None)
    analyst = opened(settings, timeout_s=TIMEOUT_S_MAX)
    with progress_bar("exporting", export_day.count(analyst, span), hidden=as_json) as advance:
        rows, files = _written(analyst, span, place, output_format, advance)
    _say(
        {
            "day": day,
            "tz": tz,
            "format": output_format,
            "rows": rows,
            "whole": span.whole(now),
            "bytes": sum(each.stat().st_size for each in files),
            "files": [str(each) for each in files],
        },
        place,
        as_json=as_json,
    )


def span_of(day: date, zone: tzinfo) -> Span:
    """The day's first instant and that of the next one."""
    try:
        first, behind = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
        return Span(first.astimezone(UTC), behind.astimezone(UTC))
    except OverflowError:
        raise click.UsageError(f"--day {day}: it has no whole day in the calendar; take another") from None


def format_of(chosen: str | None, out: Path | None) -> Format:
    """What was asked for, or what the name's ending says."""
    by_name = "parquet" if out is not None and out.suffix.lower() == ".parquet" else "csv"
    return cast("Format", chosen or by_name)


def _zone(name: str) -> tzinfo:
    try:
        return zones.zone(name)
    except ZoneInfoNotFoundError:
        raise click.UsageError(
            f"--tz {name}: there is no such time zone; write it as Europe/Berlin"
        ) from None


def _named(day: str, tz: str, ending: str) -> str:
    """Days of two zones are two, and have two files."""
    of_zone = "" if tz == "UTC" else f"-{tz.replace('/', '-')}"
    return f"events-{day}{of_zone}.{ending}"


def _require_held(day: str, span: Span, now: datetime) -> None:
    if span.since > now:
        raise click.UsageError(f"--day {day} has not begun")
    if span.until + RAW_KEPT <= now:
        raise ExportFailed(
            f"nothing is left of {day}: events are kept for {RAW_KEPT.days} days; "
            "the aggregates go back further, `ugc query` asks them"
        )


def _require_free(place: Path, *, force: bool, make_parent: bool) -> None:
    if make_parent:
        place.parent.mkdir(parents=True, exist_ok=True)
    if not place.parent.is_dir():
        raise ExportFailed(f"there is no directory {place.parent}")
    if place.is_dir():
        # Never removed for anybody: what is in it may be more than an older export.
        raise ExportFailed(f"{place} is a directory; remove it, or name another place with --out")
    if is_special(place):
        # A file would stand in its place: what a link points to stays as it is, and a device is gone.
        raise ExportFailed(f"{place} is no regular file; name one with --out")
    if place.exists() and not force:
        raise ExportFailed(f"{place} is there already; --force replaces it")


def _written(
    analyst: Analyst, span: Span, place: Path, output_format: Format, advance: Callable[[int], None]
) -> tuple[int, list[Path]]:
    if output_format == "parquet":
        return export_day.to_parquet(analyst, span, place, advance)
    return export_day.to_csv(analyst, span, place, advance, output_format=output_format), [place]


def _say(document: dict[str, Any], place: Path, *, as_json: bool) -> None:
    if as_json:
        console.print_json(document)
        return
    files = f" in {len(document['files'])} files" if len(document["files"]) > 1 else ""
    console.out().print(
        f"{document['rows']:,} events, {document['bytes'] / 2**20:,.1f} MiB{files}: {escape(str(place))}",
        soft_wrap=True,
    )
    if not document["whole"]:
        console.err().print("[yellow]the day is not over, or the warehouse has begun to forget it[/]")
