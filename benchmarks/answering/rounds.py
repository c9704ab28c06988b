"""Rounds of questions: each is put to the large warehouse, to the small one and to raw events, by turns."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median

from clickhouse_connect.driver.client import Client

from benchmarks.answering.questions import Asked, Question, ask_raw
from benchmarks.frame.figures import quantile
from benchmarks.frame.session import Session
from clickhouse.warehouse import Warehouse
from telemetry.clock import Clock

P95 = 0.95
FASTER = 0.1
GROWTH_MAX = 2.0
MS = 1_000


@dataclass(frozen=True, slots=True)
class Month:
    """A filled warehouse, and where a reader finds it; who answers, who asks it as a reader, who asks the
    same in raw SQL, and how one more event arrives."""

    answers: Warehouse
    client: Client
    raw: Client
    dsn: str
    asked: Asked
    events: int
    arrive: Callable[[], None]
    clock: Clock

    def answerer(self, question: Question) -> Warehouse:
        """Whom to ask: who has read these days before the last event came, or somebody new."""
        if not question.again:
            return Warehouse(self.client, clock=self.clock)
        self.arrive()
        return self.answers


@dataclass(slots=True)
class Taken:
    """Of one question: what a round came to, round by round."""

    p95_s: list[float] = field(default_factory=list)
    growth: list[float] = field(default_factory=list)
    of_raw: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Months:
    """The two that are asked by turns, on one session."""

    session: Session
    large: Month
    small: Month

    def ask(self, question: Question, times: int) -> tuple[list[float], list[float]]:
        """So many times each, by turns: what disturbs the machine meets both alike. Seconds."""
        took: tuple[list[float], list[float]] = ([], [])
        for _ in range(times):
            for month, seconds in zip((self.large, self.small), took, strict=True):
                answers = month.answerer(question)
                seconds.append(self._timed(partial(question.ask, answers, month.asked)))
        return took

    def ask_raw(self, question: Question) -> float:
        """The same question to the raw events of the large one. Seconds."""
        return self._timed(partial(ask_raw, self.large.raw, question, self.large.asked))

    def _timed(self, work: Callable[[], object]) -> float:
        began = self.session.clock.monotonic()
        work()
        return self.session.clock.monotonic() - began


def take(
    months: Months, asks: Sequence[Question], *, rounds: int, times: Callable[[Question], int]
) -> dict[str, Taken]:
    """So many rounds, after one question of each kind that warms up."""
    session, taken = months.session, {each.key: Taken() for each in asks}
    for question in asks:
        months.ask(question, 1)
    for number in range(rounds):
        for question in asks:
            session.steady(partial(_round, months, question, times(question), taken[question.key]))
        session.say(f"round {number + 1}/{rounds} of {len(asks)} questions")
    return taken


def tell(session: Session, asks: Sequence[Question], taken: dict[str, Taken], *, judged: bool) -> None:
    """The figures: how long, how much longer than a tenth of it, how much shorter than raw. `judged`: the
    targets speak of a month as large as this."""
    for each in asks:
        session.figure(
            f"stats.p95.{each.key}",
            f"{each.name}: p95",
            "ms",
            [seconds * MS for seconds in taken[each.key].p95_s],
            target=each.limit_ms if judged else None,
            note="of each round",
        )
    for each in asks:
        session.figure(
            f"stats.growth.{each.key}",
            f"{each.name}: ten times the events, so many times the time",
            "x",
            taken[each.key].growth,
            target=None if each.in_segment else GROWTH_MAX,
            gates=judged and not each.in_segment,
        )
    for each in asks:
        if each.raw:
            session.figure(
                f"stats.raw.{each.key}",
                f"{each.name}: time, of the same question to raw events",
                "x",
                taken[each.key].of_raw,
                target=FASTER,
                gates=judged,
            )


def _round(months: Months, question: Question, times: int, taken: Taken) -> None:
    large_s, small_s = months.ask(question, times)
    taken.p95_s.append(quantile(large_s, P95))
    taken.growth.append(median(large_s) / median(small_s))
    if question.raw:
        taken.of_raw.append(median(large_s) / months.ask_raw(question))
