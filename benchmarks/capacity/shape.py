"""What a plan consists of. Only values; how they come about stands in flows, fleets and plan."""

from dataclasses import astuple, dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """How much comes in."""

    events_day: float
    average_s: float
    peak_s: float
    requests_peak_s: float


@dataclass(frozen=True, slots=True)
class Storage:
    """What lies on disk when everything has been kept as long as it is kept, all copies."""

    log_gb: float
    raw_gb: float
    aggregates_gb: float

    @property
    def total_gb(self) -> float:
        return self.log_gb + self.raw_gb + self.aggregates_gb


@dataclass(frozen=True, slots=True)
class Network:
    """Mbit/s at peak, by the way they go."""

    clients_to_collectors: float
    collectors_to_log: float
    between_brokers: float
    log_to_etl: float
    etl_to_warehouse: float
    between_warehouses: float

    @property
    def total(self) -> float:
        return float(sum(astuple(self)))


@dataclass(frozen=True, slots=True)
class Limit:
    """What is full first, and at which multiple of the load at hand."""

    component: str
    resource: str
    at: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """The machines of one component; `bound_by` is what decided their number."""

    name: str
    cores: float
    machines: int
    processes: int
    bound_by: str
    full: Limit


@dataclass(frozen=True, slots=True)
class Cost:
    """What it costs in 30 days, in the money of the prices."""

    machines: float
    storage: float
    per_million_events: float

    @property
    def total(self) -> float:
        return self.machines + self.storage


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step needs. `together`: one machine holds everything, and `fleets` are parts of it."""

    multiple: float
    why: str
    rate: Rate
    fleets: tuple[Fleet, ...]
    storage: Storage
    network: Network
    partitions: int
    shards: int
    machines: int
    together: bool
    full: Limit
    cost: Cost

    @property
    def cores(self) -> float:
        """Cores at work at peak, all components."""
        return sum(each.cores for each in self.fleets)

    def fleet(self, name: str) -> Fleet:
        """The fleet of that component."""
        return next(each for each in self.fleets if each.name == name)


@dataclass(frozen=True, slots=True)
class Saturation:
    """How much one component takes before it is full, with so many cores; `one_process` can use no more."""

    component: str
    cpu_us: float
    cores: float
    one_process: bool
    events_s: float
    multiple: float
