"""What comes in, what stays on disk and what goes over the wires, at a multiple of the sold load.

Pure. Bytes of the log and of raw are taken to grow in proportion to the size of an event, which is on the
safe side: compression does better on larger events.
"""

from benchmarks.capacity.assumptions import Assumptions, Step
from benchmarks.capacity.measured import Measured
from benchmarks.capacity.shape import Network, Rate, Storage

DAY_S = 86_400
GB = 1e9
MBIT_BYTES = 1e6 / 8


def rate(given: Assumptions, multiple: float) -> Rate:
    """What comes in at `multiple` times the sold load."""
    events_day = given.load.daily_users.value * given.load.actions_per_user.value * multiple
    average_s = events_day / DAY_S
    peak_s = average_s * given.load.peak_factor.value
    return Rate(events_day, average_s, peak_s, peak_s / given.load.events_per_request.value)


def size_factor(measured: Measured, given: Assumptions) -> float:
    """How many times larger an event of the sold load is than one of those measured."""
    body_bytes = given.load.request_bytes.value - given.load.header_bytes.value
    return body_bytes / given.load.events_per_request.value / measured.record_bytes


def storage(measured: Measured, given: Assumptions, step: Step) -> Storage:
    """Gigabytes once everything has been kept as long as it is kept."""
    events_day = rate(given, step.multiple).events_day
    larger = size_factor(measured, given)
    log = events_day * given.keeping.topic_days.value * measured.log_bytes * larger
    raw = events_day * given.keeping.raw_days.value * measured.raw_bytes * larger
    aggregates = events_day * given.keeping.aggregate_days.value * measured.aggregate_bytes
    return Storage(
        log_gb=log * step.log_copies / GB,
        raw_gb=raw * step.warehouse_copies / GB,
        aggregates_gb=aggregates * step.warehouse_copies / GB,
    )


def network(measured: Measured, given: Assumptions, step: Step) -> Network:
    """Megabits a second at peak. Between collector, log and ETL events are as compressed as on its disk."""
    came = rate(given, step.multiple)
    larger = size_factor(measured, given)
    log = came.peak_s * measured.log_bytes * larger / MBIT_BYTES
    stored = came.peak_s * (measured.raw_bytes * larger + measured.aggregate_bytes) / MBIT_BYTES
    return Network(
        clients_to_collectors=came.requests_peak_s * given.load.request_bytes.value / MBIT_BYTES,
        collectors_to_log=log,
        between_brokers=log * (step.log_copies - 1),
        log_to_etl=log,
        etl_to_warehouse=came.peak_s * measured.record_bytes * larger / MBIT_BYTES,
        between_warehouses=stored * (step.warehouse_copies - 1),
    )
