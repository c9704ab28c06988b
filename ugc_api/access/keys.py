"""A key: who holds it may send, ask or both. The door knows only a hash of its secret.

As text a key is `ugc_<id>_<secret>`. The id may be shown and logged; the secret is 32 random bytes, so one
SHA-256 keeps it as well as a slow hash would keep a password.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from ugc_api.access.origins import ANY, Origin
from ugc_api.access.scopes import Scope, granted

PREFIX = "ugc"
ID_CHARACTERS = "abcdefghijkmnpqrstuvwxyz23456789"
ID_LENGTH = 10
SECRET_BYTES = 32
TOKEN_CHARS_MAX = 128
NAME_CHARS_MAX = 100
ORIGINS_MAX = 100
PER_MINUTE_MAX = 1_000_000_000


class Kind(StrEnum):
    """`write` keys are public: they lie in web pages and apps. `api` keys are secret."""

    WRITE = "write"
    API = "api"


class Key(BaseModel):
    """One key, as the file holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{4,32}$")]
    kind: Kind
    name: Annotated[str, StringConstraints(max_length=NAME_CHARS_MAX)] = ""
    secret_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    scopes: frozenset[Scope] = Field(min_length=1)
    origins: Annotated[tuple[Origin, ...], Field(max_length=ORIGINS_MAX)] = ()
    per_minute: Annotated[int, Field(ge=1, le=PER_MINUTE_MAX)] | None = None
    created_at: datetime
    revoked_at: datetime | None = None

    @model_validator(mode="after")
    def _public_keys_only_write(self) -> Self:
        if self.kind is Kind.WRITE and self.scopes != {Scope.WRITE}:
            raise ValueError("a write key is public and has the scope write alone")
        if self.kind is Kind.API and self.origins:
            raise ValueError("an API key is secret and never in a page, so it has no origins")
        return self

    def all_scopes(self) -> frozenset[Scope]:
        """What it may do, with what `admin` includes."""
        return granted(self.scopes)

    def pages(self) -> tuple[str, ...]:
        """The origins it may be used from: a write key that names none is for every page."""
        return self.origins or ((ANY,) if self.kind is Kind.WRITE else ())

    def opens_with(self, secret: str) -> bool:
        """Whether this is its secret; takes as long for a near miss as for a far one."""
        return hmac.compare_digest(hashed(secret), self.secret_sha256)


@dataclass(frozen=True, slots=True)
class Token:
    """The two halves of a key's text."""

    id: str
    secret: str

    def __str__(self) -> str:
        return f"{PREFIX}_{self.id}_{self.secret}"

    def __repr__(self) -> str:
        return f"Token({self.id})"


def new_token() -> Token:
    """A token that nobody else has."""
    key_id = "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
    return Token(key_id, secrets.token_urlsafe(SECRET_BYTES))


def read_token(text: str) -> Token | None:
    """The halves of `text`; None when it cannot be a key of ours."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    if prefix != PREFIX or not key_id or not secret or len(text) > TOKEN_CHARS_MAX:
        return None
    return Token(key_id, secret)


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
