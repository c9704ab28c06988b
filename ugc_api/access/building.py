"""The gate as the settings ask for it."""

import structlog

from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api.access import signed_tokens
from ugc_api.access.gate import Gate, KeyGate, OpenGate
from ugc_api.access.key_file import KeyFile
from ugc_api.access.keyring import KeyRing
from ugc_api.access.signed_tokens import SignedTokens
from ugc_api.settings import ApiSettings


def build(settings: ApiSettings, *, clock: Clock, metrics: Metrics) -> Gate:
    """The gate that the settings ask for. Raises SettingsError."""
    if not settings.auth_required:
        return OpenGate(trusted_hops=settings.trusted_hops)
    keys = KeyRing(KeyFile.of(settings.data_dir), clock=clock, metrics=metrics)
    signed = tokens(settings, clock=clock)
    if not len(keys) and signed is None:
        structlog.get_logger().warning(
            "nobody_may_enter",
            reason="UGC_AUTH_REQUIRED is set and there is no key; `ugc keys create` makes one",
        )
    return KeyGate(keys, signed, trusted_hops=settings.trusted_hops, metrics=metrics)


def tokens(settings: ApiSettings, *, clock: Clock) -> SignedTokens | None:
    """The signed tokens that are taken; none when no key for them is set. Raises SettingsError."""
    return signed_tokens.configured(
        secret=settings.jwt_secret,
        public_key_file=settings.jwt_public_key_file,
        audience=settings.jwt_audience,
        clock=clock,
    )
