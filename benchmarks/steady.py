"""How old is an event when it can first be seen, at a steady load that leaves the machine room?

An open loop sends, and meanwhile the warehouse is asked again and again up to which offset of each partition
it shows events, in raw and in the aggregate both. Within a partition events become visible in their order,
so that each event's first sight is known: the first answer that reaches its offset. Its age then counts
from `received_at`, before the broker had acknowledged it. An age is thus at most the time between two
questions too long, and never too short.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec import structs

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import quantile
from benchmarks.frame.load.report import Report, require_kept_up
from benchmarks.frame.session import Session
from benchmarks.path import Batch, Way

ASK_EVERY_S = 0.05
SEEN_WITHIN_S = 60
CONNECTIONS = 64
A_REQUEST = 20

SEEN = """
SELECT kafka_partition, min(seen) FROM
(
    SELECT kafka_partition, max(kafka_offset) AS seen FROM events_raw GROUP BY kafka_partition
    UNION ALL
    SELECT kafka_partition, max(kafka_offset_max) FROM events_by_quarter_hour GROUP BY kafka_partition
)
GROUP BY kafka_partition
"""
RECEIVED = """
SELECT kafka_partition, kafka_offset, toUnixTimestamp64Milli(received_at) FROM events_raw
WHERE received_at >= fromUnixTimestamp64Milli({since:Int64})
"""


@dataclass(frozen=True, slots=True)
class Steady:
    """One run: ages at first sight, and how the requests fared."""

    ages_s: list[float]
    report: Report

    def age_s(self, share: float) -> float:
        """The quantile over all events."""
        return quantile(self.ages_s, share)


@dataclass(slots=True)
class Sightings:
    """When each answer came, and how far each partition was shown in it."""

    at_ms: list[int] = field(default_factory=list)
    seen: list[Mapping[int, int]] = field(default_factory=list)

    def add(self, at_ms: int, seen: Mapping[int, int]) -> None:
        self.at_ms.append(at_ms)
        self.seen.append(seen)

    def ages_ms(self, received: Iterable[tuple[int, int, int]]) -> list[int]:
        """Of events (partition, offset, received at): how old each was when it was first seen.

        Raises BenchFailed for one that never was.
        """
        reached: dict[int, list[int]] = defaultdict(list)
        partitions = {partition for seen in self.seen for partition in seen}
        for seen in self.seen:
            for partition in partitions:
                # What was seen once stays seen.
                before = reached[partition][-1] if reached[partition] else -1
                reached[partition].append(max(before, seen.get(partition, -1)))
        ages = []
        for partition, offset, received_at_ms in received:
            first = bisect_left(reached[partition], offset)
            if first == len(self.at_ms):
                raise BenchFailed(f"offset {offset} of partition {partition} was stored and never seen")
            ages.append(self.at_ms[first] - received_at_ms)
        return ages


def run(session: Session, way: Way, *, rate: int, seconds: float) -> Steady:
    """Send `rate` events a second for so long, and watch them appear.

    Raises Void when one is missing, GeneratorLate when they were not sent when they were due.
    """
    load = way.load(Batch(int(rate * seconds), A_REQUEST, CONNECTIONS))
    load = structs.replace(load, kind="open", rate=rate / A_REQUEST, seed=session.seed)
    since_ms = int(session.clock.now().timestamp() * 1000)
    sightings = Sightings()
    with way.generators([load]) as generators:
        generators.go()
        deadline = session.clock.monotonic() + seconds + SEEN_WITHIN_S
        while min(way.counts()) < way.known.events:
            _look(session, way, sightings)
            if session.clock.monotonic() > deadline:
                raise BenchFailed(f"{SEEN_WITHIN_S} s after the last event not all were visible")
        _look(session, way, sightings)
        report = generators.result(late=True)
    way.accepted += report.total
    way.check()
    # Only now: what a late generator sent is in the tables too.
    require_kept_up(report)
    received = way.reader.query(RECEIVED, parameters={"since": since_ms}).result_rows
    session.check("events whose first sight is known", int(rate * seconds), len(received))
    ages_ms = sightings.ages_ms((int(p), int(offset), int(at_ms)) for p, offset, at_ms in received)
    return Steady([age_ms / 1000 for age_ms in ages_ms], report)


def _look(session: Session, way: Way, sightings: Sightings) -> None:
    session.clock.sleep(ASK_EVERY_S)
    rows: Sequence[tuple[int, int]] = way.reader.query(SEEN).result_rows  # type: ignore[assignment]
    # The time after the answer: an event may not be called visible before it was.
    sightings.add(int(session.clock.now().timestamp() * 1000), dict(rows))
