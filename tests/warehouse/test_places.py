"""Who gets a place in the embedded warehouse, and how much memory with it."""

from contextlib import ExitStack
from dataclasses import replace
from typing import cast

import pytest

from embedded.warehouse import profiles
from embedded.warehouse.engine import Engine
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import MIB, Limits
from embedded.warehouse.memory import Memory
from embedded.warehouse.running import Running
from telemetry.clock import SystemClock

ROLES = profiles.load()
# It is asked only when a query is killed.
NO_ENGINE = cast("Engine", None)


class HandClock(SystemClock):
    now_s = 1_000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def running(clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Running:
    limits = replace(Limits(), queue_wait_s=0.01)
    made = Running(NO_ENGINE, limits, Memory(1024 * MIB, limits, clock))
    monkeypatch.setattr(made, "kill", lambda query, **_: query.killed.set())
    return made


def test_analysts_share_what_their_role_says_and_no_more(running: Running) -> None:
    with ExitStack() as stack:
        queries = [stack.enter_context(running.place(f"q{n}", ROLES["analyst"], 0.0)) for n in range(4)]
        shares = [each.memory_bytes // MIB for each in queries]
        assert shares == [512, 128, 64, 64]
        assert sum(shares) == ROLES["analyst"].memory_of_user_bytes // MIB
        with (
            pytest.raises(Refused, match="may run 4 at a time"),
            running.place("q5", ROLES["analyst"], 0.0),
        ):
            pytest.fail("a fifth was let in")
    with running.place("alone", ROLES["analyst"], 0.0) as query:
        assert query.memory_bytes == 512 * MIB


def test_readers_that_are_read_and_judged_leave_threads_to_others(running: Running) -> None:
    """A body may come as slowly as it likes: a thread waits for it."""
    limits = Limits()
    with ExitStack() as stack:
        for name, most in (("analyst", 8), ("reader", limits.reads_let_in_max)):
            for _ in range(most):
                stack.enter_context(running.let_in(ROLES[name]))
            with pytest.raises(Refused, match=f"{most} requests of user {name}"), running.let_in(ROLES[name]):
                pytest.fail("one more was let in")
        assert limits.threads - 8 - limits.reads_let_in_max >= 16
        for _ in range(limits.threads):
            stack.enter_context(running.let_in(ROLES["writer"]))
    with running.let_in(ROLES["analyst"]):
        pass


def test_a_role_without_such_a_limit_gets_what_it_says(running: Running) -> None:
    for name in ("admin", "writer", "reader"):
        with running.place(name, ROLES[name], 0.0) as query:
            assert query.memory_bytes == 0


def test_questions_leave_places_for_inserts(running: Running) -> None:
    limits = Limits()
    with ExitStack() as stack:
        for number in range(limits.reads_running_max):
            stack.enter_context(running.place(f"r{number}", ROLES["reader"], 0.0))
        with (
            pytest.raises(Refused, match="no place within"),
            running.place("one more", ROLES["reader"], 0.0),
        ):
            pytest.fail("it took a place of those who write")
        for number in range(limits.queries_running_max - limits.reads_running_max):
            stack.enter_context(running.place(f"w{number}", ROLES["writer"], 0.0))
        with (
            pytest.raises(Refused, match="no place within"),
            running.place("w more", ROLES["writer"], 0.0),
        ):
            pytest.fail("there is no such place")
    with running.place("again", ROLES["reader"], 0.0):
        assert len(running.all()) == 1


def _cancelled_in(running: Running, *, give_way: bool) -> None:
    """A question that the engine ends; by our own doing when questions had to give way."""
    with running.place("large", ROLES["reader"], 0.0) as query:
        if give_way:
            running.give_way()
        assert query.killed.is_set() == give_way
        raise Refused(394, "QUERY_WAS_CANCELLED", "Query was cancelled.")


def test_questions_give_way_to_an_insert_that_found_no_memory(running: Running, clock: HandClock) -> None:
    limits = Limits()
    with running.place("insert", ROLES["writer"], 0.0) as insert:
        with pytest.raises(Refused, match="give way to inserts") as told:
            _cancelled_in(running, give_way=True)
        assert told.value.code == 241
        assert not insert.killed.is_set()
        with ExitStack() as stack:
            little = [stack.enter_context(running.place(f"r{n}", ROLES["reader"], 0.0)) for n in range(7)]
            little += [stack.enter_context(running.place("a", ROLES["analyst"], 0.0))]
            assert {each.memory_bytes for each in little} == {64 * MIB}
            with (
                pytest.raises(Refused, match="no place within"),
                running.place("one more", ROLES["reader"], 0.0),
            ):
                pytest.fail("together they could reach the limit again")
            running.give_way()
            assert not any(each.killed.is_set() for each in little)
    clock.now_s += limits.short_of_memory_s
    with running.place("later", ROLES["reader"], 0.0) as query:
        assert query.memory_bytes == 0


def test_whoever_was_not_ended_for_an_insert_is_told_what_happened(running: Running) -> None:
    with pytest.raises(Refused, match="Query was cancelled"):
        _cancelled_in(running, give_way=False)


def test_a_small_warehouse_lets_one_question_in(clock: HandClock) -> None:
    memory = Memory(64 * MIB, Limits(), clock)
    memory.ran_out()
    assert memory.reads_max == 1
