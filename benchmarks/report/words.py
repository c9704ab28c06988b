"""How figures read on a page: numbers with a unit that fits them, and tables that are Markdown."""

from collections.abc import Iterable, Sequence

from benchmarks.frame import show
from benchmarks.frame.figures import Machine, Target

# Shown in a unit that keeps the number readable: (least, divided by, unit).
SECONDS = ((60, 60, "min"), (1, 1, "s"), (1e-3, 1e-3, "ms"), (0, 1e-6, "µs"))
BYTES = ((2**30, 2**30, "GiB"), (2**20, 2**20, "MiB"), (2**10, 2**10, "KiB"), (0, 1, "B"))
LADDERS = {"s": SECONDS, "bytes": BYTES, "B": BYTES}


def scale(value: float, unit: str) -> tuple[float, str]:
    """By what to divide, and the unit that results: 0.0021 s is read as 2.1 ms."""
    for least, divisor, name in LADDERS.get(unit, ()):
        if abs(value) >= least:
            return divisor, name
    return 1, unit


def number(value: float) -> str:
    """Three or four digits that mean something, never an exponent of ten."""
    if 0 < abs(value) < 1e-3:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return show.number(value)


def rounded(value: float) -> str:
    """Three digits, the thousands as a letter: 4.75M, 642k. For where there is little room."""
    for least, divisor, letter in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / divisor:.3g}{letter}"
    return number(value)


def quantity(value: float, unit: str) -> str:
    """A number with its unit."""
    if unit == "x":
        return ratio(value)
    divisor, name = scale(value, unit)
    return f"{number(value / divisor)} {name}".rstrip()


def percent(share: float) -> str:
    """A share as whole percents; one digit more where it is small."""
    return f"{share:.1%}" if 0 < abs(share) < 0.01 else f"{share:.0%}"


def ratio(value: float) -> str:
    """A ratio with two decimals; one more where it is small."""
    return f"{value:.3f}x" if value < 0.1 else f"{value:.2f}x" if value < 100 else f"{value:,.0f}x"


def target(limit: Target | None, *, better: str, reached: bool | None, unit: str) -> str:
    """What was aimed at, and whether it was reached; nothing where nothing was aimed at."""
    if limit is None:
        return ""
    sign = "≤" if better == "lower" else "≥"
    verdict = "reached" if reached else "**missed**"
    divisor, name = scale(limit.limit, unit)
    aim = limit.limit / divisor
    # As it was set, 15 and not 15.0: nobody measured it.
    said = f"{aim:,.0f}" if aim >= 1_000 else f"{aim:.3g}"
    return f"{sign} {said}{'' if unit == 'x' else ' '}{name}: {verdict}"


def machine(of: Machine) -> str:
    """Where it ran, in one breath."""
    return f"{of.cpu}, {of.cores} {'core' if of.cores == 1 else 'cores'}, {of.memory_gib:g} GiB, {of.system}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; columns whose title begins with > are figures: to the right."""
    rule = ["---:" if title.startswith(">") else "---" for title in columns]
    lines = [_row([title.removeprefix(">") for title in columns]), "|" + "|".join(rule) + "|"]
    return "\n".join([*lines, *(_row([cell(each) for each in row]) for row in rows)])


def cell(text: str) -> str:
    """Text that stays in its cell, whatever it holds."""
    return " ".join(text.replace("|", "\\|").split())


def folded(title: str, body: str) -> str:
    """What only the sceptic opens."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
