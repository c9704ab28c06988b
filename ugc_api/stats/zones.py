"""Time zones by their IANA names."""

import difflib

from clickhouse import zones
from ugc_api import parameters
from ugc_api.problems import Problem


def zone(name: str) -> str:
    """The name itself. Raises Problem when it is no zone, with the one that was probably meant."""
    if name in zones.names():
        return name
    raise _unknown(name)


def _unknown(name: str) -> Problem:
    said = f"is no time zone: {parameters.shown(name)}"
    meant = _meant(name[: parameters.SHOWN_CHARS_MAX])
    if meant is None:
        return parameters.invalid("tz", f"{said}; give an IANA name such as Europe/Berlin")
    in_address = meant.replace("+", "%2B")
    return parameters.invalid("tz", f"{said}; did you mean {in_address}?", meant=meant)


def _meant(name: str) -> str | None:
    # In an address a plus is a space.
    plain = name.strip().replace(" ", "+" if "GMT" in name.upper() else "_").casefold()
    by_plain = {each.casefold(): each for each in zones.names()}
    close = difflib.get_close_matches(plain, by_plain, n=1, cutoff=0.75)
    return by_plain[close[0]] if close else None
