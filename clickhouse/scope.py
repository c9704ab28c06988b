"""Of whom and of which days a question is: what every question of the stats API has in common."""

from dataclasses import dataclass

from clickhouse.segments import Segment


@dataclass(frozen=True, slots=True)
class Scope:
    """The zone whose days are meant, the segments all of which an event must fit, and whether bots count.

    `tz` is a name that `zones` knows; whoever takes it from outside has checked that. `exact` asks for an
    exact answer where a quicker one would do; an answer that is exact anyway does not change.
    """

    tz: str = "UTC"
    segments: tuple[Segment, ...] = ()
    bots: bool = False
    exact: bool = False
