"""The warehouse passwords of the local stack: made once, at its first start, readable by their owner only."""

import os
import secrets
from pathlib import Path

from embedded.preflight import PreflightFailed
from telemetry.settings import PREFIX, ROLES

PASSWORD_BYTES = 24
HEADER = "# Made by the first start of the local stack; `ugc settings --show-secrets` prints them.\n"


def make_once(path: Path) -> bool:
    """Write a password for every role into `path` unless it exists; True when it was written.

    Written aside and renamed, so that a crash leaves either no file or a whole one. Raises PreflightFailed.
    """
    if path.exists():
        return False
    try:
        _write(path)
    except OSError as error:
        raise PreflightFailed(
            f"cannot write {path} ({error.strerror}); make room or set UGC_DATA_DIR to another place"
        ) from None
    return True


def _write(path: Path) -> None:
    lines = [f"{PREFIX}{role.upper()}_PASSWORD={secrets.token_urlsafe(PASSWORD_BYTES)}\n" for role in ROLES]
    aside = path.with_suffix(".partial")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(HEADER + "".join(lines))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
