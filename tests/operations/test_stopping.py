"""Ctrl-C once is a question, and again it is a hurry."""

import os
import signal

import pytest

from ops.terminal.stopping import Stopped, Waking, stop_signals
from telemetry.clock import SystemClock


def test_a_second_ctrl_c_is_a_hurry_and_a_second_sigterm_is_not() -> None:
    with stop_signals() as stopping:
        assert (stopping(), stopping.hurried()) == (False, False)
        os.kill(os.getpid(), signal.SIGINT)
        assert (stopping(), stopping.hurried()) == (True, False)
        # A terminal that closes and a service manager may both ask, for one and the same wish.
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGHUP)
        assert stopping.hurried() is False
        os.kill(os.getpid(), signal.SIGINT)
        assert stopping.hurried() is True


def test_who_waits_is_woken() -> None:
    with stop_signals() as stopping:
        waking = Waking(SystemClock(), stopping)
        waking.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped):
            waking.sleep(60)
