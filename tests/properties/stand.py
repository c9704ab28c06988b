"""A warehouse to which every question of many cases is put: one case in five by HTTP, the others directly."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from properties.beside import side_by_side
from properties.comparing import ASK, difference, reader_of
from properties.loading import Loader
from properties.over_http import Asker, application
from properties.questions import Case
from properties.smaller import smallest
from properties.standing import StandingClock
from warehouse_process import Process

HTTP_EVERY = 5
# Beside the one who asks by HTTP.
AT_ONCE = 2


@dataclass(frozen=True)
class Wrong:
    """A case, and a line for each of its questions that was not answered as the oracle does."""

    case: Case
    lines: tuple[str, ...]


class Stand:
    """Nobody else uses the warehouse of `process`."""

    def __init__(self, process: Process, folder: Path) -> None:
        self._loader = Loader(process)
        self._client = reader_of(process.dsn("reader"))
        self._clock = StandingClock()
        self._app = application(process, self._clock, folder)

    def wrong(self, cases: Sequence[Case]) -> list[Wrong]:
        """Those with a wrong answer."""
        found: list[Wrong] = []
        for number, load in enumerate(side_by_side(cases)):
            self._loader.load([case.history for case in load])
            found += self._ask(load, first_by_http=number % HTTP_EVERY)
        return found

    def _ask(self, load: Sequence[Case], *, first_by_http: int) -> list[Wrong]:
        by_http = load[first_by_http::HTTP_EVERY]
        others = [case for place, case in enumerate(load) if (place - first_by_http) % HTTP_EVERY]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            running = pool.map(self._directly, others)
            asked = [(case, self._by_http(case)) for case in by_http]
            asked += zip(others, running, strict=True)
        return [Wrong(case, tuple(lines)) for case, lines in asked if lines]

    def _directly(self, case: Case) -> list[str]:
        return [line for name in ASK if (line := difference(case, name, self._client))]

    def _by_http(self, case: Case) -> list[str]:
        self._clock.at = case.history.now
        return Asker(self._app, case).ask_all()

    def told(self, wrong: Wrong) -> str:
        """What is wrong, on the smallest case that shows it."""
        if not self._fails(wrong.case):
            return f"{wrong.lines}\nonly beside other histories: {wrong.case}"
        least = smallest(wrong.case, self._fails)
        self._loader.load([least.history])
        return "\n".join([*self._directly(least), *self._by_http(least), str(least)])

    def _fails(self, case: Case) -> bool:
        self._loader.load([case.history])
        return bool(self._directly(case) or self._by_http(case))

    def close(self) -> None:
        """Let go of its connections."""
        self._loader.close()
        self._client.close()


@contextmanager
def stand_on(process: Process, folder: Path) -> Iterator[Stand]:
    """One that lets go at the end."""
    stand = Stand(process, folder)
    try:
        yield stand
    finally:
        stand.close()
