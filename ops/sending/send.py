"""`ugc send`: hand events to a collector and show its verdict on each."""

import json
import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from rich.markup import escape
from rich.progress import Progress

from contract.limits import BODY_BYTES_MAX, EVENTS_PER_REQUEST_MAX
from ops.sending import event_files
from ops.sending.credential import credential, key_option, write_key_option
from ops.sending.door import Door, SendFailed, is_address
from ops.sending.totals import Totals
from ops.terminal import console
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import Settings, load

# Of the event that is made here; those of a file bring their own.
OF_AN_EVENT = {
    "event_type": "--event-type",
    "user_id": "--user",
    "properties": "--properties",
    "value": "--value",
    "event_id": "--event-id",
    "count": "--count",
}


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--url", help="The collector. Default: this machine's, on UGC_API_PORT.")
@click.option("--event-type", default="page_view", show_default=True, help="Type of the event made here.")
@click.option("--user", "user_id", default="demo-user", show_default=True, help="Its user_id.")
@click.option("--properties", default='{"page": "/hello"}', show_default=True, help="Its properties, JSON.")
@click.option("--value", type=float, default=0.0, show_default=True, help="Its points or money.")
@click.option("--event-id", help="Its event_id. Default: a new one; name one to send the same event again.")
@click.option(
    "--count",
    type=click.IntRange(1, 10_000_000),
    default=1,
    help="How many such events, each with its own id.",
)
@key_option
@write_key_option
@console.json_option
def send(**options: Any) -> int:
    """Send one event made from the options, or the events of FILE (JSON array, object, NDJSON; - for stdin).

    Every event gets an answer; exit code 1 when one was rejected.
    """
    _check(options)
    clock = SystemClock()
    url = options["url"] or f"http://127.0.0.1:{load(Settings).api_port}"
    door = Door(
        url=url.rstrip("/") + "/events", clock=clock, headers=credential(options["key"], options["write_key"])
    )
    if options["file"] is None and options["count"] == 1:
        options["event_id"] = options["event_id"] or str(uuid.uuid4())
    if options["file"] is None:
        options["properties"] = _properties(options["properties"])
    totals = Totals()
    try:
        _send_all(options, door, totals, clock)
    except OperatorError as error:
        raise SendFailed(f"{error}{_what_now(options, totals)}") from None
    if options["as_json"]:
        made = {"event_id": options["event_id"]} if options["event_id"] else {}
        console.print_json({**totals.document(), **made})
    else:
        _show(totals, options["event_id"], door.url)
    return 1 if totals.rejected else 0


def _check(options: dict[str, Any]) -> None:
    """What click's types cannot say. Raises click.UsageError."""
    if options["url"] is not None and not is_address(options["url"]):
        raise click.BadParameter(
            "it must begin with http:// or https:// and name a host, like http://127.0.0.1:9001",
            param_hint="'--url'",
        )
    if not math.isfinite(options["value"]):
        raise click.BadParameter("JSON has no such number.", param_hint="'--value'")
    if options["file"] is not None:
        source = click.get_current_context().get_parameter_source
        given = [name for each, name in OF_AN_EVENT.items() if source(each) is ParameterSource.COMMANDLINE]
        if given:
            raise click.UsageError(f"the events are those of FILE: leave out {', '.join(given)}, or FILE")
    if options["event_id"] and options["count"] > 1:
        raise click.UsageError("--event-id names one event: leave out --count")


def _send_all(options: dict[str, Any], door: Door, totals: Totals, clock: Clock) -> None:
    hidden = options["as_json"] or not console.is_terminal()
    with Progress(console=console.err(), transient=True, disable=hidden) as progress:
        task = progress.add_task("sending", total=None if options["file"] else options["count"])
        sent = 0
        for batch in _batches(_events(options, clock)):
            totals.add(door.post(batch))
            sent += len(batch)
            progress.advance(task, len(batch))
    if not sent:
        raise SendFailed(f"nothing to send: no event in {event_files.name_of(options['file'])}")


def _what_now(options: dict[str, Any], totals: Totals) -> str:
    """What a failure half-way leaves behind, and how to go on without counting anything twice."""
    accepted = totals.counts["accepted"]
    if options["event_id"]:
        return f"; to send this event again: --event-id {options['event_id']}"
    if not accepted:
        return ""
    so_far = f"; {accepted:,} event{'s were' if accepted > 1 else ' was'} accepted before that"
    return so_far + ("; sending the file again is harmless" if options["file"] is not None else "")


def _events(options: dict[str, Any], clock: Clock) -> Iterator[bytes]:
    if options["file"] is not None:
        yield from event_files.events_of(options["file"])
        return
    for _ in range(options["count"]):
        event = {
            "event_id": options["event_id"] or str(uuid.uuid4()),
            "occurred_at": clock.now().isoformat(timespec="milliseconds"),
            "user_id": options["user_id"],
            "event_type": options["event_type"],
            "properties": options["properties"],
            "value": options["value"],
        }
        yield json.dumps(event).encode()


def _properties(text: str) -> Any:
    try:
        properties = json.loads(text)
        json.dumps(properties, allow_nan=False)
    except ValueError as error:
        raise SendFailed(f'--properties is not JSON ({error}); for example \'{{"page": "/"}}\'') from None
    except RecursionError:
        raise SendFailed("--properties is nested too deep") from None
    return properties


def _batches(events: Iterator[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 2
    for event in events:
        if batch and (len(batch) == EVENTS_PER_REQUEST_MAX or size + len(event) + 1 > BODY_BYTES_MAX):
            yield batch
            batch, size = [], 2
        batch.append(event)
        size += len(event) + 1
    if batch:
        yield batch


def _show(totals: Totals, event_id: str | None, url: str) -> None:
    out = console.out()
    counts = totals.counts
    red = "red" if counts["rejected"] else "default"
    out.print(
        f"[green]{counts['accepted']:,} accepted[/], {counts['duplicates']:,} duplicates, "
        f"[{red}]{counts['rejected']:,} rejected[/] [dim]by {escape(url)}[/]",
        soft_wrap=True,
    )
    if event_id:
        out.print(f"  event_id {escape(event_id)}")
    totals.show_refused()
