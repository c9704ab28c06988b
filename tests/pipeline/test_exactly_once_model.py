"""Any sequence of sends, re-sends, outages, crashes and rebalances leaves each id once: hypothesis looks for
one that does not."""

from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from etl.errors import EtlError, Retryable

IDS = st.integers(0, 9)
FAULT = st.sampled_from(["none"] * 6 + ["outage", "outage", "crash"])
ACTION = st.one_of(
    st.tuples(st.just("send"), st.lists(IDS, max_size=12)),
    st.tuples(st.just("send_other"), st.lists(IDS, max_size=4)),
    st.tuples(st.just("foreign"), st.integers(0, 1)),
    st.tuples(st.just("run"), st.integers(0, 2)),
    st.tuples(st.just("faults"), st.lists(FAULT, min_size=1, max_size=25)),
    st.tuples(st.just("join"), st.none()),
    st.tuples(st.just("kill"), st.integers(0, 2)),
    st.tuples(st.just("leave"), st.integers(0, 2)),
)


class Group:
    """Up to three ETL processes over one log and one warehouse, doing what hypothesis says."""

    def __init__(self, world: Any, parts: Any, record: Any) -> None:
        self.world = world
        self.parts = parts
        self.record = record
        self.processes: list[Any] = [world.process()]
        self.first_said: dict[str, str] = {}

    def do(self, verb: str, argument: Any) -> None:
        getattr(self, f"do_{verb}")(argument)

    def do_send(self, numbers: list[int], user_id: str = "first") -> None:
        for number in numbers:
            sent = self.record(number, user_id=user_id)
            self.first_said.setdefault(str(UUID(int=number)), user_id)
            self.world.log.send(sent)

    def do_send_other(self, numbers: list[int]) -> None:
        self.do_send(numbers, user_id="second")

    def do_foreign(self, partition: int) -> None:
        self.world.log.append(b"foreign", partition=partition)

    def do_faults(self, plan: list[str]) -> None:
        kinds = {"none": None, "outage": Retryable("away"), "crash": self.parts.Crash()}
        self.world.faults.plan = [kinds[name] for name in plan]

    def do_join(self, _: None) -> None:
        if len(self.processes) < 3:
            self.processes.append(self.world.process())

    def do_kill(self, index: int) -> None:
        self.processes.pop(index % len(self.processes)).source.die()
        if not self.processes:
            self.do_join(None)

    def do_leave(self, index: int) -> None:
        self.processes.pop(index % len(self.processes)).source.close()
        if not self.processes:
            self.do_join(None)

    def do_run(self, index: int) -> None:
        process = self.processes[index % len(self.processes)]
        try:
            for _ in range(8):
                process.pipeline.run_once()
        except self.parts.Crash:
            self.processes.remove(process)
            process.source.die()
        except EtlError:
            # A source that broke is closed, and another one opened.
            self.processes.remove(process)
            process.source.close()
        if not self.processes:
            self.do_join(None)

    def settle(self) -> None:
        self.world.faults.plan = []
        while len(self.processes) > 1:
            self.do_leave(0)
        self.world.drain(self.processes[0])


@settings(max_examples=300, deadline=None)
@given(actions=st.lists(ACTION, max_size=40))
def test_each_id_is_there_once_and_the_first_one_won(
    make_world: Any, parts: Any, record: Any, actions: list[tuple[str, Any]]
) -> None:
    group = Group(make_world(), parts, record)
    for verb, argument in actions:
        group.do(verb, argument)
    group.settle()
    world = group.world
    said = {row["event_id"]: row["user_id"] for row in world.store.rows}
    assert len(world.store.rows) == len(said) == world.store.counted
    assert said == group.first_said
    foreign = {(p, r.offset) for p, records in world.log.records.items() for r in records if r.key is None}
    assert {(p, letter.record.offset) for p, letter in world.letters.letters} == foreign
