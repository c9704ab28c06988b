"""Which questions share a handle of the embedded warehouse's engine, and which never do."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from embedded.warehouse.engine import Engine
from embedded.warehouse.errors import Refused
from embedded.warehouse.handles import Handles, Setup

KEPT_MAX = 2
READS = Setup("ugc", (("max_threads", "2"),), (("readonly", "1"),))
OTHERS = (
    Setup("default", READS.settings, READS.last),
    Setup("ugc", (("max_threads", "1"),), READS.last),
    Setup("ugc", READS.settings),
)


@dataclass
class Made:
    """In the place of a handle: remembers what it was told."""

    told: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    refuses: bool = False

    def prepare(self, **told: Any) -> None:
        if self.refuses:
            raise Refused(81, "UNKNOWN_DATABASE", "There is none.")
        self.told.append(told)

    def close(self) -> None:
        assert not self.closed
        self.closed = True


@dataclass
class Making:
    """In the place of an engine."""

    made: list[Made] = field(default_factory=list)
    refuses: bool = False

    def handle(self) -> Made:
        self.made.append(Made(refuses=self.refuses))
        return self.made[-1]


@pytest.fixture
def engine() -> Making:
    return Making()


@pytest.fixture
def handles(engine: Making) -> Iterator[Handles]:
    yield (made := Handles(cast("Engine", engine), KEPT_MAX))
    made.close()
    assert all(each.closed for each in engine.made)


def test_the_next_question_takes_what_is_set_up(engine: Making, handles: Handles) -> None:
    for _ in range(3):
        with handles.lent(READS):
            pass
    (made,) = engine.made
    assert made.told == [{"database": "ugc", "settings": {"max_threads": "2"}, "last": {"readonly": "1"}}]
    assert not made.closed


@pytest.mark.parametrize("other", OTHERS, ids=["database", "settings", "rights"])
def test_whoever_needs_anything_else_gets_another(engine: Making, handles: Handles, other: Setup) -> None:
    for setup in (READS, other):
        with handles.lent(setup):
            pass
    assert len(engine.made) == 2


def test_two_at_once_have_two(handles: Handles) -> None:
    with handles.lent(READS) as one, handles.lent(READS) as another:
        assert one is not another


def test_what_failed_is_not_lent_again(engine: Making, handles: Handles) -> None:
    with pytest.raises(ZeroDivisionError), handles.lent(READS):
        raise ZeroDivisionError
    assert engine.made[0].closed
    with handles.lent(READS):
        pass
    assert len(engine.made) == 2


def test_what_cannot_be_set_up_is_let_go(engine: Making, handles: Handles) -> None:
    engine.refuses = True
    with pytest.raises(Refused, match="There is none"), handles.lent(READS):
        pytest.fail("it was lent")
    assert engine.made[0].closed


def test_only_so_many_wait(engine: Making, handles: Handles) -> None:
    with ExitStack() as stack:
        for _ in range(KEPT_MAX + 1):
            stack.enter_context(handles.lent(READS))
    assert [each.closed for each in engine.made].count(False) == KEPT_MAX
