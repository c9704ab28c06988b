"""What the paper multiplies: figures of the results, looked up by key. Nothing here has a default.

How a later capability refines it: a bench that measures one of these better (the collector its cost of a
request, the ETL its cost of a row with every check on, the warehouse its memory under readers) takes over
the key in `NEEDS`, one line; a number that `assumptions.toml` still assumes becomes a line here and leaves
that file. The arithmetic in `plan.py` does not change.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from benchmarks.frame.figures import Machine
from benchmarks.report.shelf import Shelf, Unmeasured, bench_of, rerun

# A broker adds some 80 bytes to a record that comes alone. Beyond that it is not records that were weighed
# but what a broker puts beside them, such as index files made large before they are used.
LOG_GROWTH_MAX = 1.5


@dataclass(frozen=True, slots=True)
class Need:
    """One input: the key of its figure, the unit the arithmetic counts in, and what it is."""

    key: str
    unit: str
    what: str


NEEDS: Final = {
    "api_request_us": Need("pipeline.api.request_cpu", "µs", "collector, CPU of a request beside its events"),
    "api_event_us": Need("pipeline.api.event_cpu", "µs", "collector, CPU of an event in a request"),
    "broker_us": Need("pipeline.cpu.broker", "µs", "broker, CPU of an event written and read once"),
    "etl_us": Need("pipeline.cpu.etl", "µs", "ETL, CPU of an event"),
    "warehouse_us": Need("pipeline.cpu.warehouse", "µs", "warehouse, CPU of an event in raw and aggregate"),
    "record_bytes": Need("pipeline.bytes.record", "bytes", "an event as the log carries it, uncompressed"),
    "log_bytes": Need("pipeline.bytes.log", "bytes", "an event on the broker's disk, one copy"),
    "raw_bytes": Need("pipeline.bytes.raw", "bytes", "an event in events_raw, one copy"),
    "aggregate_bytes": Need(
        "pipeline.bytes.aggregates", "bytes", "an event's part of the aggregate, one copy"
    ),
    "api_rss_mib": Need("pipeline.rss.api", "MiB", "collector process, memory at its peak"),
    "broker_rss_mib": Need("pipeline.rss.broker", "MiB", "broker, memory at its peak"),
    "etl_rss_mib": Need("pipeline.rss.etl", "MiB", "ETL process, memory at its peak"),
    "warehouse_rss_mib": Need("pipeline.rss.warehouse", "MiB", "warehouse, memory at its peak"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The inputs by name, each the median of what was measured, and the machine it was measured on."""

    api_request_us: float
    api_event_us: float
    broker_us: float
    etl_us: float
    warehouse_us: float
    record_bytes: float
    log_bytes: float
    raw_bytes: float
    aggregate_bytes: float
    api_rss_mib: float
    broker_rss_mib: float
    etl_rss_mib: float
    warehouse_rss_mib: float
    machine_cores: int

    def api_us(self, events_per_request: float) -> float:
        """What one event costs the collector when so many come in a request."""
        return self.api_request_us / events_per_request + self.api_event_us


def gather(shelf: Shelf) -> Measured:
    """Every input from the shelf. Raises Unmeasured, naming all that is missing and the bench to run."""
    values, missing = {}, []
    for name, need in NEEDS.items():
        figure = shelf.find_figure(need.key)
        if figure is None:
            missing.append(need)
        elif figure.unit != need.unit:
            raise Unmeasured(
                f"{need.key} is in {figure.unit} and capacity counts it in {need.unit}; "
                f"mend the key in benchmarks/capacity/measured.py"
            )
        else:
            values[name] = figure.median
    if missing:
        raise Unmeasured(_what_is_missing(missing))
    if values["log_bytes"] > values["record_bytes"] * LOG_GROWTH_MAX:
        raise Unmeasured(
            f"{NEEDS['log_bytes'].key} says {values['log_bytes']:,.0f} bytes on disk for an event of "
            f"{values['record_bytes']:,.0f}: that counts more than events; measure it: {rerun('pipeline')}"
        )
    return Measured(**values, machine_cores=measured_on(shelf).cores)


def measured_on(shelf: Shelf) -> Machine:
    """The machine of the inputs. Raises Unmeasured where they come from different ones."""
    machines = {bench: shelf.bench(bench).machine for bench in benches()}
    kinds = {(each.cpu, each.cores) for each in machines.values()}
    if len(kinds) > 1:
        raise Unmeasured(
            f"{' and '.join(machines)} were measured on different machines; measure both on one: "
            + "; ".join(rerun(bench) for bench in machines)
        )
    return next(iter(machines.values()))


def benches() -> list[str]:
    """The benches that capacity rests on."""
    return list(dict.fromkeys(bench_of(need.key) for need in NEEDS.values()))


def _what_is_missing(missing: Iterable[Need]) -> str:
    by_bench: dict[str, list[Need]] = {}
    for need in missing:
        by_bench.setdefault(bench_of(need.key), []).append(need)
    return "; ".join(
        f"capacity needs {', '.join(each.key for each in needs)}; measure it: {rerun(bench)}"
        for bench, needs in by_bench.items()
    )
