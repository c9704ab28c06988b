"""How figures look to a person: one table a bench, nothing in it that was not measured."""

from collections.abc import Callable, Iterable
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from benchmarks.frame.compare import Changes
from benchmarks.frame.figures import Comparison, Figure, Result, Target
from benchmarks.frame.runner import Outcome
from benchmarks.frame.session import Bench
from telemetry.clock import Clock

STYLES = {"measured": "green", "missed": "red", "failed": "red", "void": "bold red", "noisy": "yellow"}
VERDICT_STYLES = {"better": "green", "worse": "red", "within the spread": "dim", "too few samples": "dim"}


def teller(console: Console, clock: Clock) -> Callable[[str], None]:
    """Prints progress, each line with the time since the run began."""
    began = clock.monotonic()

    def say(text: str) -> None:
        minutes, seconds = divmod(int(clock.monotonic() - began), 60)
        console.print(f"[dim]{minutes:3}:{seconds:02}[/]  {escape(text)}", soft_wrap=True)

    return say


def number(value: float) -> str:
    """Three or four digits that mean something; thousands apart."""
    size = abs(value)
    for least, digits in ((100, 0), (10, 1), (1, 2)):
        if size >= least:
            return f"{value:,.{digits}f}"
    return f"{value:.3g}"


def result(of: Result) -> RenderableType:
    """Everything a result says, figures first."""
    parts: list[RenderableType] = [Text.from_markup(f"\n[bold]{escape(of.bench)}[/]  {escape(of.asks)}")]
    if of.figures:
        parts.append(_indented(_figures(of.figures)))
    if of.comparisons:
        parts.append(_indented(_comparisons(of.comparisons)))
    lines = [f"[yellow]skipped[/] {escape(each.what)}: {escape(each.reason)}" for each in of.skipped]
    machine = of.machine
    lines.append(
        f"[dim]{len(of.checks)} checks held · baseline drift {of.baseline.drift:.0%} of at most "
        f"{of.baseline.drift_max:.0%} · {escape(machine.cpu)}, {machine.cores} cores, "
        f"{machine.memory_gib:g} GiB, load before {machine.load_before:g} · {of.scale}, seed {of.seed}, "
        f"{duration(of.elapsed_s)}[/]"
    )
    parts += [_indented(Text.from_markup(line)) for line in lines]
    return Group(*parts)


def outcomes(of: Iterable[Outcome]) -> RenderableType:
    """How each bench ended, in one line each."""
    table = _table("", "")
    for each in of:
        where = escape(_short(each.file)) if each.file else ""
        table.add_row(
            f"[{STYLES[each.ended]}]{each.ended}[/]",
            f"[bold]{escape(each.bench)}[/]  {escape(each.message) or f'[dim]{where}[/]'}",
        )
    return Padding(table, (1, 0, 0, 0))


def benches(rows: Iterable[tuple[str, Bench | str, list[Result]]]) -> RenderableType:
    """Each bench, its question, the scratch space it asks for, and what its last runs took, as measured."""
    table = _table("bench", "what it asks", "scratch", "took")
    for name, bench, ran in rows:
        asks = f"[yellow]{escape(bench)}[/]" if isinstance(bench, str) else escape(bench.asks)
        took = [f"{each.scale} {duration(each.elapsed_s)}" for each in ran]
        needs = {} if isinstance(bench, str) else bench.disk_bytes
        scratch = [f"{scale} {number(needed / 2**30)} GiB" for scale, needed in needs.items()]
        ran_before = "\n".join(took) or "[dim]no result yet[/]"
        table.add_row(f"[bold]{escape(name)}[/]", asks, "\n".join(scratch), ran_before)
    return table


def changes(of: Changes) -> RenderableType:
    """Then and now, key by key; what lies beyond both runs' spread is coloured."""
    table = _table("figure", ">then", ">now", ">change", "")
    for each in of.changes:
        style = VERDICT_STYLES[each.verdict]
        change = "" if each.change is None else f"{each.change:+.1%}"
        values = [f"{number(value)} {escape(each.unit)}" for value in (each.old, each.new)]
        row = f"{escape(each.name)} [dim]{escape(each.key)}[/]"
        table.add_row(row, *values, f"[{style}]{change}[/]", f"[{style}]{each.verdict}[/]")
    lines = []
    if not of.same_machine:
        lines.append(
            f"[yellow]different machines[/]: only ratios compare, {len(of.left_out)} absolute figures do not"
        )
    lines += [f"[dim]no longer measured: {escape(key)}[/]" for key in of.only_old]
    lines += [f"[dim]measured for the first time: {escape(key)}[/]" for key in of.only_new]
    lines += [
        f"[dim]{escape(name)}: {escape(before)} → {escape(after)}[/]"
        for name, (before, after) in of.conditions.items()
    ]
    heading = f"[bold]{escape(of.bench)}[/] {of.scale}  [dim]{of.old_at} → {of.new_at}[/]"
    return Group(Text.from_markup(heading), table, *(Text.from_markup(line) for line in lines))


def duration(seconds: float) -> str:
    """So that a person knows whether to wait."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 100 else f"{minutes / 60:.1f} h"


def _figures(figures: Iterable[Figure]) -> Table:
    table = _table("figure", ">median", ">p95", ">spread", ">n", ">target")
    for each in figures:
        name = escape(each.name) + (f"\n[dim]  {escape(each.note)}[/]" if each.note else "")
        table.add_row(
            name,
            f"{number(each.median)} {escape(each.unit)}",
            number(each.p95),
            f"{each.spread:.0%}",
            f"{len(each.samples)}{_again(each.retaken)}",
            _target(each.target, each.better, each.reached),
        )
    return table


def _comparisons(comparisons: Iterable[Comparison]) -> Table:
    table = _table("A against B", ">CPU", ">wall", ">pairs", ">target")
    for each in comparisons:
        name = f"{escape(each.name)}\n[dim]  {escape(each.a)} / {escape(each.b)} by {escape(each.unit)}[/]"
        ratios = {"cpu": f"{each.cpu_ratio:.2f} x", "wall": f"{each.wall_ratio:.2f} x"}
        ratios[each.measure] = f"[bold]{ratios[each.measure]}[/]"
        target = _target(each.target, each.better, each.reached)
        table.add_row(name, ratios["cpu"], ratios["wall"], f"{len(each.pairs)}{_again(each.retaken)}", target)
    return table


def _target(target: Target | None, better: str, reached: bool | None) -> str:
    if target is None:
        return ""
    style = "green" if reached else "red" if target.gates else "yellow"
    return f"[{style}]{'≤' if better == 'lower' else '≥'} {number(target.limit)}[/]"


def _again(retaken: int) -> str:
    return f" [yellow]+{retaken} taken again[/]" if retaken else ""


def _table(*titles: str) -> Table:
    """Columns whose title begins with > are figures: to the right."""
    table = Table(box=None, pad_edge=False, header_style="dim", show_header=any(titles))
    for title in titles:
        table.add_column(title.removeprefix(">"), justify="right" if title.startswith(">") else "left")
    return table


def _indented(what: RenderableType) -> Padding:
    return Padding(what, (0, 0, 0, 2))


def _short(file: Path) -> str:
    return str(file.relative_to(Path.cwd())) if file.is_relative_to(Path.cwd()) else str(file)
