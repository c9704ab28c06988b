"""CPU and memory go to the role that used them: threads, children and children that ended too."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.processes import Watch, families, resident_bytes, spent_cpu_s
from telemetry.clock import SystemClock

# Burns a fifth of a second of CPU each time a line comes, where the first argument says so.
BURN = """
import subprocess, sys, threading, time
def burn():
    until = time.thread_time() + 0.2
    while time.thread_time() < until: pass
BURN_IN_A_CHILD = '''
import time
while time.process_time() < 0.2: pass
'''
HOLD_50_MB = 'import time; x = b"x" * 50_000_000; print(1, flush=True); time.sleep(60)'
held = []
print('ready', flush=True)
for line in sys.stdin:
    how = line.strip()
    if how == 'itself': burn()
    if how == 'thread':
        thread = threading.Thread(target=burn); thread.start(); thread.join()
    if how == 'child': subprocess.run([sys.executable, '-S', '-c', BURN_IN_A_CHILD])
    if how == 'memory':
        block = bytearray(b'x') * 100_000_000; del block
    if how == 'less memory':
        block = bytearray(b'x') * 50_000_000; del block
    if how == 'living child':
        held.append(subprocess.Popen([sys.executable, '-c', HOLD_50_MB], stdout=subprocess.PIPE))
        held[-1].stdout.readline()
        time.sleep(0.1)
    if how == 'end': break
    print('done', flush=True)
for each in held: each.kill(); each.wait()
"""
# Says what half a second of sleep costs, by a watch that looks a thousand times a second.
ASLEEP = """
import time
from benchmarks.frame.processes import Watch
from telemetry.clock import SystemClock
with Watch({}, clock=SystemClock(), sample_interval_s=0.001) as watch:
    time.sleep(0.5)
print(watch.cost().cpu_s["bench"])
"""


class Worker:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", BURN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    @property
    def pid(self) -> int:
        return self.process.pid

    def do(self, what: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def stop(self) -> None:
        self.process.communicate("end\n", timeout=10)


@pytest.fixture
def worker() -> Iterator[Callable[[], Worker]]:
    made: list[Worker] = []

    def make() -> Worker:
        made.append(Worker())
        return made[-1]

    yield make
    for each in made:
        if each.process.poll() is None:
            each.stop()


@pytest.mark.parametrize("how", ["itself", "thread", "child"])
def test_cpu_goes_to_the_role_that_burned_it(worker: Callable[[], Worker], how: str) -> None:
    busy, idle = worker(), worker()
    own_s = time.process_time()
    with Watch({"busy": busy.pid, "idle": idle.pid}, clock=SystemClock()) as watch:
        busy.do(how)
    own_s = time.process_time() - own_s
    cost = watch.cost(units=10)
    assert 0.19 < cost.cpu_s["busy"] < 0.4
    assert cost.cpu_s["idle"] < 0.02
    # Other tests left threads in this process and servers below it, which take some; what was burned is more.
    assert cost.cpu_s["bench"] < own_s + 0.15
    assert cost.wall_s >= 0.19
    assert cost.units == 10


def test_this_process_is_the_role_bench(worker: Callable[[], Worker]) -> None:
    with Watch({"idle": worker().pid}, clock=SystemClock()) as watch:
        until = time.thread_time() + 0.2
        while time.thread_time() < until:
            pass
    assert 0.19 < watch.cost().cpu_s["bench"] < 0.3
    assert watch.cost().cpu_s["idle"] < 0.02


def test_the_watch_does_not_count_itself() -> None:
    # In a process of its own: threads that other tests left in this one would count.
    done = subprocess.run([sys.executable, "-c", ASLEEP], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 0.02


def test_the_peak_is_seen_also_when_it_is_gone(worker: Callable[[], Worker]) -> None:
    one = worker()
    with Watch({"one": one.pid}, clock=SystemClock(), sample_interval_s=30) as watch:
        one.do("memory")
    assert watch.cost().rss_peak_bytes["one"] > 100_000_000
    with Watch({"one": one.pid}, clock=SystemClock(), sample_interval_s=30) as watch:
        one.do("less memory")
    assert 50_000_000 < watch.cost().rss_peak_bytes["one"] < 100_000_000, "its own peak, not an earlier one"


def test_memory_is_that_of_the_whole_family(worker: Callable[[], Worker]) -> None:
    one = worker()
    before = resident_bytes({"one": one.pid})["one"]
    with Watch({"one": one.pid}, clock=SystemClock(), sample_interval_s=0.01) as watch:
        one.do("living child")
    assert watch.cost().rss_peak_bytes["one"] > before + 50_000_000
    assert resident_bytes({"one": one.pid})["one"] > before + 50_000_000


def test_a_role_below_another_is_its_own(worker: Callable[[], Worker]) -> None:
    one = worker()
    one.do("living child")
    [child] = psutil.Process(one.pid).children()
    roots = {"one": psutil.Process(one.pid), "child": child}
    assert {role: [each.pid for each in family] for role, family in families(roots).items()} == {
        "one": [one.pid],
        "child": [child.pid],
    }
    mine = [each.pid for each in families({"bench": psutil.Process()})["bench"]]
    assert {one.pid, child.pid} <= set(mine), "children of children too"


def test_a_process_that_ends_while_it_is_measured_fails_the_bench(worker: Callable[[], Worker]) -> None:
    one = worker()
    with (
        pytest.raises(BenchFailed, match="the etl process ended while it was measured"),
        Watch({"etl": one.pid}, clock=SystemClock()),
    ):
        one.stop()


def test_a_process_that_is_not_there_fails_the_bench(worker: Callable[[], Worker]) -> None:
    one = worker()
    one.stop()
    with pytest.raises(BenchFailed, match=r"the etl process .* does not run"):
        Watch({"etl": one.pid}, clock=SystemClock())


def test_an_error_inside_is_not_hidden_and_the_watch_ends(worker: Callable[[], Worker]) -> None:
    one = worker()
    threads = threading.active_count()
    watch = Watch({"etl": one.pid}, clock=SystemClock())

    def measured() -> None:
        with watch:
            one.stop()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        measured()
    assert threading.active_count() == threads
    with pytest.raises(BenchFailed, match="before it was over"):
        watch.cost()


def test_what_a_process_has_spent_so_far(worker: Callable[[], Worker]) -> None:
    one = worker()
    before = spent_cpu_s({"one": one.pid})["one"]
    one.do("itself")
    assert spent_cpu_s({"one": one.pid})["one"] - before > 0.19
