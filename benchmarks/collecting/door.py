"""The servers under load, and what a load costs the one it goes to."""

import tempfile
from pathlib import Path

from benchmarks import events
from benchmarks.collecting.servers import HttpServer
from benchmarks.frame.figures import Cost
from benchmarks.frame.load import http1
from benchmarks.frame.load.apart import Generators
from benchmarks.frame.load.driving import Load
from benchmarks.frame.load.report import GeneratorLate, Report
from benchmarks.frame.session import Session

EVENTS_PATH = "/events"
CONNECTIONS = 16
USERS = 1_000
AGE_MS = 1_000
HEADERS = {"Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"}
LATE_RETAKES = 3


class Door:
    """The servers under load, and what each load came to."""

    def __init__(self, session: Session, collector: HttpServer, bare: HttpServer) -> None:
        self._session = session
        self.collector = collector
        self.bare = bare
        self._plans = 0

    def cost(self, server: HttpServer, load: Load, *, accepted: int = 0) -> tuple[Cost, Report]:
        """What this load cost the server's processes by request; every answer was a 2xx."""
        session = self._session
        directory = Path(tempfile.mkdtemp(prefix="load-", dir=session.scratch))
        with (
            Generators([load], directory=directory) as generators,
            session.watch({"server": server.pid, **generators.pids()}) as watch,
        ):
            report = generators.run()
        if accepted:
            session.check("events accepted, of those sent", accepted, report.total)
        cost = watch.cost(units=report.sent)
        return (
            Cost(
                wall_s=cost.wall_s,
                cpu_s={"server": cost.cpu_s["server"]},
                units=report.sent,
            ),
            report,
        )

    def p99_s(self, *, requests: int, a_request: int, rate: float) -> float:
        """The slowest answers of an open loop; a run whose generator was late is taken again."""
        late = 0
        while True:
            load = self.load(self.collector, EVENTS_PATH, requests, a_request=a_request, rate=rate)
            try:
                return self.cost(self.collector, load, accepted=requests * a_request)[1].quantile_s(0.99)
            except GeneratorLate as error:
                late += 1
                if late > LATE_RETAKES:
                    raise
                self._session.say(f"taking it again: {error}")

    def load(
        self, server: HttpServer, path: str, requests: int, *, a_request: int = 1, rate: float = 0.0
    ) -> Load:
        """Requests with events nobody has sent yet; with a rate, an open loop."""
        self._plans += 1
        now_ms = int(self._session.clock.now().timestamp() * 1000)
        plan = events.Plan(
            seed=self._session.seed * 1_000 + self._plans, users=USERS, ends_at_ms=now_ms - AGE_MS
        )
        made = events.bodies(plan, requests * a_request, a_request=a_request, known=events.Known())
        host = f"127.0.0.1:{server.port}"
        return Load(
            host="127.0.0.1",
            port=server.port,
            requests=[http1.request("POST", path, host=host, body=body, headers=HEADERS) for body in made],
            kind="open" if rate else "closed",
            connections=CONNECTIONS,
            rate=rate,
            seed=self._session.seed,
            total_of="accepted",
        )
