"""Start processes in order, keep them alive, stop them in the opposite order.

The supervisor runs in the main thread: the kernel's death notice (tether.py) is tied to the thread that
started the child.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from embedded.child_output import Pump, Show
from telemetry.clock import Clock
from telemetry.errors import OperatorError

POLL_INTERVAL_S = 0.1
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
# A child that stayed up this long has recovered: its next crash starts a new back-off.
STEADY_AFTER_S = 60.0
TETHER = Path(__file__).with_name("tether.py")

log = structlog.get_logger()


class StartFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """A service did not become ready; the message says which, why, and where its log is."""


@dataclass(frozen=True, slots=True)
class Service:
    """One child: how to run it, how to know that it serves, how long each may take."""

    name: str
    command: Sequence[str]
    ready: Callable[[], bool]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_within_s: float = 60.0
    stop_within_s: float = 15.0


@dataclass(slots=True)
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    pump: Pump
    started_at: float
    backoff_s: float = BACKOFF_FIRST_S
    restart_at: float | None = None
    restarts: int = 0
    recovering: bool = False


class Supervisor:
    """Runs services. `start` returns when they serve, `watch` restarts what dies, `stop` ends all."""

    def __init__(self, *, logs_dir: Path, show: Show, clock: Clock) -> None:
        self._logs_dir = logs_dir
        self._show = show
        self._clock = clock
        self._children: dict[str, _Child] = {}

    def start(self, services: Sequence[Service], *, stopping: Callable[[], bool] = lambda: False) -> None:
        """Start `services` side by side and return when each serves.

        Raises StartFailed when one ends or is not ready in time. Returns early when `stopping()`.
        """
        for service in services:
            self._children[service.name] = self._spawn(service)
        waiting = [self._children[service.name] for service in services]
        while waiting and not stopping():
            waiting = [child for child in waiting if not self._is_ready(child)]
            if waiting:
                self._clock.sleep(POLL_INTERVAL_S)

    def watch(self, stopping: Callable[[], bool], *, on_restart: Callable[[], None] = lambda: None) -> None:
        """Restart whatever dies, with a growing pause, until `stopping()`; `on_restart` after each."""
        while not stopping():
            before = self.pids()
            for child in list(self._children.values()):
                self._look_after(child)
            if self.pids() != before:
                on_restart()
            self._clock.sleep(POLL_INTERVAL_S)

    def stop(self, *, hurried: Callable[[], bool] = lambda: False) -> list[str]:
        """End every child, the last started first; return those that had to be killed.

        Once `hurried()`, what still runs is killed instead of waited for.
        """
        killed = []
        for name in reversed(list(self._children)):
            child = self._children.pop(name)
            if not self._end(child, hurried):
                killed.append(name)
        return killed

    def pids(self) -> dict[str, int]:
        """The children that run now."""
        return {n: c.process.pid for n, c in self._children.items() if c.process.poll() is None}

    def _spawn(self, service: Service) -> _Child:
        self._logs_dir.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *service.command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **service.environment},
            # Its own session: Ctrl-C reaches the supervisor alone, which then stops the children in order.
            start_new_session=True,
        )
        if process.stdout is None:
            raise StartFailed(f"{service.name}: no pipe for its output")
        pump = Pump(service.name, process.stdout, self._log_file(service), self._show)
        log.debug("child_started", child=service.name, pid=process.pid)
        return _Child(service, process, pump, self._clock.monotonic())

    def _is_ready(self, child: _Child) -> bool:
        service = child.service
        code = child.process.poll()
        if code is not None:
            child.pump.join(2)
            raise StartFailed(
                f"{service.name} {_how_it_ended(code)}: {_last_words(child)}; {self._hint(service)}"
            )
        if service.ready():
            return True
        if self._clock.monotonic() - child.started_at > service.ready_within_s:
            raise StartFailed(
                f"{service.name} is not ready after {service.ready_within_s:.0f} s; {self._hint(service)}"
            )
        return False

    def _look_after(self, child: _Child) -> None:
        now = self._clock.monotonic()
        if child.restart_at is not None:
            if now >= child.restart_at:
                self._restart(child)
            return
        if child.recovering and child.process.poll() is None and child.service.ready():
            child.recovering = False
            log.warning(
                "child_serves_again", child=child.service.name, after_s=round(now - child.started_at, 1)
            )
        code = child.process.poll()
        if code is None:
            return
        if now - child.started_at > STEADY_AFTER_S:
            child.backoff_s = BACKOFF_FIRST_S
        _kill_group(child.process.pid)
        child.pump.join(2)
        child.restart_at = now + child.backoff_s
        log.warning(
            "child_died",
            child=child.service.name,
            how=_how_it_ended(code),
            last_words=_last_words(child),
            restart_in_s=child.backoff_s,
            log_file=str(self._log_file(child.service)),
        )

    def _restart(self, child: _Child) -> None:
        try:
            fresh = self._spawn(child.service)
        except OSError as error:
            # No process or no file to be had now: neither may end who keeps the other children alive.
            child.backoff_s = min(child.backoff_s * 2, BACKOFF_MAX_S)
            child.restart_at = self._clock.monotonic() + child.backoff_s
            log.warning("child_not_started", child=child.service.name, reason=error.strerror)
            return
        fresh.recovering = True
        fresh.backoff_s = min(child.backoff_s * 2, BACKOFF_MAX_S)
        fresh.restarts = child.restarts + 1
        self._children[child.service.name] = fresh
        log.warning(
            "child_restarted", child=child.service.name, pid=fresh.process.pid, restarts=fresh.restarts
        )

    def _end(self, child: _Child, hurried: Callable[[], bool]) -> bool:
        process, service = child.process, child.service
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        asked_at = self._clock.monotonic()
        while process.poll() is None:
            waited_s = self._clock.monotonic() - asked_at
            if hurried() or waited_s > service.stop_within_s:
                log.warning("child_killed", child=service.name, after_s=round(waited_s, 1))
                break
            self._clock.sleep(POLL_INTERVAL_S)
        ended = process.returncode is not None
        _kill_group(process.pid)
        process.wait()
        child.pump.join(2)
        return ended

    def _log_file(self, service: Service) -> Path:
        return self._logs_dir / f"{service.name}.log"

    def _hint(self, service: Service) -> str:
        return f"its log is {self._log_file(service)}"


def _kill_group(pid: int) -> None:
    """What a dead child left behind (a server's worker processes) still holds its port: end it."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _how_it_ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with {code}"


def _last_words(child: _Child) -> str:
    return child.pump.tail[-1] if child.pump.tail else "it printed nothing"
