"""What set the pace, chosen from given costs; and what a sampler's lines say."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import profiling
from benchmarks.frame.figures import Cost
from benchmarks.profiling import NoSampler, bottleneck, hottest, limiting, sampling, together


def cost(wall_s: float = 10.0, **cpu_s: float) -> Cost:
    return Cost(wall_s=wall_s, cpu_s=cpu_s, rss_peak_bytes=dict.fromkeys(cpu_s, 100), units=1_000)


def test_a_python_process_that_filled_its_core_is_the_limit() -> None:
    found = limiting(cost(api=3.0, etl=9.0, warehouse=5.0, broker=1.0), cores=2)
    assert (found.role, found.limit, found.busy, found.of) == ("etl", "its one core", 0.9, 1)


def test_a_full_machine_is_the_limit_and_named_by_who_took_most() -> None:
    found = limiting(cost(api=7.0, etl=5.0, warehouse=4.0, broker=3.0), cores=2)
    assert (found.role, found.limit) == ("api", "all cores of the machine")


def test_a_native_process_may_fill_all_cores() -> None:
    # 16 of 20 core seconds would fill one core twice; the warehouse has two of them.
    assert limiting(cost(api=1.0, warehouse=12.0), cores=2).limit == "none: it waits"
    found = limiting(cost(api=0.5, warehouse=17.2), cores=2)
    assert (found.role, found.limit, found.of) == ("warehouse", "all cores of the machine", 2)


def test_where_nothing_is_full_it_says_that_it_waits() -> None:
    found = limiting(cost(api=2.0, etl=3.0, warehouse=4.0), cores=4)
    # A quarter of the machine's four cores is less than a third of the one core the ETL has.
    assert (found.role, found.limit) == ("etl", "none: it waits")


def test_of_several_phases_the_longest_limit_counts() -> None:
    sending, storing = cost(2.0, api=1.9, etl=1.0), cost(6.0, api=0.1, etl=5.4)
    found = bottleneck([sending, storing], cores=2)
    assert (found.role, found.share, found.busy) == ("etl", 0.75, pytest.approx(0.9))
    assert str(found) == "etl, 0.90 of 1 cores, for 75% of the time; its limit: its one core"
    other = bottleneck([cost(9.0, api=8.5, etl=1.0), storing], cores=2)
    assert (other.role, other.share) == ("api", 0.6)


def test_rounds_of_the_same_limit_add_up() -> None:
    phases = [cost(4.0, api=3.9), cost(5.0, etl=4.9), cost(4.0, api=3.8)]
    found = bottleneck(phases, cores=2)
    assert (found.role, found.share) == ("api", pytest.approx(8 / 13))


def test_phases_become_one_piece_of_work() -> None:
    whole = together([cost(2.0, api=1.0, etl=0.5), cost(3.0, api=0.5, warehouse=1.0)])
    assert whole.wall_s == 5.0
    assert whole.cpu_s == {"api": 1.5, "etl": 0.5, "warehouse": 1.0}
    assert whole.units == 1_000


def test_functions_are_ranked_by_the_samples_that_ended_in_them() -> None:
    raw = """main (ops/stack/serve.py);run (etl/pipeline.py);decode (contract/wire.py) 30
main (ops/stack/serve.py);run (etl/pipeline.py) 10
main (ops/stack/serve.py);decode (contract/wire.py) 20
<module> (/some/where/deep/site-packages/pkg/mod.py) 40
"""
    hot = hottest(raw)
    assert [(each.function, each.share) for each in hot] == [
        ("decode (contract/wire.py)", 0.5),
        ("<module> (pkg/mod.py)", 0.4),
        ("run (etl/pipeline.py)", 0.1),
    ]
    assert len(hottest(raw, most=1)) == 1


def test_no_samples_are_no_functions() -> None:
    assert hottest("") == []


@pytest.fixture
def spinning() -> Iterator[int]:
    """A Python process that does one thing."""
    code = "def spin():\n    while True:\n        sum(range(1000))\nspin()"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        yield process.pid
        process.kill()


def test_a_working_process_is_sampled(spinning: int, tmp_path: Path) -> None:
    try:
        with sampling({"spinner": spinning}, directory=tmp_path) as sampled:
            subprocess.run([sys.executable, "-c", "import time; time.sleep(1)"], check=True)
    except NoSampler as why:
        # py-spy comes with the environment of the tests; what a system may forbid is looking.
        if "may not look" not in str(why):
            raise
        pytest.skip(str(why))
    (first, *_) = sampled.hot["spinner"]
    assert first.function.startswith("spin (")
    assert first.share > 0.5


def test_without_a_sampler_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with (
        pytest.raises(NoSampler, match="py-spy is not here"),
        sampling({"me": os.getpid()}, directory=tmp_path),
    ):
        pass


def test_a_process_that_cannot_be_looked_into_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoSampler, match="may not look"), sampling({"none": 2**22}, directory=tmp_path):
        pass


def test_the_worker_is_found_below_its_server() -> None:
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with subprocess.Popen([sys.executable, "-c", code]) as server:
        family = profiling.psutil.Process(server.pid)
        try:
            while not family.children() or family.children()[0].cpu_times().user < 0.3:
                subprocess.run([sys.executable, "-c", "pass"], check=True)
            assert profiling.busiest_child(server.pid) == family.children()[0].pid
        finally:
            for each in family.children():
                each.kill()
            server.kill()
