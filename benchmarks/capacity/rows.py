"""The paper as tables of text, for a terminal and for a page alike."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.capacity.assumptions import Assumptions, listed
from benchmarks.capacity.fleets import BROKER, COLLECTOR, ETL, WAREHOUSE
from benchmarks.capacity.measured import NEEDS, Measured
from benchmarks.capacity.plan import partitions_last_until, plans, saturations
from benchmarks.capacity.shape import Plan, Saturation
from benchmarks.report import words


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything that was worked out, from what."""

    measured: Measured
    assumptions: Assumptions
    partitions: int
    partitions_last_until: float
    saturations: list[Saturation]
    plans: list[Plan]


@dataclass(frozen=True, slots=True)
class Table:
    """Title, a sentence, columns (figures begin with >) and rows."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def work_out(measured: Measured, given: Assumptions, *, partitions: int) -> Paper:
    """The whole paper."""
    return Paper(
        measured=measured,
        assumptions=given,
        partitions=partitions,
        partitions_last_until=partitions_last_until(measured, given, partitions=partitions),
        saturations=saturations(measured, given),
        plans=plans(measured, given, partitions=partitions),
    )


def tables(paper: Paper) -> list[Table]:
    """What is full first, what each step needs, and what both rest on."""
    return [_saturations(paper), _steps(paper), _measured(paper), _assumed(paper)]


def first_full(paper: Paper) -> str:
    """One sentence: what is full first on the machine that was measured on."""
    all_here, *alone = paper.saturations
    largest = max(alone, key=lambda each: each.cpu_us)
    first = alone[0]
    sentence = (
        f"All on one machine of {paper.measured.machine_cores} cores, they are used up at "
        f"{words.number(all_here.events_s)} events/s, {times(all_here.multiple)} the sold peak, "
        f"{words.percent(largest.cpu_us / all_here.cpu_us)} of them by the {largest.component}."
    )
    return (
        f"{sentence} With machines of their own, the {first.component} is full first, at "
        f"{words.number(first.events_s)} events/s, {times(first.multiple)} the sold peak."
    )


def partitions_sentence(paper: Paper) -> str:
    """One sentence: how long the topic's partitions last."""
    return (
        f"A partition is read by one ETL process, so the {paper.partitions} of today last until "
        f"{times(paper.partitions_last_until)} the sold load; beyond it the topic is drained and made anew "
        "with more, because equal ids have to meet in one partition (ADR-003)."
    )


def times(multiple: float) -> str:
    """A multiple as people write it: 10,000x."""
    return f"{multiple:,.0f}x" if multiple >= 10 or multiple % 1 == 0 else f"{multiple:.1f}x"


def _saturations(paper: Paper) -> Table:
    return Table(
        "What is full first on this machine",
        f"{first_full(paper)} Events of the sold load come "
        f"{paper.assumptions.load.events_per_request.value:g} a request.",
        ("component", ">CPU an event", ">cores it can use", ">full at", ">times the sold peak"),
        [
            (
                each.component,
                f"{words.number(each.cpu_us)} µs",
                f"{each.cores:g}" + (", one process" if each.one_process else ""),
                f"{words.number(each.events_s)} events/s",
                times(each.multiple),
            )
            for each in paper.saturations
        ],
    )


def _steps(paper: Paper) -> Table:
    lines: list[tuple[str, Callable[[Plan], str]]] = [
        ("events a day", lambda p: f"{p.rate.events_day:,.0f}"),
        ("events/s, average", lambda p: words.number(p.rate.average_s)),
        ("events/s, peak", lambda p: words.number(p.rate.peak_s)),
        *((f"cores at peak: {name}", _cores(name)) for name in (COLLECTOR, BROKER, ETL, WAREHOUSE)),
        ("cores at peak, all", lambda p: words.number(p.cores)),
        ("collectors", lambda p: _fleet(p, COLLECTOR)),
        ("brokers", lambda p: _fleet(p, BROKER)),
        ("ETL processes", lambda p: _fleet(p, ETL)),
        ("partitions of the topic", lambda p: f"{p.partitions}"),
        ("ClickHouse shards, copies of each", _shards),
        ("machines in all", lambda p: "1, all on it" if p.together else f"{p.machines:,}"),
        ("log on disk", lambda p: gigabytes(p.storage.log_gb)),
        ("events_raw on disk", lambda p: gigabytes(p.storage.raw_gb)),
        ("aggregates on disk", lambda p: gigabytes(p.storage.aggregates_gb)),
        ("network in from clients, peak", lambda p: mbit_s(p.network.clients_to_collectors)),
        ("network inside, peak", lambda p: mbit_s(p.network.total - p.network.clients_to_collectors)),
        ("full first when it grows", _full),
        ("machines, 30 days", lambda p: money(p.cost.machines)),
        ("disks, 30 days", lambda p: money(p.cost.storage)),
        ("a million events", lambda p: money(p.cost.per_million_events)),
    ]
    return Table(
        "What each step needs",
        f"{partitions_sentence(paper)} Money is in the currency of the assumed prices. Machines are those of "
        "the assumptions, not the one measured on; what readers ask of the warehouse comes on top. "
        "Behind a number of machines stands what decided it; minimum is what the step asks for in any case.",
        ("", *(f">{times(each.multiple)}" for each in paper.plans)),
        [(name, *(say(each) for each in paper.plans)) for name, say in lines],
    )


def _measured(paper: Paper) -> Table:
    return Table(
        "Measured",
        "Medians of the results named by their keys.",
        ("input", ">median", "key"),
        [
            (need.what, f"{words.number(getattr(paper.measured, name))} {need.unit}", f"`{need.key}`")
            for name, need in NEEDS.items()
        ],
    )


def _assumed(paper: Paper) -> Table:
    return Table(
        "Assumed",
        "Nobody measured these; they stand in `benchmarks/capacity/assumptions.toml` to be replaced.",
        ("assumption", ">value", "unit", "why"),
        [(f"`{name}`", f"{each.value:,g}", each.unit, each.why) for name, each in listed(paper.assumptions)]
        + [(f"step {times(each.multiple)}", "", "", each.why) for each in paper.assumptions.step],
    )


def gigabytes(value: float) -> str:
    """Gigabytes, or the unit that keeps the number short."""
    for least, divisor, unit in ((1e6, 1e6, "PB"), (1e3, 1e3, "TB"), (1, 1, "GB"), (0, 1e-3, "MB")):
        if value >= least:
            return f"{words.number(value / divisor)} {unit}"
    raise ValueError(f"{value} bytes are fewer than none")


def mbit_s(value: float) -> str:
    """Megabits a second, or gigabits."""
    return f"{words.number(value / 1e3)} Gbit/s" if value >= 1e3 else f"{words.number(value)} Mbit/s"


def money(value: float) -> str:
    """With cents where they count."""
    return f"{value:,.0f}" if value >= 1_000 else f"{value:,.2f}" if value >= 0.01 else words.number(value)


def _cores(name: str) -> Callable[[Plan], str]:
    return lambda plan: words.number(plan.fleet(name).cores)


def _fleet(plan: Plan, name: str) -> str:
    fleet = plan.fleet(name)
    if plan.together:
        return f"{fleet.processes}"
    unit = "machine" if fleet.machines == 1 else "machines"
    on = "" if fleet.processes == fleet.machines else f"{fleet.processes:,} on "
    return f"{on}{fleet.machines:,} {unit} ({fleet.bound_by})"


def _shards(plan: Plan) -> str:
    fleet = plan.fleet(WAREHOUSE)
    copies = fleet.machines // plan.shards
    return f"{plan.shards}, {copies}" + ("" if plan.together else f" ({fleet.bound_by})")


def _full(plan: Plan) -> str:
    return f"{plan.full.component}: {plan.full.resource}, at {times(plan.full.at)} of this"
