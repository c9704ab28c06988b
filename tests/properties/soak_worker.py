"""One process of the long comparison: a warehouse of its own, and a round after the other as it is told."""

import logging
import os
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import structlog
from properties.loading import warehouse_on
from properties.questions import case
from properties.stand import Stand, stand_on

ROUND = 100
# Of one round; each is made smaller first, and a broken warehouse makes all of them wrong.
TOLD_MAX = 3


@dataclass
class Round:
    """What was seen in one."""

    histories: int = 0
    events: int = 0
    with_segments: int = 0
    in_other_zones: int = 0
    different: list[str] = field(default_factory=list)


def work(orders: Connection, folder: Path) -> None:
    """Compare a round from each number that comes, until none can come any more."""
    # A signal for whoever gives the orders is not for us, nor for the warehouse: the round is finished.
    os.setsid()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    (folder / "collector").mkdir(parents=True)
    with (
        warehouse_on(folder / "warehouse") as process,
        stand_on(process, folder / "collector") as stand,
        suppress(EOFError, OSError),
    ):
        while True:
            orders.send(compare(stand, orders.recv()))


def compare(stand: Stand, first: int) -> Round:
    """The round of the cases from number `first` on; what goes wrong is in it, never raised."""
    try:
        cases = [case(number) for number in range(first, first + ROUND)]
        wrong = stand.wrong(cases)
        different = [stand.told(each) for each in wrong[:TOLD_MAX]]
        different += [f"{each.case}: {each.lines}" for each in wrong[TOLD_MAX:]]
    except Exception:  # noqa: BLE001 - whatever it is, the others go on and it is reported
        return Round(different=[f"from {first} on: {traceback.format_exc()}"])
    return Round(
        histories=len(cases),
        events=sum(len(case.history.events()) for case in cases),
        with_segments=sum(bool(case.asked.segments) for case in cases),
        in_other_zones=sum(case.asked.tz != "UTC" for case in cases),
        different=different,
    )
