"""Rounds of questions: each is put to the large warehouse, to the small one and to raw events, by turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from clickhouse_connect.driver.client import Client

from benchmarks.answering.questions import Asked, Question, ask_raw
from benchmarks.frame.figures import quantile
from benchmarks.frame.session import Session
from clickhouse.warehouse import Warehouse

P95 = 0.95
FASTER = 0.1
GROWTH_MAX = 2.0
MS = 1_000


@dataclass(frozen=True, slots=True)
class Month:
    """A filled warehouse: who answers, and who is asked the same in raw SQL."""

    answers: Warehouse
    client: Client
    asked: Asked
    events: int


@dataclass(slots=True)
class Taken:
    """Of one question: what a round came to, round by round."""

    p95_s: list[float] = field(default_factory=list)
    growth: list[float] = field(default_factory=list)
    of_raw: list[float] = field(default_factory=list)


def take(
    session: Session,
    asks: Sequence[Question],
    large: Month,
    small: Month,
    *,
    rounds: int,
    times: Callable[[Question], int],
) -> dict[str, Taken]:
    """So many rounds, after one question of each kind that warms up."""
    taken = {each.key: Taken() for each in asks}
    for question in asks:
        _both(session, question, large, small, 1)
    for number in range(rounds):
        for question in asks:
            session.steady(lambda q=question: _round(session, q, large, small, times(q), taken[q.key]))
        session.say(f"round {number + 1}/{rounds} of {len(asks)} questions")
    return taken


def tell(session: Session, asks: Sequence[Question], taken: dict[str, Taken], *, gates: bool) -> None:
    """The figures: how long, how much longer than a tenth of it, how much shorter than raw."""
    for each in asks:
        session.figure(
            f"stats.p95.{each.key}",
            each.name,
            "ms",
            [seconds * MS for seconds in taken[each.key].p95_s],
            target=each.limit_ms,
            note="p95 of each round",
        )
    for each in asks:
        session.figure(
            f"stats.growth.{each.key}",
            f"{each.name}: ten times the events, so many times the time",
            "x",
            taken[each.key].growth,
            target=None if each.in_segment else GROWTH_MAX,
            gates=gates and not each.in_segment,
        )
    for each in asks:
        if each.raw:
            session.figure(
                f"stats.raw.{each.key}",
                f"{each.name}: time, of the same question to raw events",
                "x",
                taken[each.key].of_raw,
                target=FASTER,
                gates=gates,
            )


def _round(
    session: Session, question: Question, large: Month, small: Month, times: int, taken: Taken
) -> None:
    large_s, small_s = _both(session, question, large, small, times)
    if question.raw:
        began = session.clock.monotonic()
        ask_raw(large.client, question, large.asked)
        taken.of_raw.append(median(large_s) / (session.clock.monotonic() - began))
    taken.p95_s.append(quantile(large_s, P95))
    taken.growth.append(median(large_s) / median(small_s))


def _both(
    session: Session, question: Question, large: Month, small: Month, times: int
) -> tuple[list[float], list[float]]:
    """By turns, so that what disturbs the machine meets both alike."""
    took: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for month, seconds in zip((large, small), took, strict=True):
            began = session.clock.monotonic()
            question.ask(month.answers, month.asked)
            seconds.append(session.clock.monotonic() - began)
    return took
