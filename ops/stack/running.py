"""The whole stack as a process below this one: started, asked, and stopped in order."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from select import select
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from embedded.supervisor import TETHER
from ops.terminal import console
from ops.terminal.stopping import Stopping
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError

ASK_EVERY_S = 0.5
STOP_WITHIN_S = 120
HTTP_TIMEOUT_S = 10
NOT_LET_IN = (401, 403)


class StackFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The stack did not start, has ended, or lets us not in; the message says why."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running `ugc up`."""

    process: subprocess.Popen[str]
    api: str
    warehouse: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def require_alive(self) -> None:
        if self.process.poll() is not None:
            raise StackFailed("the stack has ended; its logs say why")

    def users(self, first: date, last: date) -> dict[date, int]:
        """How many the stats API counts, by day; nothing while it cannot. Raises StackFailed for a key."""
        request = Request(  # noqa: S310 - our own stack
            f"{self.api}/stats/dau?from={first}&to={last}", headers=dict(self.headers)
        )
        try:
            with urlopen(request, timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310 - as above
                return {date.fromisoformat(row["date"]): row["users"] for row in json.load(answer)["data"]}
        except HTTPError as error:
            with error:
                if error.code in NOT_LET_IN:
                    raise StackFailed(
                        "the key that may send may not ask; it needs both, --scope write and --scope read"
                    ) from None
            return {}
        except (OSError, ValueError):
            return {}


@contextmanager
def running(
    stopping: Stopping, *, settings: Mapping[str, str], headers: Mapping[str, str]
) -> Iterator[Running]:
    """`ugc up`, stopped on leaving. `settings` count where the environment has none. Raises StackFailed."""
    console.err().print("[dim]starting the stack[/]")
    process = subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
            *(sys.executable, "-m", "ops", "up", "--json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**settings, **os.environ},
        # Its own session: Ctrl-C reaches this process alone, which then stops it.
        start_new_session=True,
    )
    try:
        said = parsed(_first_line(process, stopping))
        if "api" not in said:
            if stopping():
                raise StackFailed("stopped before the stack was up")
            raise StackFailed(said.get("error", {}).get("message", "the stack did not start; see above"))
        yield Running(process, said["api"], said["warehouse"], headers)
    finally:
        _stop(process, stopping)


def parsed(text: str) -> dict[str, Any]:
    """The object that `text` is; an empty one when it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _stop(process: subprocess.Popen[str], stopping: Stopping) -> None:
    """In order; at once when Ctrl-C comes again, which the stack is told in the same way."""
    if process.poll() is None:
        console.err().print("[dim]stopping; Ctrl-C again kills what still runs, and nothing is lost[/]")
    process.terminate()
    clock, hurry = SystemClock(), False
    deadline = clock.monotonic() + STOP_WITHIN_S
    while process.poll() is None and clock.monotonic() < deadline:
        if stopping.hurried() and not hurry:
            process.send_signal(signal.SIGINT)
            hurry = True
        clock.sleep(0.1)
    process.kill()
    process.wait()


def _first_line(process: subprocess.Popen[str], stopping: Stopping) -> str:
    """What it prints when it is up, or why it is not; nothing when somebody asks to stop meanwhile."""
    out = process.stdout
    while out is not None and not stopping():
        if select([out], [], [], ASK_EVERY_S)[0]:
            return out.readline()
    return ""
