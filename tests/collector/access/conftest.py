"""A door with keys on: the keys are in a real file, the clock stands still."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest

from ugc_api.access.key_file import KeyFile
from ugc_api.access.keys import Key, Kind, Token, hashed, new_token
from ugc_api.access.scopes import Scope

SECRET = "an hmac secret, long enough for the longest of the hashes that are tried here"
AUDIENCE = "ugc"


@dataclass
class Locked:
    """The application that needs keys, the file they are in, and how to make one."""

    api: Any
    file: KeyFile

    def key(self, *scopes: Scope, **fields: Any) -> str:
        """Put a new key into the file; its text. Without scopes it is a write key."""
        token = new_token()
        key = stored(token, *scopes, now=self.api.clock.now(), **fields)
        self.file.change(lambda there: (*there, key))
        self.later()
        return str(token)

    def revoke(self, text: str) -> None:
        key_id = text.split("_")[1]
        self.file.change(
            lambda there: tuple(
                each.model_copy(update={"revoked_at": self.api.clock.now()}) if each.id == key_id else each
                for each in there
            )
        )

    def later(self, seconds: float = 1.0) -> None:
        self.api.clock.seconds += seconds

    def signed(self, algorithm: str = "HS256", key: Any = SECRET, **changes: Any) -> str:
        """A good token; what is passed replaces or adds a claim, None takes one away."""
        claims = {
            "exp": int(self.api.clock.now().timestamp()) + 600,
            "aud": AUDIENCE,
            "sub": "analyst@example.com",
            "scopes": ["read"],
            **changes,
        }
        return jwt.encode({k: v for k, v in claims.items() if v is not None}, key, algorithm=algorithm)

    def ask(self, **headers: str) -> Any:
        """A question of the stats, which needs the scope read."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.api.client.get("/stats/dau?from=2026-11-01&to=2026-11-02", headers=named)

    def bearer(self, text: str) -> Any:
        return self.ask(Authorization=f"Bearer {text}")


def stored(token: Token, *scopes: Scope, now: Any, **fields: Any) -> Key:
    return Key(
        id=token.id,
        kind=Kind.API if scopes else Kind.WRITE,
        secret_sha256=hashed(token.secret),
        scopes=frozenset(scopes or (Scope.WRITE,)),
        created_at=now,
        **fields,
    )


@pytest.fixture
def lock(make_api: Callable[..., Any], tmp_path: Path) -> Callable[..., Locked]:
    """Make such an application; settings as given."""

    def make(**settings: Any) -> Locked:
        return Locked(
            make_api(auth_required=True, data_dir=tmp_path, **settings), KeyFile(tmp_path / "keys.json")
        )

    return make


@pytest.fixture
def lock_with_tokens(lock: Callable[..., Locked]) -> Callable[[], Locked]:
    """For tests that configure the logs first: the application takes them as it finds them."""
    return lambda: lock(jwt_secret=SECRET, jwt_audience=AUDIENCE)


@pytest.fixture
def locked(lock_with_tokens: Callable[[], Locked]) -> Locked:
    return lock_with_tokens()
