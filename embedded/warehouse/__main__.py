"""Run the warehouse in the foreground: `python -m embedded.warehouse --path DIR`.

Passwords come from the environment (UGC_ADMIN_PASSWORD, UGC_WRITER_PASSWORD, UGC_READER_PASSWORD,
UGC_ANALYST_PASSWORD); a user without one cannot come in. SIGTERM and Ctrl-C let running queries finish, for
a while. What is wrong at the start is one line on standard error, exit 1.
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

import structlog

from embedded.warehouse import profiles
from embedded.warehouse.directory import Directory
from embedded.warehouse.engine import Engine
from embedded.warehouse.errors import WarehouseError
from embedded.warehouse.limits import MIB, Limits
from embedded.warehouse.overdue import OverdueWatch
from embedded.warehouse.running import DisconnectWatch, Query
from embedded.warehouse.runtime import Runtime
from embedded.warehouse.server import Server
from embedded.warehouse.service import Service
from telemetry import logs
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import DATABASE, ROLES, Settings, load

# As sysexits calls a failure that passes when it is tried again.
CANNOT_END_IT = 75
# What closing in order may take then; a question that does not end keeps it from ending.
LAST_S = 2.0
# The system may give a signal to any thread, and Python hears it in the main one, which must be awake for it.
LISTEN_EVERY_S = 0.5


def main() -> None:
    """Ends the process when asked to stop; SystemExit(1) with one line when it cannot start."""
    arguments = _arguments()
    try:
        settings = load(Settings)
        logs.configure(process="warehouse", level=settings.log_level, format=settings.log_format)
        passwords: dict[str, str] = {
            role: getattr(settings, f"{role}_password").get_secret_value() for role in ROLES
        }
        if not any(passwords.values()):
            raise WarehouseError("no user has a password; set UGC_ADMIN_PASSWORD (`ugc up` makes them all)")
        _serve(arguments, passwords)
    except OperatorError as error:
        sys.exit(f"warehouse: {error}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m embedded.warehouse", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="directory of the warehouse's data")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8123, help="port to listen on")
    parser.add_argument("--memory-mb", type=int, default=1024, help="memory the engine may use, MiB")
    parser.add_argument(
        "--stop-grace-s", type=float, default=Limits().stop_grace_s, help="seconds a stop waits for queries"
    )
    parser.add_argument(
        "--overrun-s",
        type=float,
        default=Limits().overrun_s,
        help="seconds a question may outlive its limit; then the engine cannot end it, and the process ends",
    )
    return parser.parse_args()


def _serve(arguments: argparse.Namespace, passwords: dict[str, str]) -> None:
    # What ends it: a question that cannot be ended, or None, a signal. An event's lock might be held by the
    # very thread in which the signal is heard; this queue takes what comes from anywhere.
    asked: SimpleQueue[Query | None] = SimpleQueue()

    def note(_: int, __: FrameType | None) -> None:
        asked.put(None)

    limits, clock, log = Limits(), SystemClock(), structlog.get_logger()
    roles = profiles.load()
    directory = Directory(arguments.path)
    directory.configure(memory_mb=arguments.memory_mb)
    server = Server(arguments.host, arguments.port, limits, clock)
    server.listen()
    started_s = clock.monotonic()
    # chDB reads config.xml of the directory it is imported in.
    os.chdir(directory.path)
    engine = Engine(directory.data, directory.config_file)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, note)
    engine.ask(f"CREATE DATABASE IF NOT EXISTS {DATABASE}")
    runtime = Runtime(engine, arguments.memory_mb * MIB, limits, directory.spool, clock)
    server.service = service = Service(runtime, roles=roles, passwords=passwords)
    watch = DisconnectWatch(service.running, limits.disconnect_check_s)
    watch.start()
    late = OverdueWatch(service.running, clock, overrun_s=arguments.overrun_s, give_up=asked.put)
    late.start()
    serving = threading.Thread(target=server.serve, name="serve", daemon=True)
    serving.start()
    log.info(
        "warehouse_ready",
        port=server.bind_addr[1],
        version=engine.version,
        ready_ms=round((clock.monotonic() - started_s) * 1000),
    )
    overdue = _first(asked)
    grace_s = min(arguments.stop_grace_s, limits.overrun_grace_s) if overdue else arguments.stop_grace_s
    if overdue:
        _give_up(overdue, within_s=grace_s + LAST_S)
    log.info("warehouse_stopping", running=len(service.running.all()))
    cancelled = service.running.stop(grace_s)
    watch.stop()
    late.stop()
    server.stop()
    service.close()
    engine.close()
    directory.release()
    log.info("warehouse_stopped", cancelled=cancelled)
    sys.stderr.flush()
    # The data is safe from here on; a thread that does not end must not keep the process.
    os._exit(CANNOT_END_IT if overdue else 0)


def _first(asked: SimpleQueue[Query | None]) -> Query | None:
    while True:
        try:
            return asked.get(timeout=LISTEN_EVERY_S)
        except Empty:
            continue


def _give_up(query: Query, *, within_s: float) -> None:
    """Say whose question it is; what holds on to what it holds does not keep the process."""
    structlog.get_logger().error(
        "question_cannot_be_ended",
        user=query.user,
        query_id=query.query_id,
        limit_s=query.limit_s,
        hint="the warehouse ends, and is started anew; change that user's password when it goes on",
    )
    last = threading.Timer(within_s, os._exit, (CANNOT_END_IT,))
    last.daemon = True
    last.start()


if __name__ == "__main__":
    main()
