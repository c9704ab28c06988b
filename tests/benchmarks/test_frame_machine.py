"""The machine stamp: what it may use, and no name to find it by."""

import platform
import socket
from pathlib import Path

import msgspec
import pytest

from benchmarks.frame.machine import (
    cpu_model,
    memory_bytes,
    plain_release,
    this_machine,
    usable_cores,
)
from benchmarks.frame.versions import versions


def test_the_stamp_holds_neither_host_name_nor_path() -> None:
    stamp = msgspec.json.encode([this_machine(), versions()]).decode()
    assert socket.gethostname() not in stamp
    assert platform.node() not in stamp
    assert str(Path.cwd()) not in stamp
    machine = this_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_gib > 0


@pytest.mark.parametrize(
    ("text", "model"),
    [
        ("processor : 0\nmodel name\t: AMD  EPYC 7543\nflags : x", "AMD EPYC 7543"),
        ("Model : Raspberry Pi 5", "Raspberry Pi 5"),
        ("", ""),
    ],
)
def test_the_processor_by_its_name(text: str, model: str) -> None:
    assert cpu_model(text) == model


def test_a_container_has_what_it_was_given() -> None:
    whole = usable_cores("")
    assert usable_cores("max 100000") == whole
    assert usable_cores("50000 100000") == 1
    assert usable_cores("100000000 100000") == whole
    assert memory_bytes("1073741824") == 2**30
    assert memory_bytes("max") == memory_bytes("") > 2**30


def test_a_kernel_is_named_by_its_number_alone() -> None:
    assert plain_release("6.18.44-fc-v669") == "6.18.44"
    assert plain_release("6.1.0+deb12") == "6.1.0"
    assert plain_release("24.5.0") == "24.5.0"
