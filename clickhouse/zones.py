"""Time zones by their IANA names, as the package `tzdata` has them that this product is locked to.

Python asks the system's list first, which is of the day when somebody last brought the machine up to date:
countries change their clocks with months of notice, and one product would have days of its own on each
machine. A release decides, for every process alike.
"""

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Names of files, not of places: what they mean differs from machine to machine.
_NO_PLACES = frozenset({"localtime", "Factory"})
_LIST = resources.files("tzdata")


@cache
def names() -> frozenset[str]:
    """Every zone there is."""
    return frozenset(_LIST.joinpath("zones").read_text(encoding="utf-8").split()) - _NO_PLACES


@cache
def zone(name: str) -> ZoneInfo:
    """Its rules. Raises ZoneInfoNotFoundError."""
    if name not in names():
        raise ZoneInfoNotFoundError(f"no time zone is called {name}")
    with _LIST.joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)
