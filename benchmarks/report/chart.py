"""A picture as data: what it shows, before anything is drawn. Equal charts are equal pictures."""

from typing import Literal

from msgspec import Struct

Colour = Literal["blue", "vermilion", "green", "purple", "amber", "grey"]


class Part(Struct, frozen=True, kw_only=True):
    """One piece of a bar, in the unit of its axis."""

    name: str
    value: float
    colour: Colour


class Row(Struct, frozen=True, kw_only=True):
    """One bar. `lowest` to `highest` is what the repetitions spread over; `hollow`: measured elsewhere."""

    label: str
    parts: list[Part]
    text: str
    lowest: float | None = None
    highest: float | None = None
    hollow: bool = False

    @property
    def value(self) -> float:
        return sum(part.value for part in self.parts)


class Mark(Struct, frozen=True, kw_only=True):
    """A line across the picture that says where something is."""

    value: float
    text: str


class Bars(Struct, frozen=True, kw_only=True, tag="bars"):
    """Bars from zero, one below the other."""

    unit: str
    rows: list[Row]
    title: str = ""
    mark: Mark | None = None


class Point(Struct, frozen=True, kw_only=True):
    """One measured place on a line."""

    x: float
    y: float


class Line(Struct, frozen=True, kw_only=True):
    """One thing measured at several x. `text` stands at its end."""

    name: str
    text: str
    colour: Colour
    points: list[Point]


class Lines(Struct, frozen=True, kw_only=True, tag="lines"):
    """Lines over a common x; `log` scales both axes by tens."""

    x_unit: str
    y_unit: str
    lines: list[Line]
    title: str = ""
    log: bool = False
    mark: Mark | None = None


class Chart(Struct, frozen=True, kw_only=True):
    """A whole picture: its title says what to see, its subtitle what is drawn, its foot where it is from.

    It stands in the section of `bench`.
    """

    name: str
    bench: str
    title: str
    subtitle: str
    foot: str
    panels: list[Bars | Lines]
    columns: int = 1

    @property
    def alt(self) -> str:
        """The picture in words, for who cannot see it."""
        said = [f"{p.title}: {_aloud(p)}" if p.title else _aloud(p) for p in self.panels]
        return f"{self.title}. {'. '.join(said)}."


def _aloud(panel: Bars | Lines) -> str:
    if isinstance(panel, Bars):
        return "; ".join(f"{row.label} {row.text}" for row in panel.rows)
    # The words at a line's end often name it already.
    return "; ".join(e.text if e.name in e.text else f"{e.name} {e.text}" for e in panel.lines)
