"""Who sends, and may he: every request that needs a scope passes here before anything of it is read."""

from typing import Protocol

from flask import Request

from telemetry import logs
from telemetry.metrics import Metrics
from ugc_api.access import credentials, origins, signed_tokens
from ugc_api.access.credentials import Credential
from ugc_api.access.keyring import KeyRing
from ugc_api.access.keys import Key, Kind, read_token
from ugc_api.access.scopes import EVERYTHING, Scope
from ugc_api.access.signed_tokens import SignedTokens
from ugc_api.addresses import client_address
from ugc_api.caller import Caller
from ugc_api.problems import Problem, ProblemCode

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="ugc"'}


class Gate(Protocol):
    """Says who sends a request."""

    def admit(self, request: Request, scope: Scope) -> Caller:
        """The sender, who has `scope`. Raises Problem (401, 403) when he has not."""
        ...

    def origins(self) -> frozenset[str]:
        """Web pages that hold a key of ours."""
        ...


class OpenGate:
    """Everybody may do everything: keys are not looked at."""

    def __init__(self, *, trusted_hops: int) -> None:
        self._trusted_hops = trusted_hops

    def admit(self, request: Request, scope: Scope) -> Caller:  # noqa: ARG002 - the port's signature
        address = client_address(request.environ, trusted_hops=self._trusted_hops)
        return Caller(address, key_id="", scopes=EVERYTHING, per_minute=None)

    def origins(self) -> frozenset[str]:
        return frozenset()


class KeyGate:
    """Those who hold a key or a token may do what its scopes say."""

    def __init__(
        self, keys: KeyRing, tokens: SignedTokens | None, *, trusted_hops: int, metrics: Metrics
    ) -> None:
        self._keys = keys
        self._tokens = tokens
        self._trusted_hops = trusted_hops
        self._refused = metrics.counter("ugc_access_refused_total")

    def admit(self, request: Request, scope: Scope) -> Caller:
        address = client_address(request.environ, trusted_hops=self._trusted_hops)
        try:
            caller = self._known(request, address)
            if scope not in caller.scopes:
                raise _scope_missing(scope)
        except Problem as problem:
            self._refused.labels(problem.code).inc()
            raise
        logs.also(key=caller.key_id)
        return caller

    def origins(self) -> frozenset[str]:
        return self._keys.origins()

    def _known(self, request: Request, address: str) -> Caller:
        credential = credentials.brought_by(request)
        if credential is None:
            raise Problem(
                ProblemCode.KEY_MISSING,
                "No key came with the request: send X-Write-Key (or ?key= from a page), X-API-Key, "
                "or Authorization: Bearer.",
                headers=CHALLENGE,
            )
        token = read_token(credential.text)
        if token is None:
            return self._by_signed_token(credential, address)
        key = self._keys.get(token.id)
        if key is None or not key.opens_with(token.secret):
            raise _key_unknown()
        _check_place(key, credential)
        _check_origin(key, request)
        return Caller(address, key_id=key.id, scopes=key.all_scopes(), per_minute=key.per_minute)

    def _by_signed_token(self, credential: Credential, address: str) -> Caller:
        # Three parts with dots between: whatever else it is, a key it is not.
        if credential.public or credential.text.count(".") != 2:
            raise _key_unknown()
        if self._tokens is None:
            raise signed_tokens.invalid("This server takes no signed tokens; send a key of its own.")
        who, scopes = self._tokens.read(credential.text)
        return Caller(address, key_id=who, scopes=scopes, per_minute=None)


def _check_place(key: Key, credential: Credential) -> None:
    """A secret key that came in an address is in somebody's log by now."""
    if credential.public and key.kind is not Kind.WRITE:
        raise Problem(
            ProblemCode.KEY_UNKNOWN,
            "This is a secret key in the place of a write key: revoke it if it was ever in a page or an "
            "address, and send secret keys as X-API-Key.",
            headers=CHALLENGE,
        )
    if not credential.public and key.kind is Kind.WRITE:
        raise Problem(
            ProblemCode.KEY_UNKNOWN,
            "This is a write key; send it as X-Write-Key or ?key=.",
            headers=CHALLENGE,
        )


def _check_origin(key: Key, request: Request) -> None:
    if not key.origins:
        return
    origin = request.headers.get("Origin", "")
    if not origins.matches(origin, key.origins):
        raise Problem(
            ProblemCode.ORIGIN_NOT_ALLOWED,
            f"The key {key.id} is not for pages of {origin[:255]!r}."
            if origin
            else f"The key {key.id} is for web pages, and the request has no Origin.",
        )


def _key_unknown() -> Problem:
    return Problem(ProblemCode.KEY_UNKNOWN, "The key is not known here, or was revoked.", headers=CHALLENGE)


def _scope_missing(scope: Scope) -> Problem:
    return Problem(
        ProblemCode.SCOPE_MISSING,
        f"The key or token has not the scope {scope}.",
        headers={"WWW-Authenticate": f'Bearer realm="ugc", error="insufficient_scope", scope="{scope}"'},
        scope=scope,
    )
