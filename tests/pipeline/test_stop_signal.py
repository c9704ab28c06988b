"""A process that is asked to stop ends in time, wherever it is."""

import signal
import subprocess
import sys

import pytest
from services import ROOT

STOPS = """
import ctypes, time
from etl.stop import StopSignal
with StopSignal(stop_within_ms={within_ms}) as stop:
    print("ready", flush=True)
    while not stop.asked():
        time.sleep(0.01)
    {step}
print("ended", flush=True)
"""


def assert_ends(source: str, *, asked: bool, code: int, said: str) -> None:
    """A process of this source ends with `code` in seconds, having said so, `asked` to by a signal or not."""
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            if asked:
                process.send_signal(signal.SIGTERM)
            assert process.wait(20) == code
            assert said in process.stdout.read()
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("step", "within_ms", "code", "said"),
    [
        ("pass", 10_000, 0, "ended"),
        ("time.sleep(60)", 300, 0, "stopped_inside_a_step"),
        # PyDLL calls C and keeps the interpreter's lock.
        ("ctypes.PyDLL(None).sleep(60)", 300, 1, "most recent call first"),
    ],
    ids=["it ends by itself", "inside a step", "with the interpreter's lock"],
)
def test_it_ends_in_time(step: str, within_ms: int, code: int, said: str) -> None:
    assert_ends(STOPS.format(step=step, within_ms=within_ms), asked=True, code=code, said=said)


HANGS = """
import ctypes, time
from etl.stop import StopSignal
with StopSignal(stop_within_ms=300) as stop:
    with stop.lasting_at_most({seconds}):
        print("ready", flush=True)
        {step}
    time.sleep({after})
print("ended", flush=True)
"""


@pytest.mark.parametrize(
    ("seconds", "step", "after", "code", "said"),
    [
        (1, "ctypes.PyDLL(None).sleep(60)", 0, 1, "most recent call first"),
        (1, "pass", 2, 0, "ended"),
        # A stop that is asked for inside has its own time, also when the inside ends first.
        (60, "stop.wait(60); ctypes.PyDLL(None).sleep(60)", 0, 1, "most recent call first"),
        (60, "stop.wait(60)", 60, 0, "stopped_inside_a_step"),
    ],
    ids=["it hangs", "it ends in time", "it hangs when asked to stop", "it ends when asked to stop"],
)
def test_what_may_hang_lasts_so_long_at_most(
    seconds: float, step: str, after: float, code: int, said: str
) -> None:
    source = HANGS.format(seconds=seconds, step=step, after=after)
    assert_ends(source, asked="stop.wait" in step, code=code, said=said)
