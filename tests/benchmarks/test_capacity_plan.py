"""Capacity is arithmetic: held by cases worked out by hand, and by what must be true whatever the numbers."""

import math
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.capacity import assumptions, fleets, flows, plan
from benchmarks.capacity.assumptions import Assumptions, Step
from benchmarks.capacity.measured import Measured

# Round numbers, so that every expectation below can be checked in the head.
MEASURED = Measured(
    api_request_us=500,
    api_event_us=100,
    broker_us=50,
    etl_us=20,
    warehouse_us=30,
    record_bytes=400,
    log_bytes=100,
    raw_bytes=50,
    aggregate_bytes=10,
    api_rss_mib=100,
    broker_rss_mib=400,
    etl_rss_mib=200,
    warehouse_rss_mib=800,
    machine_cores=2,
)
ONE = Step(multiple=1, why="-", collectors_min=1, etl_min=1, log_copies=1, warehouse_copies=1)
SAFE = Step(multiple=1, why="-", collectors_min=2, etl_min=2, log_copies=3, warehouse_copies=2)


def assumed(**values: float) -> Assumptions:
    """The round assumptions of these tests, some of them otherwise: `load__daily_users=…`."""
    numbers: dict[str, float] = {
        "load__daily_users": 8_640,
        "load__actions_per_user": 10,
        "load__peak_factor": 5,
        "load__events_per_request": 1,
        "load__request_bytes": 1_000,
        "load__header_bytes": 200,
        "keeping__topic_days": 7,
        "keeping__raw_days": 30,
        "keeping__aggregate_days": 180,
        "machine__cores": 4,
        "machine__memory_gib": 16,
        "machine__disk_gb": 1_000,
        "machine__network_mbit_s": 1_000,
        "machine__cores_use_max": 0.5,
        "machine__disk_use_max": 0.5,
        "machine__network_use_max": 0.5,
        "process__collector_cores": 1,
        "process__etl_cores": 1,
        "price__core_hour": 0.1,
        "price__gb_month": 0.2,
        **values,
    }
    document: dict[str, object] = {"step": [msgspec.to_builtins(ONE)]}
    for name, value in numbers.items():
        section, field = name.split("__")
        group = document.setdefault(section, {})
        assert isinstance(group, dict)
        group[field] = {"value": value, "unit": "-", "why": "-"}
    return msgspec.convert(document, Assumptions)


def at(multiple: float, step: Step = ONE) -> Step:
    return msgspec.structs.replace(step, multiple=multiple)


def test_the_rate_of_the_sold_load() -> None:
    # 8,640 users x 10 in 86,400 s is one a second.
    came = flows.rate(assumed(), 100)
    assert came.events_day == 8_640_000
    assert came.average_s == pytest.approx(100)
    assert came.peak_s == pytest.approx(500)
    assert flows.rate(assumed(load__events_per_request=20), 100).requests_peak_s == pytest.approx(25)


def test_storage_by_hand() -> None:
    # An event of 800 bytes is twice one measured. 86,400 a day: log 7 x 200 B, raw 30 x 100 B; aggregates
    # keep their size: 180 x 10 B. Copies: 3 and 2.
    kept = flows.storage(MEASURED, assumed(), SAFE)
    assert kept.log_gb == pytest.approx(86_400 * 7 * 200 * 3 / 1e9)
    assert kept.raw_gb == pytest.approx(86_400 * 30 * 100 * 2 / 1e9)
    assert kept.aggregates_gb == pytest.approx(86_400 * 180 * 10 * 2 / 1e9)
    assert kept.total_gb == pytest.approx(0.36288 + 0.5184 + 0.31104)


def test_the_wires_by_hand() -> None:
    # 5,000 events/s: 1,000 B in, 200 B in the log, 800 B as rows, 100 + 10 B as parts.
    wires = flows.network(MEASURED, assumed(), at(1_000, SAFE))
    assert wires.clients_to_collectors == pytest.approx(40)
    assert wires.collectors_to_log == wires.log_to_etl == pytest.approx(8)
    assert wires.between_brokers == pytest.approx(16)
    assert wires.etl_to_warehouse == pytest.approx(32)
    assert wires.between_warehouses == pytest.approx(4.4)
    assert wires.total == pytest.approx(40 + 8 + 16 + 8 + 32 + 4.4)


def test_a_request_of_many_events_costs_its_share() -> None:
    assert MEASURED.api_us(1) == 600
    assert MEASURED.api_us(50) == 110


def test_one_machine_holds_the_sold_load() -> None:
    # 5 events/s x 700 us is 0.0035 cores.
    found = plan.plan(MEASURED, assumed(), ONE, partitions=4)
    assert found.together
    assert found.machines == found.shards == 1
    assert found.partitions == 4
    assert found.cores == pytest.approx(0.0035)
    assert [each.processes for each in found.fleets] == [1, 1, 1, 1]
    # Of 4 cores 0.0035 are used, of 1,000 GB 0.53568: the cores are full first, the collector's most of them.
    assert (found.full.component, found.full.resource) == ("collector", "cores")
    assert found.full.at == pytest.approx(4 / 0.0035)


def test_a_small_disk_is_full_before_the_cores() -> None:
    found = plan.plan(MEASURED, assumed(machine__disk_gb=100), ONE, partitions=4)
    assert (found.full.component, found.full.resource) == ("warehouse", "disk")
    assert found.full.at == pytest.approx(100 / 0.53568)


def test_machines_by_hand() -> None:
    # 50,000 events/s at peak, half of every core may be used, machines of 4 cores.
    given = assumed()
    found = plan.plan(MEASURED, given, at(10_000, SAFE), partitions=4)
    collector, log, etl, warehouse = found.fleets
    # 50,000 x 600 us = 30 cores, so 60 processes, 4 a machine. Network: 400 Mbit/s of 500 is less.
    assert (collector.cores, collector.processes, collector.machines) == (pytest.approx(30), 60, 15)
    # Three copies: 7.5 cores, 4 machines for 2 each. Disk: 3,629 GB, 500 a machine: 8. That decides.
    assert (log.cores, log.machines, log.bound_by) == (pytest.approx(7.5), 8, "disk")
    # 1 core, so two processes half busy; two machines because two there must be.
    assert (etl.cores, etl.processes, etl.machines) == (pytest.approx(1), 2, 2)
    assert etl.bound_by == fleets.AT_LEAST
    # Two copies of 4,147 GB, 500 a machine: 8.3 a copy, so 9 shards.
    assert (warehouse.machines, warehouse.bound_by, found.shards) == (18, "disk", 9)
    assert found.machines == 15 + 8 + 2 + 18
    assert not found.together
    assert found.partitions == 4


def test_partitions_grow_with_the_etl() -> None:
    # One process half busy does 25,000 events/s of 20 us: 5,000 times the sold peak of 5/s.
    given = assumed()
    assert plan.partitions_last_until(MEASURED, given, partitions=4) == pytest.approx(20_000)
    assert plan.plan(MEASURED, given, at(20_000), partitions=4).partitions == 4
    assert plan.plan(MEASURED, given, at(20_001), partitions=4).partitions == 5
    assert plan.plan(MEASURED, given, at(40_000), partitions=4).fleet(fleets.ETL).processes == 8


def test_the_cost_by_hand() -> None:
    # One machine of 4 cores at 0.1: 288 in 720 hours. 0.27... GB on disks half full at 0.2.
    found = plan.plan(MEASURED, assumed(), ONE, partitions=4)
    assert found.cost.machines == pytest.approx(288)
    assert found.cost.storage == pytest.approx(found.storage.total_gb / 0.5 * 0.2)
    # 86,400 events a day for 30 days are 2.592 million.
    assert found.cost.per_million_events == pytest.approx(found.cost.total / 2.592)


def test_what_is_full_first_here() -> None:
    # 2 cores: 2 / 700 us for all of it; alone the collector has one core of 600 us.
    everything, *alone = plan.saturations(MEASURED, assumed())
    assert everything.events_s == pytest.approx(2e6 / 700)
    assert everything.multiple == pytest.approx(2e6 / 700 / 5)
    assert [each.component for each in alone] == ["collector", "broker", "ETL", "warehouse"]
    assert [each.events_s for each in alone] == pytest.approx([1e6 / 600, 40_000, 50_000, 2e6 / 30])
    assert [each.cores for each in alone] == [1, 2, 1, 2]
    assert [each.one_process for each in alone] == [True, False, True, False]


def test_a_component_is_full_where_its_machines_are() -> None:
    # Six copies' worth of nothing but cores: 30 cores on 15 machines of 4 are half used, 60 processes of one.
    found = plan.plan(MEASURED, assumed(), at(10_000, SAFE), partitions=4)
    assert found.fleet(fleets.COLLECTOR).full.at == pytest.approx(2)
    assert found.full.at == min(each.full.at for each in found.fleets)
    # 3,628.8 GB on 8 machines of 1,000.
    assert found.fleet(fleets.BROKER).full.at == pytest.approx(8_000 / 3_628.8)


def test_memory_asks_for_machines_too() -> None:
    hungry = replace(MEASURED, api_rss_mib=8 * 1024)
    found = plan.plan(hungry, assumed(), at(10_000, SAFE), partitions=4)
    assert found.fleet(fleets.COLLECTOR).machines == 30
    assert found.fleet(fleets.COLLECTOR).bound_by == "memory"
    too_large = replace(MEASURED, warehouse_rss_mib=17 * 1024)
    assert not plan.plan(too_large, assumed(), ONE, partitions=4).together


@pytest.mark.parametrize(
    ("asked", "machines"), [(0.0, 1), (1e-12, 1), (1.0, 1), (3.000_000_000_1, 3), (3.001, 4)]
)
def test_half_a_machine_is_a_whole_one_and_dust_is_none(asked: float, machines: int) -> None:
    assert fleets.ceiling(asked) == machines


positive = st.floats(min_value=0.01, max_value=1e4)
inputs = st.builds(
    Measured,
    api_request_us=positive,
    api_event_us=positive,
    broker_us=positive,
    etl_us=positive,
    warehouse_us=positive,
    record_bytes=st.floats(min_value=50, max_value=16_384),
    log_bytes=positive,
    raw_bytes=positive,
    aggregate_bytes=positive,
    api_rss_mib=st.floats(min_value=1, max_value=4_096),
    broker_rss_mib=st.floats(min_value=1, max_value=16_384),
    etl_rss_mib=st.floats(min_value=1, max_value=4_096),
    warehouse_rss_mib=st.floats(min_value=1, max_value=16_384),
    machine_cores=st.integers(1, 128),
)
multiples = st.floats(min_value=0.001, max_value=1e6)
steps = st.builds(
    Step,
    multiple=multiples,
    why=st.just("-"),
    collectors_min=st.integers(1, 4),
    etl_min=st.integers(1, 4),
    log_copies=st.integers(1, 5),
    warehouse_copies=st.integers(1, 3),
)
assumptions_drawn = st.builds(
    assumed,
    load__events_per_request=st.floats(min_value=1, max_value=1_000),
    machine__cores=st.integers(1, 64),
    machine__cores_use_max=st.floats(min_value=0.1, max_value=1),
    machine__disk_gb=st.floats(min_value=10, max_value=1e5),
    process__etl_cores=st.floats(min_value=0.5, max_value=8),
)


@settings(max_examples=200)
@given(inputs, assumptions_drawn, steps)
def test_a_plan_has_one_of_everything_and_is_the_sum_of_its_parts(
    measured: Measured, given: Assumptions, step: Step
) -> None:
    found = plan.plan(measured, given, step, partitions=4)
    assert [each.name for each in found.fleets] == ["collector", "broker", "ETL", "warehouse"]
    for each in found.fleets:
        assert each.processes >= each.machines >= 1
        assert 0 < each.cores < math.inf
        assert each.full.at > 0
    log, warehouse = found.fleet(fleets.BROKER), found.fleet(fleets.WAREHOUSE)
    assert log.machines >= step.log_copies
    assert warehouse.machines == found.shards * step.warehouse_copies
    assert found.machines == (1 if found.together else sum(each.machines for each in found.fleets))
    assert found.partitions >= max(4, found.fleet(fleets.ETL).processes)
    assert found.storage.total_gb == pytest.approx(
        found.storage.log_gb + found.storage.raw_gb + found.storage.aggregates_gb
    )
    assert found.cores == pytest.approx(sum(each.cores for each in found.fleets))
    assert found.cost.per_million_events > 0


@settings(max_examples=200)
@given(inputs, assumptions_drawn, steps)
def test_machines_are_enough_and_none_too_many(measured: Measured, given: Assumptions, step: Step) -> None:
    """The oracle: fill the machines one by one, and see whether one fewer would do."""
    for burden in fleets.burdens(measured, given, step):
        fleet = burden.fleet(given.machine)

        def holds(machines: int, dust: float, burden: fleets.Burden = burden) -> bool:
            processes = burden.processes(given.machine) or 1
            return all(
                (
                    burden.cores
                    <= machines * given.machine.cores.value * given.machine.cores_use_max.value * dust,
                    burden.disk_gb
                    <= machines * given.machine.disk_gb.value * given.machine.disk_use_max.value * dust,
                    burden.network_mbit_s
                    <= machines
                    * given.machine.network_mbit_s.value
                    * given.machine.network_use_max.value
                    * dust,
                    processes * burden.process_mib <= machines * given.machine.memory_gib.value * 1024 * dust,
                    processes * burden.process_cores <= machines * given.machine.cores.value * dust,
                )
            )

        assert holds(fleet.machines, 1 + 1e-9)
        fewer = fleet.machines - burden.copies
        if fewer >= burden.machines_min:
            assert not holds(fewer, 1 - 1e-9)


@settings(max_examples=200)
@given(inputs, assumptions_drawn, steps, st.floats(min_value=1, max_value=100))
def test_more_load_never_needs_less(measured: Measured, given: Assumptions, step: Step, more: float) -> None:
    less = plan.plan(measured, given, step, partitions=4)
    grown = plan.plan(measured, given, at(step.multiple * more, step), partitions=4)
    for one, other in zip(less.fleets, grown.fleets, strict=True):
        assert other.machines >= one.machines
        assert other.processes >= one.processes
    assert grown.machines >= less.machines
    assert grown.partitions >= less.partitions
    assert grown.shards >= less.shards
    assert grown.storage.total_gb >= less.storage.total_gb
    assert grown.network.total >= less.network.total
    assert grown.cost.total >= less.cost.total


@settings(max_examples=100)
@given(inputs, assumptions_drawn, st.integers(1, 64))
def test_partitions_last_exactly_until_they_do_not(
    measured: Measured, given: Assumptions, partitions: int
) -> None:
    until = plan.partitions_last_until(measured, given, partitions=partitions)
    enough = plan.plan(measured, given, at(until * 0.999), partitions=partitions)
    beyond = plan.plan(measured, given, at(until * 1.001), partitions=partitions)
    # A machine more than processes asks for a process more, and that for a partition.
    if enough.fleet(fleets.ETL).processes > enough.fleet(fleets.ETL).machines:
        assert enough.partitions == partitions
    assert beyond.partitions > partitions


@settings(max_examples=100)
@given(inputs, assumptions_drawn)
def test_sharing_a_machine_fills_it_before_any_component_alone(
    measured: Measured, given: Assumptions
) -> None:
    everything, *alone = plan.saturations(measured, given)
    total = sum(1 / (each.cores / each.cpu_us) * each.cores for each in alone)
    assert everything.cores / everything.events_s * 1e6 == pytest.approx(total)
    assert [each.events_s for each in alone] == sorted(each.events_s for each in alone)


def test_the_assumptions_that_came_along_can_be_planned_with() -> None:
    given = assumptions.read()
    assert [step.multiple for step in given.step] == [1, 100, 10_000]
    found = plan.plans(MEASURED, given, partitions=4)
    assert found[0].together
    assert found[-1].machines > found[1].machines > found[0].machines
