"""A chart as SVG. The same chart gives the same bytes wherever the same matplotlib draws it.

Everything is placed by counting letters and rows, never by measuring drawn text, so that no font of the
machine moves anything.
"""

import hashlib
import io
import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from benchmarks.report import style
from benchmarks.report.chart import Bars, Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH_IN: Final = 9.0
EDGE_IN: Final = 0.25
HEAD_IN: Final = 0.90
FOOT_IN: Final = 0.42
GAP_IN: Final = 0.35
# What a picture is drawn by: a change of any of them is a change of every picture.
DRAWN_BY: Final = ("chart.py", "style.py", "draw.py", "draw_panels.py")
DIGEST = re.compile(rb"<!-- drawn from sha256:([0-9a-f]{64}) -->")


def digest(chart: Chart) -> str:
    """Stands in the picture for all that it shows and the code that drew it.

    It is compared in place of the picture's bytes, which change with the version of the library and the
    rounding of the machine; and to compare it nothing has to be drawn.
    """
    drawn = hashlib.sha256(msgspec.json.encode(chart))
    for name in DRAWN_BY:
        drawn.update(Path(__file__).with_name(name).read_text(encoding="utf-8").encode())
    return drawn.hexdigest()


def digest_in(picture: bytes) -> str | None:
    """The digest a picture carries; None where it carries none."""
    found = DIGEST.search(picture)
    return found[1].decode() if found else None


def svg(chart: Chart) -> bytes:
    """The picture."""
    # Only who draws needs the library: a page can be checked without it.
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415

    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context(style.SETTINGS):
        out = io.BytesIO()
        FigureCanvasSVG(compose(chart)).print_svg(out, metadata=nothing)  # type: ignore[no-untyped-call]
    return _finished(out.getvalue().decode(), chart)


def compose(chart: Chart) -> "Figure":
    """The figure, panel by panel; the settings of `style` are in force."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    from benchmarks.report import draw_panels  # noqa: PLC0415

    rows = [chart.panels[at : at + chart.columns] for at in range(0, len(chart.panels), chart.columns)]
    heights = [max(draw_panels.height_in(panel) for panel in row) for row in rows]
    height = HEAD_IN + sum(heights) + GAP_IN * (len(rows) - 1) + FOOT_IN
    figure = Figure(figsize=(WIDTH_IN, height))
    _words(figure, chart, height)
    width = (WIDTH_IN - 2 * EDGE_IN - GAP_IN * (chart.columns - 1)) / chart.columns
    top = height - HEAD_IN
    # Bars below each other begin at the same place.
    left_in = max([0.0, *(draw_panels.labels_in(p) for p in chart.panels if isinstance(p, Bars))])
    for row, panel_height in zip(rows, heights, strict=True):
        # Panels beside each other begin at the same height.
        heading = max(draw_panels.heading_in(panel) for panel in row)
        for column, panel in enumerate(row):
            box = draw_panels.Box(
                left=EDGE_IN + column * (width + GAP_IN),
                bottom=top - panel_height,
                width=width,
                height=panel_height,
                page=(WIDTH_IN, height),
            )
            if isinstance(panel, Bars):
                draw_panels.draw_bars(figure, panel, box, top=heading, left=left_in)
            else:
                draw_panels.draw_lines(figure, panel, box, top=heading)
        top -= panel_height + GAP_IN
    return figure


def _words(figure: "Figure", chart: Chart, height: float) -> None:
    def write(text: str, y_in: float, size: float, colour: str, weight: str = "normal") -> None:
        figure.text(
            EDGE_IN / WIDTH_IN,
            y_in / height,
            text,
            size=size,
            color=style.LIGHT[colour],
            weight=weight,
            va="baseline",
        )

    write(chart.title, height - 0.36, style.TITLE, "ink", "bold")
    write(chart.subtitle, height - 0.60, style.SUBTITLE, "muted")
    write(chart.foot, 0.16, style.SMALL - 1, "muted")


def _finished(drawn: str, chart: Chart) -> bytes:
    """With its name for a reader's ear, its style sheet and its digest."""
    opening = re.search(r"<svg [^>]*>", drawn)
    if opening is None:
        raise ValueError("matplotlib drew no <svg>")
    head = opening[0].replace("<svg ", '<svg role="img" ', 1)
    title = f"<title>{escape(chart.title)}</title><desc>{escape(chart.alt)}</desc>"
    mark = f"<!-- drawn from sha256:{digest(chart)} -->"
    return (f"{head}\n{mark}\n{title}\n{style.sheet()}" + drawn[opening.end() :]).encode()
