"""One result as a section of the page: every bench the same way, so that a new one needs no code here."""

import statistics
from collections import Counter
from collections.abc import Iterable

from benchmarks.frame import show
from benchmarks.frame.figures import Comparison, Cost, Figure, Result
from benchmarks.report import words

FIGURE_COLUMNS = ("figure", ">median", ">p95", ">spread", ">n", "target", "key")
RATIO_COLUMNS = ("A / B", ">CPU", ">wall", ">lowest to highest", ">pairs", "target", "key")
# Words of keys that are not written as they are said.
SPELLED = {"api": "API", "cpu": "CPU", "dau": "DAU", "etl": "ETL", "rss": "Memory"}
SIDE_COLUMNS = ("side", ">wall", ">CPU", "CPU by process", "peak memory by process")


def section(result: Result, pictures: Iterable[str] = (), *, heading: str = "") -> str:
    """Everything the result says. `pictures` are Markdown that stands before the figures."""
    parts = [
        f"## {heading or title(result.bench)}",
        f"*{result.asks}*",
        _taken(result),
        *pictures,
        *(_figures(name, group) for name, group in groups(result.figures)),
        *(_comparisons(result.comparisons) if result.comparisons else ()),
        *(_profiles(result) if result.profiles else ()),
        *(_skipped(result) if result.skipped else ()),
        _checks(result),
        _conditions(result),
    ]
    return "\n\n".join(parts)


def title(key: str) -> str:
    """A key's word as a heading."""
    first, *others = key.split("_")
    return " ".join([SPELLED.get(first, first.capitalize()), *(SPELLED.get(each, each) for each in others)])


def groups(figures: Iterable[Figure]) -> list[tuple[str, list[Figure]]]:
    """The figures by the second word of their keys, in their own order.

    A word that only one figure has makes no table of its own: those come first, under no heading.
    """
    by_word: dict[str, list[Figure]] = {}
    for figure in figures:
        parts = figure.key.split(".")
        by_word.setdefault(parts[1] if len(parts) > 2 else "", []).append(figure)
    single = [each for word, group in by_word.items() if not word or len(group) == 1 for each in group]
    named = [(title(word), group) for word, group in by_word.items() if word and len(group) > 1]
    return ([("", single)] if single else []) + named


def side_rows(comparison: Comparison) -> list[tuple[str, ...]]:
    """What A and B each took, by unit of work: medians over the pairs."""
    sides = (
        (comparison.a, [each.a for each in comparison.pairs]),
        (comparison.b, [each.b for each in comparison.pairs]),
    )
    return [
        (
            name,
            words.quantity(statistics.median(each.wall_s / each.units for each in costs), "s"),
            words.quantity(statistics.median(each.cpu_total_s / each.units for each in costs), "s"),
            _each(cpu_by_role(costs), "s"),
            _each(_memory_by_role(costs), "bytes"),
        )
        for name, costs in sides
    ]


def cpu_by_role(costs: list[Cost]) -> dict[str, float]:
    """CPU seconds by unit of work and process, the largest first; what took nothing is left out."""
    roles = {role for cost in costs for role in cost.cpu_s}
    took = {
        role: statistics.median(each.cpu_s.get(role, 0.0) / each.units for each in costs) for role in roles
    }
    return {role: took[role] for role in sorted(took, key=lambda role: (-took[role], role)) if took[role] > 0}


def _memory_by_role(costs: list[Cost]) -> dict[str, float]:
    roles = {role for cost in costs for role in cost.rss_peak_bytes}
    peaks = {role: float(max(each.rss_peak_bytes.get(role, 0) for each in costs)) for role in roles}
    return {role: peaks[role] for role in sorted(peaks, key=lambda role: (-peaks[role], role)) if peaks[role]}


def _each(values: dict[str, float], unit: str) -> str:
    return ", ".join(f"{role} {words.quantity(value, unit)}" for role, value in values.items())


def _taken(result: Result) -> str:
    drift, drift_max = words.percent(result.baseline.drift), words.percent(result.baseline.drift_max)
    return (
        f"Scale {result.scale}, seed {result.seed}, {result.started_at}, took "
        f"{show.duration(result.elapsed_s)}: `{result.command}`. "
        f"The baseline moved by {drift}; at {drift_max} the run would have been refused. "
        f"Machine: {words.machine(result.machine)}, load before {result.machine.load_before:g}."
    )


def _figures(name: str, group: list[Figure]) -> str:
    rows = [
        (
            each.name + (f"<br>*{each.note}*" if each.note else ""),
            *_numbers(each),
            f"{len(each.samples)}{_again(each.retaken)}",
            words.target(each.target, better=each.better, reached=each.reached, unit=each.unit),
            f"`{each.key}`",
        )
        for each in group
    ]
    table = words.table(FIGURE_COLUMNS, rows)
    return f"### {name}\n\n{table}" if name else table


def _numbers(figure: Figure) -> tuple[str, str, str]:
    # The unit of the median holds for the row, so that the two can be compared at a glance.
    divisor, unit = words.scale(figure.median, figure.unit)
    p95 = f"{words.number(figure.p95 / divisor)} {unit}".rstrip()
    alone = len(figure.samples) == 1
    return (
        words.quantity(figure.median, figure.unit),
        "" if alone else p95,
        ("" if alone else words.percent(figure.spread)),
    )


def _comparisons(comparisons: Iterable[Comparison]) -> list[str]:
    about = (
        "### Held against each other\n\nA ratio below 1 means that A took less, by unit of work. It is the "
        "median of the pairs' own ratios; the one in bold is what the comparison is about."
    )
    rows, details = [], []
    for each in comparisons:
        shown = {"cpu": words.ratio(each.cpu_ratio), "wall": words.ratio(each.wall_ratio)}
        shown[each.measure] = f"**{shown[each.measure]}**"
        rows.append(
            (
                f"{each.name}: {each.a} / {each.b}" + (f"<br>*{each.note}*" if each.note else ""),
                shown["cpu"],
                shown["wall"],
                f"{words.ratio(min(each.ratios))} to {words.ratio(max(each.ratios))}",
                f"{len(each.pairs)}{_again(each.retaken)}",
                words.target(each.target, better=each.better, reached=each.reached, unit="x"),
                f"`{each.key}`",
            )
        )
        details.append(
            f"**{each.name}**, medians of {len(each.pairs)} pairs, by {each.unit}:\n\n"
            + words.table(SIDE_COLUMNS, side_rows(each))
        )
    return [about, words.table(RATIO_COLUMNS, rows), *details]


def _profiles(result: Result) -> list[str]:
    rows = [
        (
            each.process,
            words.quantity(each.cpu_s, "s"),
            words.percent(each.busy),
            "<br>".join(f"{words.percent(hot.share)} `{_code(hot.function)}`" for hot in each.hot),
        )
        for each in result.profiles
    ]
    return [
        "### Where the time goes",
        words.table(("process", ">CPU", ">busy", "functions by their own share of its samples"), rows),
    ]


def _skipped(result: Result) -> list[str]:
    rows = [(each.what, each.reason) for each in result.skipped]
    return ["### Not run here", words.table(("what", "why"), rows)]


def _checks(result: Result) -> str:
    held = len(result.checks)
    same = Counter((each.what, each.expected, each.found) for each in result.checks)
    rows = [(*check, str(times)) for check, times in same.items()]
    number = f"{held} {'check' if held == 1 else 'checks'} held; had one not, the run would be void"
    return words.folded(number, words.table(("what", ">expected", ">found", ">times"), rows))


def _conditions(result: Result) -> str:
    parts = [
        words.table((what, "value"), pairs.items())
        for what, pairs in (("version of", result.versions), ("setting", result.settings))
        if pairs
    ]
    return words.folded("Versions and settings", "\n\n".join(parts))


def _again(retaken: int) -> str:
    return f" (+{retaken} taken again)" if retaken else ""


def _code(text: str) -> str:
    return text.replace("`", "'")
