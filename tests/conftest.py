"""What every test may rely on: nothing of the person's own settings leaks in, and real services on demand.

A broker and a warehouse are started at most once a run, by the first test that asks for one, on ports the
system gives. A test that asks for neither starts neither.
"""

import gc
import os
import shutil
import signal
import sys
import zoneinfo
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import ready_made

from embedded.ports import free_port
from embedded.stack_settings import StackSettings
from telemetry.settings import ROLES, Role

# Python's own zones, of the list that the product is locked to: what it says is held against these.
zoneinfo.reset_tzpath(to=())

# Files that take turns on one worker, group by group: what they share, a broker and a warehouse, is started
# once for each. The first group that a file fits is its own.
TOGETHER = (
    # These use none of it.
    ("tests/faults/test_kill_campaign.py",),
    (
        "tests/faults/test_changed_logs.py",
        "tests/faults/test_process.py",
        "tests/faults/test_replay_and_stop.py",
    ),
    ("tests/faults/",),
)


# What takes longest, longest first: begun last, it would leave the other workers idle at the end.
LONGEST = ("tests/faults", "tests/properties", "tests/benchmarks", "tests/end_to_end", "tests/pipeline")


# Files that live for seconds are kept in memory where there is room: a disk spends a twentieth of a run's CPU
# on finding places for new ones among those just deleted.
IN_MEMORY = Path("/dev/shm")
IN_MEMORY_BYTES_MIN = 4 * 2**30


def pytest_configure() -> None:
    """What a shell starts in the background is deaf to Ctrl-C, and all that the tests start would be."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # As `ugc` does for itself and for what it starts.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= IN_MEMORY_BYTES_MIN:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))
    # A pause of the machine is no fault of an example.
    hypothesis.settings.register_profile("unhurried", deadline=None)
    hypothesis.settings.load_profile("unhurried")
    ready_made.share()


def pytest_collection_finish() -> None:
    """Thousands of tests are no garbage; looking through them again and again costs as some of them."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """Or what is left of them looks like a leak to a library that counts."""
    gc.unfreeze()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files in the order in which they are begun: long ones, others that start processes, fast ones."""
    starts_processes = {item.path for item in items if item.get_closest_marker("stack")}

    def order(item: pytest.Item) -> tuple[int, int]:
        file = item.nodeid.partition("::")[0]
        longest = [place for place, each in enumerate(LONGEST) if file.startswith(each)]
        if item.path not in starts_processes:
            return 1, 0
        return 0, longest[0] if longest else len(LONGEST)

    items.sort(key=order)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """By file, as `--dist loadfile` says, but for those that stay together."""
    if config.getvalue("dist") != "loadfile":
        return None
    # Not at the top: pytest runs without xdist, too.
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415

    class ByFileOrGroup(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return next((group[0] for group in TOGETHER if file.startswith(group)), file)

    return ByFileOrGroup(config, log)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("UGC_"):
            monkeypatch.delenv(name)


def _started(settings: StackSettings, name: str) -> Iterator[StackSettings]:
    """The one service of the local stack called `name`, run as `ugc up` runs it."""
    # Not at the top: the fast tests load neither the engine nor the jar resolver.
    from embedded import stack  # noqa: PLC0415
    from embedded.supervisor import Supervisor  # noqa: PLC0415
    from telemetry.clock import SystemClock  # noqa: PLC0415

    clock = SystemClock()
    wanted = [s for s in stack.services(settings, clock=clock, out=sys.stderr) if s.name == name]
    supervisor = Supervisor(logs_dir=settings.data_dir / "logs", show=lambda *_: None, clock=clock)
    try:
        supervisor.start(wanted)
        yield settings
    finally:
        supervisor.stop()


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real broker of the run's own; topics are up to who uses it."""
    settings = StackSettings(
        data_dir=tmp_path_factory.mktemp("broker"), kafka_port=free_port(), warehouse_dsn="http://unused/ugc"
    )
    for running in _started(settings, "broker"):
        yield running.bootstrap()


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackSettings]:
    """A real warehouse of the run's own, with the schema; its settings."""
    settings = StackSettings(
        data_dir=tmp_path_factory.mktemp("warehouse"),
        warehouse_port=free_port(),
        kafka_bootstrap="unused:1",
        **{f"{role}_password": f"{role}-password" for role in ROLES},
    )
    ready_made.warehouse_at(settings.data_dir / "warehouse")
    yield from _started(settings, "warehouse")


@pytest.fixture(scope="session")
def warehouse_dsn(warehouse: StackSettings) -> Callable[[Role], str]:
    """The address of that warehouse, by role."""
    return warehouse.dsn


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return Path(__file__).parents[1]
