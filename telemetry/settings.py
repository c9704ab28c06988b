"""The addresses of the picture and how a process reads its settings.

Every process has one frozen model that extends `Settings`. Values come from the environment, then
`.env`, then `<data_dir>/local.env` (the passwords the local stack made at its first start), then the
defaults; the first that has a value wins, and an empty one is none. A bad value is a `SettingsError` of one
line that names the variable.
"""

import os
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import quote, urlsplit, urlunsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from telemetry.errors import OperatorError

PREFIX = "UGC_"
DOTENV_FILE = Path(".env")
LOCAL_ENV_NAME = "local.env"
DATABASE = "ugc"

Role = Literal["admin", "writer", "reader", "analyst"]
ROLES: tuple[Role, ...] = get_args(Role)


class SettingsError(OperatorError):
    """A setting is missing, malformed or unknown; the message says which, and what would be right."""


class Settings(BaseSettings):
    """What every process knows: where the log is, where the warehouse is, who it is there."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path(".ugc"), description="All local state of the stack on this machine.")
    api_port: int = Field(9001, ge=1, le=65535, description="Port of the collector and the stats API.")
    kafka_port: int = Field(9092, ge=1, le=65535, description="Port of the local stack's broker.")
    kafka_bootstrap: str = Field(
        "", description="Brokers to use, host:port[,…]. Empty: the local stack's own, on UGC_KAFKA_PORT."
    )
    warehouse_port: int = Field(8123, ge=1, le=65535, description="Port of the local stack's warehouse.")
    warehouse_dsn: str = Field(
        "",
        description="ClickHouse to use, http[s]://[user:password@]host:port/database. "
        "Empty: the local stack's own, on UGC_WAREHOUSE_PORT.",
    )
    admin_password: SecretStr = Field(SecretStr(""), description="Warehouse user admin: schema and upkeep.")
    writer_password: SecretStr = Field(SecretStr(""), description="Warehouse user writer: the ETL.")
    reader_password: SecretStr = Field(SecretStr(""), description="Warehouse user reader: the stats API.")
    analyst_password: SecretStr = Field(
        SecretStr(""), description="Warehouse user analyst: people, read-only."
    )
    topic_retention_days: int = Field(7, ge=1, le=365, description="How long the log keeps a message.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    log_format: Literal["auto", "json", "console"] = Field(
        "auto", description="auto: coloured lines on a terminal, JSON elsewhere."
    )

    @field_validator("warehouse_dsn")
    @classmethod
    def _is_a_dsn(cls, dsn: str) -> str:
        if dsn and not _is_dsn(dsn):
            # Never the value itself: it may hold a password.
            raise ValueError(
                "is not http[s]://[user:password@]host[:port]/database "
                "(in a password write / ? # @ as %2F %3F %23 %40)"
            )
        return dsn

    def bootstrap(self) -> str:
        """The brokers to connect to."""
        return self.kafka_bootstrap or f"127.0.0.1:{self.kafka_port}"

    def dsn(self, role: Role) -> str:
        """The warehouse as `role` reaches it. A user written into UGC_WAREHOUSE_DSN is kept as it is."""
        parts = urlsplit(self._base_dsn())
        if parts.username is not None:
            return self._base_dsn()
        password: SecretStr = getattr(self, f"{role}_password")
        netloc = f"{role}:{quote(password.get_secret_value(), safe='')}@{parts.netloc}"
        return urlunsplit(parts._replace(netloc=netloc))

    def warehouse_place(self) -> str:
        """Where the warehouse is, fit to be shown: the DSN without user and password."""
        parts = urlsplit(self._base_dsn())
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def _base_dsn(self) -> str:
        return self.warehouse_dsn or f"http://127.0.0.1:{self.warehouse_port}/{DATABASE}"

    def local_env_file(self) -> Path:
        """Where the local stack keeps the passwords it made."""
        return self.data_dir / LOCAL_ENV_NAME


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(model: type[SettingsT], **overrides: Any) -> SettingsT:
    """Read `model` from the environment and the two files; `overrides` (a command's options) win over all."""
    data_dir = Path(
        overrides.get("data_dir") or _first_of("DATA_DIR") or Settings.model_fields["data_dir"].default
    )
    files = (data_dir / LOCAL_ENV_NAME, DOTENV_FILE)
    for file in files:
        read_dotenv(file)
    try:
        return model(**{**overrides, "_env_file": files})
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None


def survey(model: type[Settings]) -> tuple[dict[str, Any], list[str]]:
    """The values of `model` by field, and a line for each that is bad; a bad one has no value.

    For showing them all, where one bad value must not hide the others. Raises SettingsError only when a file
    cannot be read.
    """
    try:
        return dict(load(model)), []
    except SettingsError as error:
        whole = str(error)
    # The data directory stays as it is set: it says where one of the files is.
    defaults = {name: info.default for name, info in model.model_fields.items() if name != "data_dir"}
    values: dict[str, Any] = {}
    bad: list[str] = []
    for name in model.model_fields:
        others = {other: value for other, value in defaults.items() if other != name}
        try:
            values[name] = getattr(load(model, **others), name)
        except SettingsError as error:
            bad.append(str(error))
    # Each may be right alone and wrong with the others.
    return values, bad or [whole]


def read_dotenv(file: Path) -> dict[str, str | None]:
    """What `file` sets; nothing when there is none. Raises SettingsError when it cannot be read."""
    try:
        return dict(dotenv_values(file)) if file.is_file() else {}
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"cannot read settings from {file}: byte {error.start} is not UTF-8; save it anew or remove it"
        ) from None
    except OSError as error:
        raise SettingsError(
            f"cannot read settings from {file}: {error.strerror}; make it readable or remove it"
        ) from None


def _is_dsn(text: str) -> bool:
    """Whether it names a server and one database, and nothing after it."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    one_segment = parts.path.count("/") == 1 and len(parts.path) > 1
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and port != 0
        and one_segment
        and not parts.query
        and not parts.fragment
        and not any(character.isspace() for character in text)
    )


def _first_of(name: str) -> str | None:
    """A value needed before the model exists: the data directory says where one of the files is."""
    return os.environ.get(PREFIX + name) or read_dotenv(DOTENV_FILE).get(PREFIX + name)


def _one_line(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = "_".join(str(part) for part in first["loc"])
    name = PREFIX + where.upper() if where else "settings"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    reason = first["msg"].removeprefix("Value error, ")
    return (
        f"{name}: {reason[0].lower()}{reason[1:]}{more}; `ugc settings` lists every setting and its default"
    )
