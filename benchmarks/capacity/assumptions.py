"""What the paper assumes: `assumptions.toml`, each number with its unit and its reason.

A later capability that measures one of them takes it out of that file and into `measured.py`.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from telemetry.errors import OperatorError

FILE = Path(__file__).with_name("assumptions.toml")


class BadAssumption(OperatorError):  # noqa: N818 - what happened, said to a person
    """The file says something the arithmetic cannot use; the message says what."""


class Assumed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One number, with the reason to believe it."""

    value: float
    unit: str
    why: str


class Load(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the product is sold for: the load of 1x."""

    daily_users: Assumed
    actions_per_user: Assumed
    peak_factor: Assumed
    events_per_request: Assumed
    request_bytes: Assumed
    header_bytes: Assumed


class Keeping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long what is kept."""

    topic_days: Assumed
    raw_days: Assumed
    aggregate_days: Assumed


class Machine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The machine of which more are bought, and how full it may get."""

    cores: Assumed
    memory_gib: Assumed
    disk_gb: Assumed
    network_mbit_s: Assumed
    cores_use_max: Assumed
    disk_use_max: Assumed
    network_use_max: Assumed


class Process(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many cores one process can use at most."""

    collector_cores: Assumed
    etl_cores: Assumed


class Price(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is paid, in the reader's own money."""

    core_hour: Assumed
    gb_month: Assumed


class Step(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many times the sold load, and how many of each there must be whatever the load."""

    multiple: float
    why: str
    collectors_min: int
    etl_min: int
    log_copies: int
    warehouse_copies: int


class Assumptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    load: Load
    keeping: Keeping
    machine: Machine
    process: Process
    price: Price
    step: list[Step]


def read(file: Path = FILE) -> Assumptions:
    """The file, every word understood. Raises BadAssumption."""
    try:
        found = msgspec.toml.decode(file.read_bytes(), type=Assumptions)
    except OSError as error:
        raise BadAssumption(f"{file.name}: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise BadAssumption(f"{file.name}: {error}; mend it there") from None
    for name, each in listed(found):
        # Free machines and headers of no bytes can be; everything else divides or multiplies.
        least = 0 if name.startswith("price.") or name == "load.header_bytes" else None
        if not math.isfinite(each.value) or (each.value <= 0 and each.value != least):
            raise BadAssumption(f"{file.name}: {name} is {each.value:g}; it must be above 0")
        if each.unit == "share" and each.value > 1:
            raise BadAssumption(f"{file.name}: {name} is {each.value:g}; a share is at most 1")
    if found.load.header_bytes.value >= found.load.request_bytes.value:
        raise BadAssumption(f"{file.name}: load.header_bytes leaves no byte of load.request_bytes for events")
    _check_steps(found.step, file)
    return found


def listed(assumptions: Assumptions) -> Iterator[tuple[str, Assumed]]:
    """Every assumption by its dotted name, in the order of the file."""
    for section in ("load", "keeping", "machine", "process", "price"):
        group = getattr(assumptions, section)
        for name in group.__struct_fields__:
            yield f"{section}.{name}", getattr(group, name)


def _check_steps(steps: list[Step], file: Path) -> None:
    if not steps:
        raise BadAssumption(f"{file.name}: there is no [[step]]; name at least one multiple")
    for step in steps:
        least = min(step.collectors_min, step.etl_min, step.log_copies, step.warehouse_copies)
        if step.multiple <= 0 or least < 1:
            raise BadAssumption(f"{file.name}: step {step.multiple:g}x asks for less than one of something")
