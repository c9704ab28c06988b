"""How many machines each component needs: of every resource its load against one machine's; the most wins.

Pure. CPU is taken to grow in proportion to events, and every copy to cost as much as the first: both on the
safe side, for batches grow with the load and a copy is taken over unread.
"""

import math
from dataclasses import dataclass

from benchmarks.capacity.assumptions import Assumptions, Machine, Step
from benchmarks.capacity.flows import network, rate, storage
from benchmarks.capacity.measured import Measured
from benchmarks.capacity.shape import Fleet, Limit

COLLECTOR, BROKER, ETL, WAREHOUSE = "collector", "broker", "ETL", "warehouse"
MICROSECONDS = 1e6
MIB_PER_GIB = 1024
AT_LEAST = "minimum"


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """What a component asks for at peak, all copies. `process_cores` 0: one process uses a whole machine."""

    name: str
    cores: float
    disk_gb: float
    network_mbit_s: float
    process_mib: float
    process_cores: float = 0.0
    machines_min: int = 1
    copies: int = 1

    def processes(self, of: Machine) -> int:
        """How many run, as busy as they may be; 0 where it is one a machine."""
        return (
            ceiling(self.cores / (self.process_cores * of.cores_use_max.value)) if self.process_cores else 0
        )

    def asks(self, of: Machine) -> dict[str, float]:
        """By resource: how many machines' worth, each as full as it may get."""
        return {
            "cores": self.cores / (of.cores.value * of.cores_use_max.value),
            "disk": self.disk_gb / (of.disk_gb.value * of.disk_use_max.value),
            "network": self.network_mbit_s / (of.network_mbit_s.value * of.network_use_max.value),
        }

    def memory(self, of: Machine) -> float:
        """How many machines' worth of memory its processes fill."""
        return max(1, self.processes(of)) * self.process_mib / (of.memory_gib.value * MIB_PER_GIB)

    def fleet(self, of: Machine) -> Fleet:
        """Enough machines for every resource, whole ones of every copy, and never fewer than the least."""
        needs = {**self.asks(of), "memory": self.memory(of)}
        if self.process_cores:
            needs["processes"] = self.processes(of) * self.process_cores / of.cores.value
        most = max(needs, key=lambda name: needs[name])
        needed = ceiling(needs[most] / self.copies) * self.copies
        machines = max(needed, self.machines_min)
        return Fleet(
            name=self.name,
            cores=self.cores,
            machines=machines,
            processes=max(self.processes(of), machines),
            bound_by=AT_LEAST if needed <= self.machines_min else most,
            full=self._full(machines, of),
        )

    def _full(self, machines: int, of: Machine) -> Limit:
        """The resource these machines run out of first when the load grows and nothing is added."""
        shares = {"cores": of.cores_use_max, "disk": of.disk_use_max, "network": of.network_use_max}
        at = {
            name: machines / (need * shares[name].value) if need else math.inf
            for name, need in self.asks(of).items()
        }
        if self.process_cores:
            at["cores"] = min(
                at["cores"], max(self.processes(of), machines) * self.process_cores / self.cores
            )
        first = min(at, key=lambda name: at[name])
        return Limit(self.name, first, at[first])


def burdens(measured: Measured, given: Assumptions, step: Step) -> list[Burden]:
    """The four components at this step. A wire is busy in the direction that carries more."""
    peak_s = rate(given, step.multiple).peak_s
    kept, wires = storage(measured, given, step), network(measured, given, step)
    per_request = given.load.events_per_request.value
    return [
        Burden(
            name=COLLECTOR,
            cores=peak_s * measured.api_us(per_request) / MICROSECONDS,
            disk_gb=0.0,
            network_mbit_s=max(wires.clients_to_collectors, wires.collectors_to_log),
            process_mib=measured.api_rss_mib,
            process_cores=given.process.collector_cores.value,
            machines_min=step.collectors_min,
        ),
        Burden(
            name=BROKER,
            cores=peak_s * measured.broker_us * step.log_copies / MICROSECONDS,
            disk_gb=kept.log_gb,
            network_mbit_s=wires.collectors_to_log + wires.between_brokers,
            process_mib=measured.broker_rss_mib,
            machines_min=step.log_copies,
        ),
        Burden(
            name=ETL,
            cores=peak_s * measured.etl_us / MICROSECONDS,
            disk_gb=0.0,
            network_mbit_s=max(wires.log_to_etl, wires.etl_to_warehouse),
            process_mib=measured.etl_rss_mib,
            process_cores=given.process.etl_cores.value,
            machines_min=step.etl_min,
        ),
        Burden(
            name=WAREHOUSE,
            cores=peak_s * measured.warehouse_us * step.warehouse_copies / MICROSECONDS,
            disk_gb=kept.raw_gb + kept.aggregates_gb,
            network_mbit_s=wires.etl_to_warehouse + wires.between_warehouses,
            process_mib=measured.warehouse_rss_mib,
            machines_min=step.warehouse_copies,
            copies=step.warehouse_copies,
        ),
    ]


def ceiling(value: float) -> int:
    """At least one, and no machine more for the dust of floating point."""
    return max(1, math.ceil(value - 1e-9))
