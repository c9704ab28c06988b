"""A warehouse that hangs costs answers, not events: places are few, and what finds none is told at once."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

QUESTION = "/stats/dau?from=2026-11-01&to=2026-11-02"


class Hanging:
    """A question that does not come back until it is let go."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._let_go = threading.Event()
        self._inside = threading.Semaphore(0)
        self.statuses: list[int] = []
        self._threads: list[threading.Thread] = []
        answers = api.warehouse.dau

        def hang(*asked: Any) -> Any:
            self._inside.release()
            assert self._let_go.wait(30)
            return answers(*asked)

        api.warehouse.dau = hang

    def ask(self, count: int) -> None:
        """So many at once; back when all are inside."""
        for _ in range(count):
            thread = threading.Thread(target=self._one)
            thread.start()
            self._threads.append(thread)
        for _ in range(count):
            assert self._inside.acquire(timeout=30)

    def _one(self) -> None:
        client = self._api.client.application.test_client()
        self.statuses.append(client.get(QUESTION).status_code)

    def end(self) -> None:
        self._let_go.set()
        for thread in self._threads:
            thread.join(30)


@pytest.fixture
def hanging() -> Iterator[Callable[[Any], Hanging]]:
    made: list[Hanging] = []

    def make(api: Any) -> Hanging:
        made.append(Hanging(api))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_events_go_in_while_every_place_at_the_warehouse_hangs(
    make_api: Any, hanging: Callable[[Any], Hanging], event: Any
) -> None:
    api = make_api(stats_concurrency_max=4)
    hung = hanging(api)
    hung.ask(4)
    begun = time.monotonic()
    refused = api.client.get(QUESTION)
    assert (refused.status_code, refused.json["code"]) == (503, "stats_busy")
    assert refused.headers["Retry-After"] == "1"
    assert api.send([event()]).status_code == 202
    assert time.monotonic() - begun < 1
    hung.end()
    assert hung.statuses == [200] * 4
    assert api.client.get(QUESTION).status_code == 200, "the places are free again"


def test_questions_never_hold_more_than_half_of_the_threads(
    make_api: Any, hanging: Callable[[Any], Hanging]
) -> None:
    api = make_api(stats_concurrency_max=8, api_threads=4)
    hanging(api).ask(2)
    assert api.client.get(QUESTION).json["code"] == "stats_busy"


def test_a_refusal_takes_no_place(make_api: Any, hanging: Callable[[Any], Hanging]) -> None:
    api = make_api(stats_concurrency_max=1)
    hanging(api).ask(1)
    assert api.client.get(f"{QUESTION}&exact=maybe").status_code == 422
