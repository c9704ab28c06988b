"""What the path of 100,000 events is slowed by: prose by hand, every figure and name in it from the result.

`bottleneck.md` is a Jinja template; `WORDS` below is what it may say. It cannot hold a figure of its own: a
test sees to that. Whose name stands there is decided by the bench, out of what it measured.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, TemplateError

from benchmarks.frame.figures import Hot, Profile
from benchmarks.report import words
from benchmarks.report.shelf import Shelf, Unmeasured, rerun
from telemetry.errors import OperatorError

FRAGMENT = Path(__file__).with_name("bottleneck.md")
BENCH: Final = "pipeline"
# Process of the path -> what it is called on a page.
PROCESSES: Final = {"api": "collector", "broker": "broker", "etl": "ETL", "warehouse": "warehouse"}
CPU: Final = "pipeline.cpu.{process}"
BUSY: Final = "pipeline.busy.{process}"
VERDICT: Final = "pipeline.bottleneck.b100"
# As benchmarks.profiling.Bottleneck says it.
LIMITS: Final = {
    "its one core": "core",
    "all cores of the machine": "machine",
    "none: it waits": "nothing",
}
SAID = re.compile(
    r"(?P<role>\w+), [\d.]+ of [\d.]+ cores, for (?P<share>\d+%) of the time; "
    rf"its limit: (?P<limit>{'|'.join(LIMITS)})"
)


class BadFragment(OperatorError):  # noqa: N818 - what happened, said to a person
    """The prose asks for something that is not there; the message says what."""


@dataclass(frozen=True, slots=True)
class Part:
    """One process of the path: its CPU by event and its share of the whole path's, and its profile."""

    process: str
    name: str
    cpu_us: float
    path_us: float
    busy_percent: float
    profile: Profile | None

    @property
    def cpu(self) -> str:
        return f"{words.number(self.cpu_us)} µs"

    @property
    def share(self) -> str:
        return words.percent(self.cpu_us / self.path_us)

    @property
    def busy(self) -> str:
        """Its share of one core from the first request to the answer."""
        return words.percent(self.busy_percent / 100)

    @property
    def hot(self) -> list[Hot]:
        """Its functions, the hottest first; none of a process that cannot be looked into."""
        return sorted(self.profile.hot, key=lambda each: -each.share) if self.profile else []


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which process set the pace, for which share of the time, and what it had used up: `kind` is its own
    "core", all cores of the "machine", or "nothing", and then it was the nearest to its limit."""

    process: str
    name: str
    share: str
    kind: str

    @property
    def sentence(self) -> str:
        """The verdict in a few words."""
        if self.kind == "nothing":
            return f"Nothing is full: the path waits, and the {self.name} is nearest to its limit"
        if self.kind == "machine":
            return f"All cores are at work, and the {self.name} takes most of them"
        return f"The {self.name} is full: it sets the pace"


def parts(shelf: Shelf) -> list[Part]:
    """The path's processes, the most expensive first. Raises Unmeasured."""
    cpu_us = {process: shelf.figure(CPU.format(process=process)).median for process in PROCESSES}
    profiles = {each.process: each for each in shelf.bench(BENCH).profiles}
    found = [
        Part(
            process=process,
            name=name,
            cpu_us=cpu_us[process],
            path_us=sum(cpu_us.values()),
            busy_percent=shelf.figure(BUSY.format(process=process)).median,
            profile=profiles.get(process),
        )
        for process, name in PROCESSES.items()
    ]
    return sorted(found, key=lambda each: -each.cpu_us)


def verdict(shelf: Shelf) -> Verdict:
    """What the bench found to set the pace. Raises Unmeasured where it does not say."""
    note = shelf.figure(VERDICT).note
    said = SAID.fullmatch(note)
    if said is None:
        raise Unmeasured(f"{VERDICT} does not say what set the pace but {note!r}; measure it: {rerun(BENCH)}")
    role = said["role"]
    return Verdict(role, PROCESSES.get(role, f"bench's {role}"), said["share"], LIMITS[said["limit"]])


def filled(shelf: Shelf, fragment: str | None = None) -> str:
    """The prose with its figures. Raises Unmeasured for one that is absent, BadFragment for a wrong word."""
    text = FRAGMENT.read_text(encoding="utf-8") if fragment is None else fragment
    # Markdown for a page of ours: nothing in it comes from a stranger.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    try:
        return environment.from_string(text).render(**vocabulary(shelf)).strip()
    except TemplateError as error:
        raise BadFragment(f"{FRAGMENT.name}: {error.message}; mend it there") from None


def vocabulary(shelf: Shelf) -> dict[str, Any]:
    """What the prose may say; each of it raises Unmeasured for what is not there."""
    by_cost = parts(shelf)
    functions: dict[str, Callable[..., str]] = {
        # A figure's median, and its p95, with their unit.
        "figure": lambda key: _said(shelf, key, "median"),
        "p95": lambda key: _said(shelf, key, "p95"),
        # The ratio of a comparison, and of the medians of two figures.
        "ratio": lambda key: words.ratio(shelf.comparison(key).ratio),
        "times": lambda key, of: words.ratio(shelf.figure(key).median / shelf.figure(of).median),
        "share": lambda key, of: words.percent(shelf.figure(key).median / shelf.figure(of).median),
        "setting": lambda name: _setting(shelf, name),
        "percent": words.percent,
    }
    return {
        **functions,
        # What set the pace, and the processes of the path, the most expensive first.
        "bottleneck": verdict(shelf),
        "processes": by_cost,
        "part": {each.process: each for each in by_cost},
        "machine": shelf.bench(BENCH).machine,
    }


def _said(shelf: Shelf, key: str, which: str) -> str:
    figure = shelf.figure(key)
    return words.quantity(getattr(figure, which), figure.unit)


def _setting(shelf: Shelf, name: str) -> str:
    try:
        return shelf.bench(BENCH).settings[name]
    except KeyError:
        raise Unmeasured(f"no setting {name!r} in the result of bench {BENCH}: {rerun(BENCH)}") from None
