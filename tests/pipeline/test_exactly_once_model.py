"""Any sequence of sends, re-sends, outages, torn inserts, crashes, rebalances and zombies leaves each id
once, in the table and in what is counted from it: hypothesis looks for one that does not."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.told import Crash
from pipeline.world import World

from etl.errors import EtlError, Retryable

IDS = st.integers(0, 9)
FAULT = st.sampled_from(["none"] * 8 + ["outage"] * 2 + ["crash"] * 2 + ["burn"] * 2 + ["zombie"])
ACTION = st.one_of(
    st.tuples(st.just("send"), st.lists(IDS, max_size=12)),
    st.tuples(st.just("send_other"), st.lists(IDS, max_size=4)),
    st.tuples(st.just("foreign"), st.integers(0, 1)),
    st.tuples(st.just("run"), st.integers(0, 2)),
    st.tuples(st.just("faults"), st.lists(FAULT, min_size=1, max_size=25)),
    st.tuples(st.just("join"), st.none()),
    st.tuples(st.just("kill"), st.integers(0, 2)),
    st.tuples(st.just("leave"), st.integers(0, 2)),
    st.tuples(st.just("freeze"), st.integers(0, 2)),
    st.tuples(st.just("rewind"), st.integers(0, 1)),
    st.tuples(st.just("set_rows_max"), st.integers(1, 9)),
    st.tuples(st.just("forget_tokens"), st.none()),
)


class Group:
    """Up to three ETL processes over one log and one warehouse, doing what hypothesis says."""

    def __init__(self, world: Any, record: Any) -> None:
        self.world = world
        self.record = record
        self.processes: list[Any] = [world.process()]
        self.running: Any = None
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
        kinds = {
            "none": None,
            "outage": Retryable("away"),
            "crash": Crash(),
            "zombie": self.stand_still,
        }
        self.world.faults.plan = [kinds.get(name) for name in plan if name != "burn"]
        # Known to the token log, its rows absent, and the server gone: what a kill at the rename leaves.
        self.world.faults.named = {
            "inside insert": [Retryable("killed at the rename") for name in plan if name == "burn"]
        }

    def stand_still(self) -> None:
        """The running process stands still past its session, here and now; another one takes over and works;
        then the first goes on as if nothing had been."""
        stopped, self.running = self.running, None
        if stopped is None or stopped.source not in self.world.log.members:
            return
        stopped.source.die()
        successor = self.world.process()
        self.processes.append(successor)
        self.run(successor)

    def do_join(self, _: None) -> None:
        if len(self.processes) < 3:
            self.processes.append(self.world.process())

    def do_kill(self, index: int) -> None:
        self.end(self.processes[index % len(self.processes)])

    def do_leave(self, index: int) -> None:
        process = self.processes.pop(index % len(self.processes))
        process.source.close()
        self.someone()

    def do_freeze(self, index: int) -> None:
        """Past its session between two turns: what it had begun to load is still in its hands."""
        source = self.processes[index % len(self.processes)].source
        if source in self.world.log.members:
            source.die()

    def do_rewind(self, partition: int) -> None:
        """An operator resets the group's offsets to the beginning, everybody having left."""
        for process in self.processes:
            process.source.close()
        self.processes.clear()
        self.world.log.committed[partition] = 0
        self.world.log.said.pop(partition, None)
        self.someone()

    def do_set_rows_max(self, rows_max: int) -> None:
        """Processes that start from now on cut in other places."""
        self.world.limits = replace(self.world.limits, batch_rows_max=rows_max)

    def do_forget_tokens(self, _: None) -> None:
        """The warehouse loses its deduplication log, with nobody writing."""
        for process in list(self.processes):
            self.end(process)
        self.world.store.tokens.clear()
        self.world.store.tokens_counted.clear()

    def do_run(self, index: int) -> None:
        self.run(self.processes[index % len(self.processes)])

    def run(self, process: Any) -> None:
        self.running = process
        try:
            for _ in range(8):
                process.pipeline.run_once()
                self.running = process
        except Crash:
            self.end(process)
        except EtlError:
            # A source that broke is closed, and another one opened.
            self.processes.remove(process)
            process.source.close()
        self.running = None
        self.someone()

    def end(self, process: Any) -> None:
        self.processes.remove(process)
        if process.source in self.world.log.members:
            process.source.die()
        self.someone()

    def someone(self) -> None:
        if not self.processes:
            self.do_join(None)

    def settle(self) -> None:
        self.world.faults.plan = []
        self.world.faults.named = {}
        while len(self.processes) > 1:
            self.do_leave(0)
        self.world.drain(self.processes[0])


@settings(max_examples=400, deadline=None)
@given(actions=st.lists(ACTION, max_size=40))
def test_each_id_is_there_once_and_the_first_one_won(record: Any, actions: list[tuple[str, Any]]) -> None:
    group = Group(World(), record)
    for verb, argument in actions:
        group.do(verb, argument)
    group.settle()
    world = group.world
    said = {row["event_id"]: row["user_id"] for row in world.store.rows}
    assert world.each_once()
    assert said == group.first_said
    foreign = {(p, r.offset) for p, records in world.log.records.items() for r in records if r.key is None}
    assert {(p, letter.record.offset) for p, letter in world.letters.letters} == foreign
