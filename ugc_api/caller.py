"""Who sends, as far as the door knows: what access found out, for whoever comes after it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of one request."""

    address: str  # of the client, behind the trusted hops; "" when unknown
    key_id: str  # "" when it came without a key
    scopes: frozenset[str]
    per_minute: int | None  # events its key may send a minute; None when the key has no quota
