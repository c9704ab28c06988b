"""JSON Web Tokens (RFC 7519) of somebody who signs them for us: checked here, never made.

One algorithm, fixed by which key is configured, whatever the token's own header says; `kid`, `jku`, `x5u`
and `jwk` are not looked at. A token must carry `exp` and our audience; `nbf` is kept to when it is there.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import SecretStr

from telemetry.clock import Clock
from telemetry.settings import SettingsError
from ugc_api.access.scopes import Scope, granted
from ugc_api.problems import Problem, ProblemCode

SECRET_BYTES_MIN = 32
RSA_BITS_MIN = 2048
KEY_FILE_BYTES_MAX = 64 * 1024
# Clocks of two machines are never quite the same.
LEEWAY_S = 30
SECONDS_MAX = 2**53
# Times are ours to judge, by the clock we are handed.
_OPTIONS: Any = {
    "require": ["exp", "aud"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_sub": False,
    "verify_jti": False,
}


class SignedTokens:
    """Reads tokens that `key` verifies by `algorithm`, meant for `audience`."""

    def __init__(self, algorithm: str, key: bytes | RSAPublicKey, *, audience: str, clock: Clock) -> None:
        self._algorithm = algorithm
        self._key = key
        self._audience = audience
        self._clock = clock

    def read(self, text: str) -> tuple[str, frozenset[Scope]]:
        """Who it speaks for, as an id fit to be logged, and what he may do. Raises Problem."""
        try:
            claims = jwt.decode(
                text, self._key, algorithms=[self._algorithm], audience=self._audience, options=_OPTIONS
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise invalid(_why(error, self)) from None
        self._check_times(claims)
        subject = claims.get("sub")
        who = sha256(repr(subject).encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return f"jwt:{who}", _scopes(claims)

    def expected(self) -> str:
        """What a token must be like, for messages."""
        return f"signed by {self._algorithm} for the audience {self._audience!r}"

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        if now >= _time(claims, "exp") + LEEWAY_S:
            raise invalid("The token has expired; get a new one.", ProblemCode.TOKEN_EXPIRED)
        if "nbf" in claims and now < _time(claims, "nbf") - LEEWAY_S:
            raise invalid("The token is not valid yet (nbf).")


def configured(
    *, secret: SecretStr, public_key_file: str, audience: str, clock: Clock
) -> SignedTokens | None:
    """What the settings ask for; None when they ask for no tokens. Raises SettingsError."""
    plain = secret.get_secret_value().encode()
    if not plain and not public_key_file:
        if audience:
            raise SettingsError(
                "UGC_JWT_AUDIENCE is set, and no key: set UGC_JWT_SECRET or UGC_JWT_PUBLIC_KEY_FILE"
            )
        return None
    if plain and public_key_file:
        raise SettingsError("UGC_JWT_SECRET and UGC_JWT_PUBLIC_KEY_FILE are both set; keep one of them")
    if not audience:
        raise SettingsError(
            "UGC_JWT_AUDIENCE is missing: without it a token made for another service would open this one"
        )
    if plain:
        if len(plain) < SECRET_BYTES_MIN:
            raise SettingsError(
                f"UGC_JWT_SECRET is shorter than {SECRET_BYTES_MIN} bytes; `openssl rand -hex 32` makes one"
            )
        return SignedTokens("HS256", plain, audience=audience, clock=clock)
    return SignedTokens("RS256", _public_key(Path(public_key_file)), audience=audience, clock=clock)


def invalid(why: str, code: ProblemCode = ProblemCode.TOKEN_INVALID) -> Problem:
    """401 as RFC 6750 has it."""
    return Problem(code, why, headers={"WWW-Authenticate": 'Bearer realm="ugc", error="invalid_token"'})


def _public_key(file: Path) -> RSAPublicKey:
    name = f"UGC_JWT_PUBLIC_KEY_FILE: {file}"
    try:
        with file.open("rb") as opened:
            pem = opened.read(KEY_FILE_BYTES_MAX)
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}") from None
    if b"PRIVATE KEY" in pem:
        raise SettingsError(f"{name} holds a private key; only the signer should have it: put the public one")
    try:
        key = load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError(f"{name} holds no public key in PEM (-----BEGIN PUBLIC KEY-----)") from None
    if not isinstance(key, RSAPublicKey) or key.key_size < RSA_BITS_MIN:
        raise SettingsError(f"{name} must hold an RSA key of {RSA_BITS_MIN} bits or more")
    return key


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    # Compared, not converted: an integer may be too large for a float, and nothing is less than NaN.
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not abs(value) < SECONDS_MAX:
        raise invalid(f"The token's {name} is no number of seconds since 1970.")
    return float(value)


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    """From `scopes`, or from `scope` as OAuth spells it: a list, or names with spaces between."""
    said = claims.get("scopes", claims.get("scope", ()))
    names = said.split() if isinstance(said, str) else said
    return (
        granted(each for each in names if isinstance(each, str)) if isinstance(names, list) else frozenset()
    )


def _why(error: Exception, tokens: SignedTokens) -> str:
    """In words of ours: a library's would change, and could repeat what was sent."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"The token has no {error.claim}; it must be {tokens.expected()}, with exp."
    if isinstance(error, jwt.InvalidAudienceError):
        return f"The token is meant for somebody else; it must be {tokens.expected()}."
    return f"This is no token that is known here; it must be {tokens.expected()}."
