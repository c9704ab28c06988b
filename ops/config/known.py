"""Every setting of every process, and the refusal of a name that none of them knows.

A misspelt UGC_ variable that is silently ignored is an outage found weeks later.
"""

import difflib
import os
from collections.abc import Iterator

from embedded.stack_settings import StackSettings
from etl.settings import EtlSettings
from telemetry.settings import DOTENV_FILE, PREFIX, Settings, SettingsError, read_dotenv
from ugc_api.settings import ApiSettings

MODELS: dict[str, type[Settings]] = {
    "every process": Settings,
    "ugc api": ApiSettings,
    "ugc etl": EtlSettings,
    "ugc up": StackSettings,
}


def known_names() -> set[str]:
    """Every UGC_ name that some process reads."""
    return {PREFIX + field.upper() for model in MODELS.values() for field in model.model_fields}


def unknown() -> Iterator[str]:
    """A line for each UGC_ name, in the environment or `.env`, that nothing reads."""
    known = known_names()
    for names, where, way_out in (
        (list(os.environ), "the environment", "`unset {}`"),
        (list(read_dotenv(DOTENV_FILE)), str(DOTENV_FILE), "remove the line"),
    ):
        for name in names:
            if name.startswith(PREFIX) and name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                guess = f"did you mean {close[0]}? " if close else ""
                yield (
                    f"{name} in {where} is not a setting; {guess}{way_out.format(name)} or see `ugc settings`"
                )


def refuse_unknown() -> None:
    """Raise SettingsError for the first UGC_ name, in the environment or `.env`, that nothing reads."""
    for line in unknown():
        raise SettingsError(line)
