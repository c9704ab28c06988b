"""`ugc send`: hand events to a collector and show its verdict on each."""

import json
import sys
import uuid
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click
from rich.progress import Progress

from contract.limits import BODY_BYTES_MAX, EVENTS_PER_REQUEST_MAX
from ops import console
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import Settings, load

ATTEMPTS_MAX = 10
TIMEOUT_S = 30


class SendFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The collector took nothing, or not all; the message says why. Sending the same again is harmless."""


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--url", help="The collector. Default: this machine's, on UGC_API_PORT.")
@click.option("--event-type", default="page_view", show_default=True, help="Type of the event made here.")
@click.option("--user", "user_id", default="demo-user", show_default=True, help="Its user_id.")
@click.option("--properties", default='{"page": "/hello"}', show_default=True, help="Its properties, JSON.")
@click.option("--value", type=float, default=0.0, show_default=True, help="Its points or money.")
@click.option(
    "--count",
    type=click.IntRange(1, 10_000_000),
    default=1,
    help="How many such events, each with its own id.",
)
@console.json_option
def send(**options: Any) -> int:
    """Send one event made from the options, or the events of FILE (JSON array or one per line; - for stdin).

    Every event gets an answer; exit code 1 when one was rejected.
    """
    as_json, clock = options["as_json"], SystemClock()
    url = (options["url"] or f"http://127.0.0.1:{load(Settings).api_port}").rstrip("/") + "/events"
    totals = {"accepted": 0, "duplicates": 0, "rejected": 0}
    refused: list[dict[str, Any]] = []
    with Progress(
        console=console.err(), transient=True, disable=as_json or not console.is_terminal()
    ) as progress:
        task = progress.add_task("sending", total=None if options["file"] else options["count"])
        for batch in _batches(_events(options, clock)):
            answer = _post(url, batch, clock)
            for key in totals:
                totals[key] += answer[key]
            refused += [verdict for verdict in answer["results"] if verdict["status"] == "rejected"]
            progress.advance(task, len(batch))
    if as_json:
        console.print_json({**totals, "rejections": refused[:100]})
    else:
        _show(totals, refused, url)
    return 1 if totals["rejected"] else 0


def _events(options: dict[str, Any], clock: Clock) -> Iterator[Any]:
    if options["file"] is not None:
        yield from _read(options["file"])
        return
    try:
        properties = json.loads(options["properties"])
    except ValueError as error:
        raise SendFailed(f'--properties is not JSON ({error}); for example \'{{"page": "/"}}\'') from None
    for _ in range(options["count"]):
        yield {
            "event_id": str(uuid.uuid4()),
            "occurred_at": clock.now().isoformat(timespec="milliseconds"),
            "user_id": options["user_id"],
            "event_type": options["event_type"],
            "properties": properties,
            "value": options["value"],
        }


def _read(file: Path) -> Iterator[Any]:
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SendFailed(f"cannot read {file}: {error}") from None
    if text.lstrip().startswith("["):
        yield from _parsed(text, file, "the array")
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _parsed(line, file, f"line {number}")


def _parsed(text: str, file: Path, where: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SendFailed(f"{file}: {where} is not JSON ({error})") from None


def _batches(events: Iterator[Any]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 2
    for event in events:
        encoded = json.dumps(event).encode()
        if batch and (len(batch) == EVENTS_PER_REQUEST_MAX or size + len(encoded) + 1 > BODY_BYTES_MAX):
            yield batch
            batch, size = [], 2
        batch.append(encoded)
        size += len(encoded) + 1
    if batch:
        yield batch


def _post(url: str, batch: list[bytes], clock: Clock) -> dict[str, Any]:
    """One request, repeated while the collector says that it cannot take it now."""
    request = Request(url, b"[" + b",".join(batch) + b"]", {"Content-Type": "application/json"})  # noqa: S310
    for attempt in range(1, ATTEMPTS_MAX + 1):
        try:
            with urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the operator's own collector
                return dict(json.load(response))
        except HTTPError as error:
            answer = _problem(error)
            if "results" in answer:
                return {"accepted": 0, "duplicates": 0, "rejected": len(batch), **answer}
            if error.code not in (429, 503) or attempt == ATTEMPTS_MAX:
                raise SendFailed(
                    f"{url} answered {error.code}: {answer.get('detail', error.reason)}"
                ) from None
            clock.sleep(min(float(error.headers.get("Retry-After", 1)), 30))
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise SendFailed(
                f"no collector answers at {url} ({reason}); start one with `ugc up`, or name it with --url"
            ) from None
    raise SendFailed(f"{url} kept saying that it cannot take events now; see `ugc doctor`")


def _problem(error: HTTPError) -> dict[str, Any]:
    try:
        document = json.load(error)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _show(totals: dict[str, int], refused: list[dict[str, Any]], url: str) -> None:
    out = console.out()
    out.print(f"[green]{totals['accepted']:,} accepted[/], {totals['duplicates']:,} duplicates, ", end="")
    out.print(f"{'[red]' if totals['rejected'] else ''}{totals['rejected']:,} rejected", f"[dim]by {url}[/]")
    for verdict in refused[:10]:
        out.print(
            f"  [red]{verdict['code']}[/] {verdict['pointer'] or '/'} {verdict['message']}", markup=True
        )
    if len(refused) > 10:
        out.print(f"  … and {len(refused) - 10:,} more")
