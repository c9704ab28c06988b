"""A picture shows what its chart says, the same every time, in colours that turn with the reader's page."""

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.report import draw, style
from benchmarks.report.chart import Bars, Chart, Line, Lines, Mark, Part, Point, Row
from benchmarks.report.draw_panels import short, spread_out

SVG = "{http://www.w3.org/2000/svg}"


def bar(label: str, *values: float, **changes: object) -> Row:
    colours = ("blue", "amber", "green")
    parts = [Part(name=f"part {n}", value=value, colour=colours[n]) for n, value in enumerate(values)]
    return Row(label=label, parts=parts, text=f"{sum(values):g} s", **changes)  # type: ignore[arg-type]


BARS = Bars(
    unit="seconds, lower is better",
    rows=[
        bar("One engine", 2.0, lowest=1.8, highest=2.4),
        bar("Two & more <parts>", 1.0, 2.5, 0.5),
        bar("Elsewhere", 9.0, hollow=True),
    ],
    mark=Mark(value=5.0, text="target 5 s"),
)
LINES = Lines(
    x_unit="rows",
    y_unit="s",
    title="Growing",
    log=True,
    lines=[
        Line(name="A", text="A 3 s", colour="blue", points=[Point(x=1e6, y=0.3), Point(x=1e7, y=3.0)]),
        Line(name="B", text="B 3.1 s", colour="purple", points=[Point(x=1e6, y=0.4), Point(x=1e7, y=3.1)]),
    ],
)
SHORT = Line(name="C", text="C ends early", colour="blue", points=[Point(x=1e6, y=0.2)])
PLAIN = msgspec.structs.replace(
    LINES, log=False, lines=[*LINES.lines, SHORT], mark=Mark(value=5.0, text="target")
)
CHART = Chart(
    name="all", bench="storage", title="All of it", subtitle="Sub", foot="Foot", panels=[BARS, LINES, PLAIN]
)


@pytest.fixture(scope="module")
def picture() -> bytes:
    return draw.svg(CHART)


def texts(picture: bytes) -> list[str]:
    return [each.text or "" for each in ET.fromstring(picture).iter(f"{SVG}text")]


def test_the_same_chart_is_the_same_bytes(picture: bytes) -> None:
    assert draw.svg(CHART) == picture


def test_everything_is_named_in_it(picture: bytes) -> None:
    said = texts(picture)
    for words in (
        *("All of it", "Sub", "Foot", "One engine", "Two & more <parts>", "2 s", "4 s", "9 s", "target 5 s"),
        *(
            "■ part 0",
            "■ part 2",
            "seconds, lower is better",
            "Growing",
            "A 3 s",
            "B 3.1 s",
            "rows",
            "10M",
            "C ends early",
        ),
    ):
        assert words in said, words


def test_who_cannot_see_it_hears_its_figures(picture: bytes) -> None:
    root = ET.fromstring(picture)
    assert root.get("role") == "img"
    assert [each.text for each in root.iter(f"{SVG}title")] == ["All of it"]
    heard = next(root.iter(f"{SVG}desc")).text or ""
    assert "One engine 2 s" in heard
    assert heard.endswith(". Growing: A 3 s; B 3.1 s. Growing: A 3 s; B 3.1 s; C ends early.")


def test_every_colour_in_it_has_a_dark_twin(picture: bytes) -> None:
    drawn = picture.decode().split("</style>", 1)[1]
    used = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", drawn))
    assert len(used) > 5
    assert used <= set(style.LIGHT.values())
    # The sheet finds colours as they are written in place; a bare default black would stay black.
    assert not re.findall(r"(?:fill|stroke)=\"", drawn)
    for text in re.findall(r"<text [^>]*>", drawn):
        assert "fill: #" in text


def test_every_word_and_line_can_be_seen_on_both_papers() -> None:
    for palette in (style.LIGHT, style.DARK):
        for name, colour in palette.items():
            if name not in ("paper", "rule"):
                # What WCAG asks of text; every colour also writes names.
                assert contrast(colour, palette["paper"]) >= 4.5, name


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_nothing_in_it_is_of_this_machine_or_day(picture: bytes) -> None:
    text = picture.decode()
    assert "<dc:date>" not in text
    assert "Matplotlib v" not in text
    assert not re.search(r"(?:href|src)=\"(?!#)", text)


def test_a_picture_carries_the_digest_of_its_chart(picture: bytes) -> None:
    assert draw.digest_in(picture) == draw.digest(CHART)
    assert draw.digest_in(b"<svg></svg>") is None


def changed_row(chart: Chart) -> Chart:
    row = msgspec.structs.replace(BARS.rows[0], parts=[Part(name="part 0", value=2.000001, colour="blue")])
    return msgspec.structs.replace(chart, panels=[msgspec.structs.replace(BARS, rows=[row]), LINES, PLAIN])


@pytest.mark.parametrize(
    "change",
    [
        changed_row,
        lambda chart: msgspec.structs.replace(chart, foot="Another day"),
        lambda chart: msgspec.structs.replace(chart, columns=3),
    ],
)
def test_another_chart_has_another_digest(change: Callable[[Chart], Chart]) -> None:
    assert draw.digest(change(CHART)) != draw.digest(CHART)


def test_another_way_to_draw_has_another_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = Path(draw.__file__)
    for name in draw.DRAWN_BY:
        (tmp_path / name).write_text((here.with_name(name)).read_text(encoding="utf-8"), encoding="utf-8")
    before = draw.digest(CHART)
    monkeypatch.setattr(draw, "__file__", str(tmp_path / "draw.py"))
    assert draw.digest(CHART) == before
    with (tmp_path / "style.py").open("a") as file:
        file.write("\n")
    assert draw.digest(CHART) != before


def test_a_published_bar_is_drawn_hollow_and_dashed(picture: bytes) -> None:
    dashed = re.findall(
        r'style="fill: none; stroke-dasharray: 3.6,2.4;[^"]*stroke: #0072b2', picture.decode()
    )
    assert len(dashed) == 1


def test_the_second_line_of_a_colour_is_dashed() -> None:
    def dashed(lines: Lines) -> int:
        chart = msgspec.structs.replace(CHART, panels=[lines])
        return len(re.findall(r"stroke-dasharray[^\"]*stroke: #0072b2", draw.svg(chart).decode()))

    assert dashed(LINES) == 0
    assert dashed(msgspec.structs.replace(PLAIN, mark=None)) == 1


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8), st.floats(0.1, 5))
def test_names_at_line_ends_never_overlap_and_keep_their_order(places: list[float], apart: float) -> None:
    moved = spread_out(places, apart)
    ordered = sorted(moved)
    assert all(b - a >= apart - 1e-6 for a, b in itertools.pairwise(ordered))
    by_place = sorted(range(len(places)), key=lambda at: (places[at], at))
    assert [moved[at] for at in by_place] == ordered
    if all(b - a >= apart for a, b in itertools.pairwise(sorted(places))):
        assert moved == pytest.approx(places)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (1e6, "1M"),
        (2.5e6, "2.5M"),
        (100_000, "100k"),
        (40, "40"),
        (0.5, "0.5"),
        (1.5, "1.5"),
        (0, "0"),
        (1e-5, "0.00001"),
    ],
)
def test_ticks_are_short(value: float, read: str) -> None:
    assert short(value) == read
