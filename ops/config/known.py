"""Every setting of every process, and the refusal of a name that none of them knows.

A misspelt UGC_ variable that is silently ignored is an outage found weeks later.
"""

import difflib
import os
from collections.abc import Iterable, Iterator

from telemetry.settings import DOTENV_FILE, PREFIX, Settings, SettingsError, read_dotenv


def models() -> dict[str, type[Settings]]:
    """The settings of every process, by who reads them."""
    # What the processes need loads with their settings, and most commands do without.
    from clickhouse.settings import SchemaSettings  # noqa: PLC0415
    from embedded.stack_settings import StackSettings  # noqa: PLC0415
    from etl.settings import EtlSettings  # noqa: PLC0415
    from ugc_api.settings import ApiSettings  # noqa: PLC0415

    return {
        "every process": Settings,
        "ugc api": ApiSettings,
        "ugc etl": EtlSettings,
        "ugc up": StackSettings,
        "ugc migrate": SchemaSettings,
    }


def known_names() -> set[str]:
    """Every UGC_ name that some process reads."""
    return {name for model in models().values() for name in _names(model)}


def unknown() -> Iterator[str]:
    """A line for each UGC_ name, in the environment or `.env`, that nothing reads."""
    places = (
        (_given(os.environ), "the environment", "`unset {}`"),
        (_given(read_dotenv(DOTENV_FILE)), str(DOTENV_FILE), "remove the line"),
    )
    if all(names <= _names(Settings) for names, _, _ in places):
        return
    known = known_names()
    for names, where, way_out in places:
        for name in sorted(names):
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                guess = f"did you mean {close[0]}? " if close else ""
                yield (
                    f"{name} in {where} is not a setting; {guess}{way_out.format(name)} or see `ugc settings`"
                )


def _names(model: type[Settings]) -> set[str]:
    return {PREFIX + field.upper() for field in model.model_fields}


def _given(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.startswith(PREFIX)}


def refuse_unknown() -> None:
    """Raise SettingsError for the first UGC_ name, in the environment or `.env`, that nothing reads."""
    for line in unknown():
        raise SettingsError(line)
