"""What a load came to. Every latency is kept; a request that failed is one that never came back."""

import math
from collections.abc import Sequence
from typing import Literal, TypeVar

from msgspec import Struct

from benchmarks.frame.errors import BenchFailed

# Later than this for more than one request in a hundred, and the figure would be the generator's own.
LATE_MAX_S = 0.02
# Of one core: beyond it the generator is what is measured.
BUSY_MAX = 0.9
# The share of a core that something took in less than this says nothing.
BUSY_SEEN_S = 0.5
OK_STATUSES = range(200, 300)

Key = TypeVar("Key", int, str)


class GeneratorLate(BenchFailed):
    """The load generator could not do what it should have done; its figure is refused, not flattered."""


class Report(Struct, frozen=True, kw_only=True):
    """One generator's requests.

    `latencies_s` are those of 2xx answers; in an open loop from when each was due, in a closed one from when
    it was sent. `late_s` is how long after it was due the generator itself got round to each request, before
    it looked for a connection. `total` is the sum of the number that each 2xx answer gave, see Load.total_of.
    """

    kind: Literal["open", "closed"]
    sent: int
    wall_s: float
    cpu_s: float
    latencies_s: list[float]
    late_s: list[float]
    statuses: dict[int, int]
    # No answer: what went wrong, and how often.
    failures: dict[str, int]
    connections: int
    total: int = 0
    first_bad_answer: str = ""

    @property
    def ok(self) -> int:
        """Requests answered 2xx."""
        return len(self.latencies_s)

    @property
    def failed(self) -> int:
        """Requests answered otherwise, or not at all."""
        return self.sent - self.ok

    @property
    def rate(self) -> float:
        """2xx answers a second."""
        return self.ok / self.wall_s

    def quantile_s(self, share: float) -> float:
        """The smallest latency that at least `share` of all requests did not exceed; nothing interpolated.

        Infinite where so many failed: an error that comes quickly is not a quick answer.
        """
        return quantile_of(self.latencies_s, share, of=self.sent)

    @property
    def late_p99_s(self) -> float:
        """How late the generator itself was, for all but one request in a hundred."""
        return quantile_of(self.late_s, 0.99, of=len(self.late_s)) if self.late_s else 0.0

    @property
    def busy(self) -> float:
        """The share of one core that the generator took."""
        return self.cpu_s / self.wall_s if self.wall_s else 0.0


def quantile_of(samples: Sequence[float], share: float, *, of: int) -> float:
    """The quantile of `of` samples, of which those that are not in `samples` are infinite."""
    if of < 1 or not 0 < share <= 1:
        raise ValueError(f"no quantile {share} of {of} samples")
    rank = max(1, math.ceil(of * share))
    return sorted(samples)[rank - 1] if rank <= len(samples) else math.inf


def merged(reports: Sequence[Report]) -> Report:
    """Several generators that ran side by side, as one. `busy` of it is the sum of theirs."""
    first = reports[0]
    return Report(
        kind=first.kind,
        sent=sum(each.sent for each in reports),
        wall_s=max(each.wall_s for each in reports),
        cpu_s=sum(each.cpu_s for each in reports),
        latencies_s=[x for each in reports for x in each.latencies_s],
        late_s=[x for each in reports for x in each.late_s],
        statuses=_summed([each.statuses for each in reports]),
        failures=_summed([each.failures for each in reports]),
        connections=sum(each.connections for each in reports),
        total=sum(each.total for each in reports),
        first_bad_answer=next((each.first_bad_answer for each in reports if each.first_bad_answer), ""),
    )


def require_all_answered(report: Report) -> None:
    """Raises BenchFailed unless every request was answered 2xx."""
    if report.failed:
        statuses = {s: n for s, n in report.statuses.items() if s not in OK_STATUSES}
        told = f"; the first said: {report.first_bad_answer}" if report.first_bad_answer else ""
        raise BenchFailed(
            f"{report.failed} of {report.sent} requests were not answered 2xx "
            f"(statuses {statuses}, no answer {report.failures}){told}"
        )


def require_kept_up(report: Report) -> None:
    """Raises GeneratorLate when the generator was what was measured: it sent late, or had no time left."""
    if report.kind == "open" and report.late_p99_s > LATE_MAX_S:
        raise GeneratorLate(
            f"the load generator could not keep its schedule: 1 % of the requests were due more than "
            f"{report.late_p99_s * 1000:.0f} ms before it got round to them (at most "
            f"{LATE_MAX_S * 1000:.0f} ms are believed); lower the rate or use more generators"
        )
    if report.wall_s >= BUSY_SEEN_S and report.busy > BUSY_MAX:
        raise GeneratorLate(
            f"the load generator was busy {report.busy:.0%} of a core, so it and not the server set the "
            f"pace (at most {BUSY_MAX:.0%} are believed); lower the load or use more generators"
        )


def _summed(counts: Sequence[dict[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = {}
    for each in counts:
        for key, count in each.items():
            total[key] = total.get(key, 0) + count
    return total
