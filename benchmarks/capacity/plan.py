"""The paper: one plan a step, what is full first on the machine measured on, and when partitions must grow.

Pure: the same inputs give the same plan. Only taking events in is counted. What readers ask of the warehouse
comes on top of it, and so does what it merges after the measured run ended.
"""

from benchmarks.capacity.assumptions import Assumptions, Machine, Step
from benchmarks.capacity.fleets import BROKER, COLLECTOR, ETL, MICROSECONDS, WAREHOUSE, Burden, burdens
from benchmarks.capacity.flows import network, rate, storage
from benchmarks.capacity.measured import Measured
from benchmarks.capacity.shape import Cost, Limit, Plan, Saturation, Storage

MONTH_DAYS = 30
MONTH_HOURS = 24 * MONTH_DAYS
MILLION = 1e6


def plan(measured: Measured, given: Assumptions, step: Step, *, partitions: int) -> Plan:
    """What `step` needs, where the topic has `partitions` today."""
    asked = burdens(measured, given, step)
    fleets = tuple(each.fleet(given.machine) for each in asked)
    by_name = {each.name: each for each in fleets}
    together = _fits_one(asked, given.machine)
    machines = 1 if together else sum(each.machines for each in fleets)
    kept = storage(measured, given, step)
    return Plan(
        multiple=step.multiple,
        why=step.why,
        rate=rate(given, step.multiple),
        fleets=fleets,
        storage=kept,
        network=network(measured, given, step),
        # A partition is read by one process, so there must be one for each of them.
        partitions=max(partitions, by_name[ETL].processes),
        shards=by_name[WAREHOUSE].machines // step.warehouse_copies,
        machines=machines,
        together=together,
        full=_full_together(asked, given.machine)
        if together
        else min((each.full for each in fleets), key=lambda limit: limit.at),
        cost=_cost(given, step.multiple, machines, kept),
    )


def plans(measured: Measured, given: Assumptions, *, partitions: int) -> list[Plan]:
    """Every step of the assumptions."""
    return [plan(measured, given, step, partitions=partitions) for step in given.step]


def saturations(measured: Measured, given: Assumptions) -> list[Saturation]:
    """Each component with the machine measured on to itself, the first to be full before the others; and,
    first of all, that machine as they share it."""
    peak_s = rate(given, 1).peak_s
    here = float(measured.machine_cores)
    costs = {
        COLLECTOR: (
            measured.api_us(given.load.events_per_request.value),
            given.process.collector_cores,
        ),
        BROKER: (measured.broker_us, None),
        ETL: (measured.etl_us, given.process.etl_cores),
        WAREHOUSE: (measured.warehouse_us, None),
    }
    alone = []
    for name, (cpu_us, bound) in costs.items():
        cores = here if bound is None else min(here, bound.value)
        events_s = cores / cpu_us * MICROSECONDS
        alone.append(Saturation(name, cpu_us, cores, bound is not None, events_s, events_s / peak_s))
    total_us = sum(each.cpu_us for each in alone)
    events_s = here / total_us * MICROSECONDS
    everything = Saturation("all, sharing it", total_us, here, False, events_s, events_s / peak_s)
    return [everything, *sorted(alone, key=lambda each: each.events_s)]


def partitions_last_until(measured: Measured, given: Assumptions, *, partitions: int) -> float:
    """The multiple of the sold load up to which one ETL process for each of `partitions` is enough."""
    one_process_s = given.process.etl_cores.value * given.machine.cores_use_max.value
    one_process_s *= MICROSECONDS / measured.etl_us
    return partitions * one_process_s / rate(given, 1).peak_s


def _fits_one(asked: list[Burden], machine: Machine) -> bool:
    """Whether one machine holds all of it, and may."""
    if any(each.machines_min > 1 for each in asked):
        return False
    total = [sum(each.asks(machine)[resource] for each in asked) for resource in ("cores", "disk", "network")]
    return max(*total, sum(each.memory(machine) for each in asked)) <= 1


def _full_together(asked: list[Burden], machine: Machine) -> Limit:
    """What the one machine runs out of first, and who uses most of that."""
    shares = {
        "cores": machine.cores_use_max,
        "disk": machine.disk_use_max,
        "network": machine.network_use_max,
    }
    used = {
        name: sum(each.asks(machine)[name] for each in asked) * share.value for name, share in shares.items()
    }
    first = max(used, key=lambda name: used[name])
    most = max(asked, key=lambda each: each.asks(machine)[first])
    return Limit(most.name, first, 1 / used[first])


def _cost(given: Assumptions, multiple: float, machines: int, kept: Storage) -> Cost:
    rented = machines * given.machine.cores.value * given.price.core_hour.value * MONTH_HOURS
    stored = kept.total_gb / given.machine.disk_use_max.value * given.price.gb_month.value
    millions = rate(given, multiple).events_day * MONTH_DAYS / MILLION
    return Cost(machines=rented, storage=stored, per_million_events=(rented + stored) / millions)
