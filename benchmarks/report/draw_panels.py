"""Bars and lines, each in its box. Whatever is drawn is named beside it."""

import textwrap
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullLocator

from benchmarks.report import style, words
from benchmarks.report.chart import Bars, Line, Lines, Mark, Row

# Width of a letter at the size of text: a generous mean, so that a wide word still fits.
LETTER_IN: Final = 0.079
SMALL_LETTER_IN: Final = 0.068
LABEL_LETTERS_MAX: Final = 34
ROW_IN: Final = 0.40
BAR: Final = 0.56
AXIS_IN: Final = 0.46
TITLE_IN: Final = 0.32
LINES_IN: Final = 2.3
LINE_TEXT_IN: Final = 0.18
MARKERS: Final = ("o", "s", "D", "^", "v", "P", "X")
DASHES: Final = ("-", (0, (4, 1.5)), (0, (1, 1)))
TICKS_MAX: Final = 8
DECADE: Final = 10


@dataclass(frozen=True, slots=True)
class Box:
    """A place on the page, in inches from its lower left corner."""

    left: float
    bottom: float
    width: float
    height: float
    page: tuple[float, float]

    def axes(self, figure: Figure, *, left: float, right: float, bottom: float, top: float) -> Axes:
        """Axes in the box, so far from its edges."""
        width, height = self.page
        return figure.add_axes(
            (
                (self.left + left) / width,
                (self.bottom + bottom) / height,
                (self.width - left - right) / width,
                (self.height - bottom - top) / height,
            )
        )

    def title(self, figure: Figure, text: str, colour: str = "ink", at_in: float = 0.0) -> None:
        """Words on the box's first line."""
        width, height = self.page
        figure.text(
            (self.left + at_in) / width,
            (self.bottom + self.height - 0.14) / height,
            text,
            size=style.TEXT,
            color=style.LIGHT[colour],
            weight="bold",
            va="center",
        )


def height_in(panel: Bars | Lines) -> float:
    """How high a panel is."""
    body = LINES_IN if isinstance(panel, Lines) else ROW_IN * len(panel.rows)
    return heading_in(panel) + body + AXIS_IN


def heading_in(panel: Bars | Lines) -> float:
    """How much of that stands over what is drawn: title, names of colours, the words of a mark."""
    if isinstance(panel, Lines):
        return TITLE_IN if panel.title else 0.06
    named = TITLE_IN if panel.title or _is_stacked(panel) else 0.0
    return named + (LINE_TEXT_IN if panel.mark else 0.0)


def labels_in(panel: Bars) -> float:
    """How much room its labels take on the left."""
    longest = max(len(line) for row in panel.rows for line in _wrapped(row.label))
    return longest * LETTER_IN + 0.12


def draw_bars(figure: Figure, panel: Bars, box: Box, *, top: float, left: float) -> None:
    """Rows from top to bottom, each bar with its value at its end and the spread of its repetitions."""
    axes = box.axes(figure, left=left, right=0.0, bottom=AXIS_IN, top=top)
    box.title(figure, panel.title)
    if _is_stacked(panel):
        _name_parts(figure, panel, box, left)
    axes.set_ylim(len(panel.rows) - 0.5, -0.5)
    axes.set_yticks(range(len(panel.rows)), ["\n".join(_wrapped(row.label)) for row in panel.rows])
    axes.tick_params(axis="y", length=0, labelsize=style.TEXT, labelcolor=style.LIGHT["ink"], pad=6)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.set_xlabel(panel.unit)
    ends = [_end(row, box.width - left) for row in panel.rows]
    axes.set_xlim(0, max(ends + ([panel.mark.value * 1.1] if panel.mark else [])))
    for place, row in enumerate(panel.rows):
        _draw_row(axes, row, place)
    if panel.mark:
        axes.axvline(panel.mark.value, color=style.LIGHT["ink"], linewidth=1, linestyle=(0, (3, 2)))
        axes.text(
            panel.mark.value,
            -0.56,
            panel.mark.text,
            size=style.SMALL,
            color=style.LIGHT["ink"],
            ha="center",
            va="bottom",
        )


def draw_lines(figure: Figure, panel: Lines, box: Box, *, top: float) -> None:
    """Every line with its measured points and its name at its end."""
    right = max(len(line.text) for line in panel.lines) * SMALL_LETTER_IN + 0.14
    axes = box.axes(figure, left=0.62, right=right, bottom=AXIS_IN, top=top)
    box.title(figure, panel.title)
    for place, line in enumerate(panel.lines):
        # The second line of a colour is dashed.
        before = [each.colour for each in panel.lines[:place]].count(line.colour)
        axes.plot(
            [point.x for point in line.points],
            [point.y for point in line.points],
            color=style.LIGHT[line.colour],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            linewidth=1.8,
            linestyle=DASHES[before % len(DASHES)],
            clip_on=False,
        )
    axes.set_xlabel(panel.x_unit)
    axes.set_ylabel(panel.y_unit)
    axes.grid(axis="y")
    _scale(axes, panel)
    if panel.mark:
        _draw_mark(axes, panel.mark)
    _name_lines(axes, panel.lines, height=box.height - AXIS_IN - top)


def short(value: float) -> str:
    """1,000,000 as 1M."""
    for least, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= least:
            return f"{value / least:g}{letter}"
    return f"{value:g}" if not value or abs(value) >= 1e-4 else words.number(value)


def spread_out(places: list[float], apart: float) -> list[float]:
    """The places, moved as little as it takes for neighbours to be `apart`; their order stays."""
    order = sorted(range(len(places)), key=lambda at: (places[at], at))
    # Runs of neighbours that touch stand around their common middle.
    runs: list[list[int]] = []
    for at in order:
        runs.append([at])
        while len(runs) > 1 and _low(places, runs[-1], apart) < _high(places, runs[-2], apart) + apart:
            runs[-2:] = [runs[-2] + runs[-1]]
    moved = list(places)
    for run in runs:
        for step, at in enumerate(run):
            moved[at] = _low(places, run, apart) + step * apart
    return moved


def _low(places: list[float], run: list[int], apart: float) -> float:
    return sum(places[at] for at in run) / len(run) - apart * (len(run) - 1) / 2


def _high(places: list[float], run: list[int], apart: float) -> float:
    return _low(places, run, apart) + apart * (len(run) - 1)


def _is_stacked(panel: Bars) -> bool:
    return any(len(row.parts) > 1 for row in panel.rows)


def _wrapped(label: str) -> list[str]:
    return textwrap.wrap(label, LABEL_LETTERS_MAX, max_lines=2, placeholder=" …") or [""]


def _end(row: Row, width_in: float) -> float:
    """Where the axis has to end for the row's text to fit behind its bar."""
    room_in = max(width_in - len(row.text) * LETTER_IN - 0.2, 0.5)
    return max(row.value, row.highest or 0.0) * width_in / room_in or 1.0


def _draw_row(axes: Axes, row: Row, place: int) -> None:
    begin = 0.0
    for part in row.parts:
        colour = style.LIGHT[part.colour]
        look = (
            {"facecolor": "none", "edgecolor": colour, "linestyle": (0, (3, 2)), "linewidth": 1.2}
            if row.hollow
            else {"facecolor": colour, "edgecolor": style.LIGHT["paper"], "linewidth": 0.8}
        )
        axes.barh(place, part.value, left=begin, height=BAR, **look)  # type: ignore[arg-type]
        begin += part.value
    if row.lowest is not None and row.highest is not None:
        axes.plot([row.lowest, row.highest], [place, place], color=style.LIGHT["ink"], linewidth=1.2)
        for end in (row.lowest, row.highest):
            axes.plot([end, end], [place - 0.13, place + 0.13], color=style.LIGHT["ink"], linewidth=1.2)
    axes.annotate(
        row.text,
        (max(begin, row.highest or 0.0), place),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        color=style.LIGHT["muted" if row.hollow else "ink"],
    )


def _name_parts(figure: Figure, panel: Bars, box: Box, left_in: float) -> None:
    """The colours' names, each in its colour, over the bars."""
    named = {part.name: part.colour for row in panel.rows for part in row.parts}
    at_in = left_in
    for name, colour in named.items():
        box.title(figure, f"■ {name}", colour, at_in)
        at_in += (len(name) + 4) * LETTER_IN * 1.1


def _scale(axes: Axes, panel: Lines) -> None:
    xs = sorted({point.x for line in panel.lines for point in line.points})
    ys = [point.y for line in panel.lines for point in line.points]
    if panel.mark:
        ys.append(panel.mark.value)
    if panel.log:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(min(ys) / 1.5, max(ys) * 1.5)
        few = max(ys) / min(ys) < DECADE**1.5
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    else:
        axes.set_ylim(0, max(ys) * 1.12 or 1)
        axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_locator(FixedLocator(xs if len(xs) <= TICKS_MAX else [xs[0], xs[-1]]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def _draw_mark(axes: Axes, mark: Mark) -> None:
    axes.axhline(mark.value, color=style.LIGHT["ink"], linewidth=1, linestyle=(0, (3, 2)))
    axes.annotate(
        mark.text,
        (0, mark.value),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        size=style.SMALL,
        color=style.LIGHT["ink"],
    )


def _name_lines(axes: Axes, lines: list[Line], height: float) -> None:
    ends = {line.name: max(line.points, key=lambda point: point.x) for line in lines}
    farthest = max(end.x for end in ends.values())
    # In inches of the axes, where letters have a size.
    to_axes = axes.transData + axes.transAxes.inverted()
    whole = [line for line in lines if ends[line.name].x == farthest]
    places = [float(to_axes.transform((ends[e.name].x, ends[e.name].y))[1]) * height for e in whole]
    for line in lines:
        if line not in whole:
            # One that ends early is named where it ends.
            axes.annotate(
                line.text,
                (ends[line.name].x, ends[line.name].y),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                size=style.SMALL,
                weight="bold",
                color=style.LIGHT[line.colour],
            )
    for line, place in zip(whole, spread_out(places, LINE_TEXT_IN), strict=True):
        axes.annotate(
            line.text,
            (1, place / height),
            xycoords="axes fraction",
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            size=style.SMALL,
            weight="bold",
            color=style.LIGHT[line.colour],
        )
