"""Every setting of every process, and the refusal of a name that none of them knows.

A misspelt UGC_ variable that is silently ignored is an outage found weeks later.
"""

import difflib
import os
from collections.abc import Iterable

from dotenv import dotenv_values

from embedded.stack_settings import StackSettings
from etl.settings import EtlSettings
from telemetry.settings import DOTENV_FILE, PREFIX, Settings, SettingsError
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


def refuse_unknown() -> None:
    """Raise SettingsError for the first UGC_ name, in the environment or `.env`, that nothing reads."""
    _refuse(os.environ, "the environment")
    if DOTENV_FILE.is_file():
        _refuse(dotenv_values(DOTENV_FILE), str(DOTENV_FILE))


def _refuse(names: Iterable[str], where: str) -> None:
    known = known_names()
    for name in names:
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            guess = f"did you mean {close[0]}? " if close else ""
            raise SettingsError(
                f"{name} in {where} is not a setting; {guess}`unset {name}` or see `ugc settings`"
            )
