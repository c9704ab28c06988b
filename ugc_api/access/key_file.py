"""The keys on disk: one JSON file that is replaced whole, readable by its owner only.

A crash leaves the file as it was or as it shall be. Two commands at once take turns. Readers need no lock.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from telemetry.errors import OperatorError
from ugc_api.access.keys import Key

NAME = "keys.json"
KEYS_MAX = 10_000
FILE_BYTES_MAX = 16 * 1024 * 1024


class KeysFileError(OperatorError):
    """The file cannot be read or written; the message says which and what to do."""


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    keys: tuple[Key, ...] = ()


class KeyFile:
    """The file at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, data_dir: Path) -> "KeyFile":
        """The one of this data directory."""
        return cls(data_dir / NAME)

    def read(self) -> tuple[Key, ...]:
        """Every key in it, revoked ones too; none when there is no file. Raises KeysFileError."""
        try:
            with self.path.open("rb") as file:
                text = file.read(FILE_BYTES_MAX + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise KeysFileError(f"cannot read the keys in {self.path}: {error.strerror}") from None
        if len(text) > FILE_BYTES_MAX:
            raise self._broken(f"larger than {FILE_BYTES_MAX:,} bytes")
        try:
            keys = _Document.model_validate_json(text).keys
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = "/".join(str(part) for part in first["loc"])
            raise self._broken(f"{where or 'the document'}: {first['msg']}") from None
        if len({key.id for key in keys}) < len(keys):
            raise self._broken("two keys have one id")
        return keys

    def change(self, change: Callable[[tuple[Key, ...]], tuple[Key, ...]]) -> None:
        """Put what `change` makes of the keys in their place. Raises KeysFileError and what `change` does."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._turn():
                keys = change(self.read())
                if len(keys) > KEYS_MAX:
                    raise KeysFileError(f"{self.path} holds {KEYS_MAX:,} keys, which is the most")
                self._write(_Document(keys=keys).model_dump_json(indent=1).encode() + b"\n")
        except OSError as error:
            raise KeysFileError(
                f"cannot write the keys to {self.path} ({error.strerror}); "
                "make room, or run this as the user who owns UGC_DATA_DIR"
            ) from None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The kernel frees it when we die."""
        descriptor = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _write(self, text: bytes) -> None:
        aside = self.path.with_suffix(".partial")
        aside.unlink(missing_ok=True)
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _broken(self, why: str) -> KeysFileError:
        return KeysFileError(
            f"{self.path} is no file of keys ({why}); restore it, or remove it and make keys anew "
            "with `ugc keys create`"
        )
