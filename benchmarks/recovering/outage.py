"""The ETL is killed under a live load, started again, and catches up while the load goes on.

What stands in the way is measured from outside: offsets that the log holds, and offsets that the group has
committed. Usual is the largest lag of the seconds before the kill; caught up is the first look that finds no
more than that. Drained is all that was committed from the kill until then, over the time since the new
process had its partitions: reading, redoing and checking the torn range are in it, starting is not.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, TopicPartition

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Session
from benchmarks.recovering.feeding import Fed
from contract.topics import EVENTS
from embedded.supervisor import BACKOFF_FIRST_S

LOOK_EVERY_S = 0.1
# Until the first, small ranges are over.
SETTLE_S = 2.0
USUAL_S = 4.0
# With more than this waiting the ETL does not keep up with the load, and no lag of it is usual.
USUAL_MAX_S = 3.0
WITHIN_S = 90.0
ANSWER_WITHIN_S = 10.0


class Progress(Protocol):
    """How far the log is written, and how far it is committed: sums of offsets over the partitions."""

    def written(self) -> int: ...
    def committed(self) -> int: ...


class Killable(Protocol):
    """The ETL: begun, killed, and what it says of itself."""

    def begin(self) -> None: ...
    def kill(self) -> None: ...
    def partitions(self) -> int: ...
    def require_alive(self) -> None: ...
    def last_words(self) -> str: ...


class Load(Protocol):
    """The feeder."""

    def go(self) -> None: ...
    def stop(self) -> Fed: ...


class GroupProgress:
    """Of the events' topic and one group, asked of the broker; never a member of it."""

    def __init__(self, bootstrap: str, group: str) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0, "enable.auto.commit": False}
        )
        self._partitions = [TopicPartition(EVENTS.name, number) for number in range(EVENTS.partitions)]

    def __enter__(self) -> "GroupProgress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def written(self) -> int:
        """Offsets that the log holds. Raises BenchFailed."""
        try:
            return sum(
                self._consumer.get_watermark_offsets(each, timeout=ANSWER_WITHIN_S)[1]
                for each in self._partitions
            )
        except KafkaException as error:
            raise BenchFailed(f"the broker does not say how much it holds: {error.args[0].str()}") from None

    def committed(self) -> int:
        """Offsets that the group is done with. Raises BenchFailed."""
        try:
            found = self._consumer.committed(self._partitions, timeout=ANSWER_WITHIN_S)
        except KafkaException as error:
            raise BenchFailed(f"the broker does not say what is committed: {error.args[0].str()}") from None
        return sum(max(0, each.offset) for each in found)


@dataclass(slots=True)
class Outage:
    """One kill and what came of it."""

    usual_lag: int
    first_commit_s: float
    assigned_s: float
    backlog: int
    drained: int
    arrived: int
    catching_up_s: float
    fed: Fed = field(default_factory=lambda: Fed(0, False, 0.0))

    @property
    def ratio(self) -> float:
        """Drained by arrived, over the same time."""
        return self.drained / self.arrived


def outage(session: Session, etl: Killable, load: Load, progress: Progress, *, rate: int) -> Outage:
    """Kill a running ETL under `load`, start another, and let it catch up; the load has ended afterwards.

    Raises BenchFailed when it does not keep up before, or does not come back, or the load ends first.
    """
    clock = session.clock
    etl.begin()
    _until(session, etl, "partitions", lambda: etl.partitions() >= EVENTS.partitions)
    load.go()
    _until(session, etl, "commit", lambda: progress.committed() > 0)
    clock.sleep(SETTLE_S)
    usual = _usual_lag(session, progress)
    if usual > USUAL_MAX_S * rate:
        raise BenchFailed(
            f"the ETL lags by {usual} events under {rate} a second before anything is killed: it does not "
            "keep up here; choose a quieter machine"
        )
    etl.kill()
    killed_at, before = clock.monotonic(), progress.committed()
    # What starts it again waits as long as the local stack's supervisor does.
    clock.sleep(BACKOFF_FIRST_S)
    etl.begin()
    _until(session, etl, "partitions", lambda: etl.partitions() >= EVENTS.partitions)
    assigned_at, written = clock.monotonic(), progress.written()
    _until(session, etl, "commit", lambda: progress.committed() > before)
    first_commit_s = clock.monotonic() - killed_at
    # Committed is asked first: what arrives between the two questions counts as lag, never the reverse.
    done = progress.committed()
    while (end := progress.written()) - done > usual:
        etl.require_alive()
        if clock.monotonic() - assigned_at > WITHIN_S:
            raise BenchFailed(
                f"{WITHIN_S:.0f} s after its start the ETL lags by {end - done} events, usual are {usual}: "
                f"{etl.last_words()}"
            )
        clock.sleep(LOOK_EVERY_S)
        done = progress.committed()
    if end == written:
        raise BenchFailed("nothing arrived while the ETL caught up: there is nothing to compare with")
    found = Outage(
        usual_lag=usual,
        first_commit_s=first_commit_s,
        assigned_s=assigned_at - killed_at,
        backlog=written - before,
        drained=done - before,
        arrived=end - written,
        catching_up_s=clock.monotonic() - assigned_at,
    )
    found.fed = load.stop()
    if found.fed.ran_out:
        raise BenchFailed("the load ended before the ETL had caught up: nothing was measured; feed longer")
    return found


def _usual_lag(session: Session, progress: Progress) -> int:
    """The largest of some seconds."""
    ends_at, lags = session.clock.monotonic() + USUAL_S, [0]
    while session.clock.monotonic() < ends_at:
        session.clock.sleep(LOOK_EVERY_S)
        done = progress.committed()
        lags.append(progress.written() - done)
    return max(lags)


def _until(session: Session, etl: Killable, what: str, there: Callable[[], bool]) -> None:
    deadline = session.clock.monotonic() + WITHIN_S
    while not there():
        etl.require_alive()
        if session.clock.monotonic() > deadline:
            raise BenchFailed(f"the ETL has no {what} within {WITHIN_S:.0f} s: {etl.last_words()}")
        session.clock.sleep(LOOK_EVERY_S)
