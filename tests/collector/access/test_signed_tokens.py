"""Signed tokens: what is taken, and every trick that is not."""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from telemetry.settings import SettingsError

SECRET = "an hmac secret, long enough for the longest of the hashes that are tried here"
NOW_S = 1_795_262_400  # 2026-11-21T12:00:00Z, where the clock stands


def pem(public: Any) -> bytes:
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def by_rsa(lock: Any, signer: rsa.RSAPrivateKey, tmp_path: Path) -> Any:
    file = tmp_path / "signer.pem"
    file.write_bytes(pem(signer.public_key()))
    return lock(jwt_public_key_file=str(file), jwt_audience="ugc")


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def refused(answer: Any, code: str = "token_invalid") -> None:
    assert (answer.status_code, answer.json["code"]) == (401, code), answer.text
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 200),
        ({"aud": ["other", "ugc"]}, 200),
        ({"scopes": "write read"}, 200),
        ({"scopes": None, "scope": "openid read"}, 200),
        ({"scopes": ["admin"]}, 200),
        ({"sub": None}, 200),
        ({"sub": {"odd": 1}}, 200),
        ({"nbf": NOW_S + 10}, 200),
        ({"exp": NOW_S - 10}, 200),
        ({"iat": NOW_S + 9_999}, 200),
        ({"scopes": []}, 403),
        ({"scopes": None}, 403),
        ({"scopes": [["read"], {"read": 1}, 7]}, 403),
        ({"scopes": {"read": True}}, 403),
        ({"scopes": "READ readx"}, 403),
        ({"scopes": None, "permissions": ["admin"]}, 403),
    ],
)
def test_a_good_token_does_what_its_scopes_say(locked: Any, claims: dict[str, Any], status: int) -> None:
    assert locked.bearer(locked.signed(**claims)).status_code == status


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": NOW_S - 31}, "token_expired"),
        ({"exp": -1}, "token_expired"),
        ({"exp": None}, "token_invalid"),
        ({"exp": "9999999999"}, "token_invalid"),
        ({"exp": True}, "token_invalid"),
        ({"exp": float("inf")}, "token_invalid"),
        ({"exp": 10**400}, "token_invalid"),
        ({"exp": [NOW_S + 60]}, "token_invalid"),
        ({"nbf": NOW_S + 40}, "token_invalid"),
        ({"nbf": "soon"}, "token_invalid"),
        ({"aud": None}, "token_invalid"),
        ({"aud": "other"}, "token_invalid"),
        ({"aud": ""}, "token_invalid"),
        ({"aud": ["UGC", "ug"]}, "token_invalid"),
    ],
)
def test_a_token_past_its_time_or_for_another_is_refused(
    locked: Any, claims: dict[str, Any], code: str
) -> None:
    refused(locked.bearer(locked.signed(**claims)), code)


def test_tokens_by_rsa(by_rsa: Any, signer: rsa.RSAPrivateKey) -> None:
    assert by_rsa.bearer(by_rsa.signed("RS256", signer)).status_code == 200
    refused(by_rsa.bearer(by_rsa.signed("RS256", rsa.generate_private_key(65537, 2048))))
    refused(by_rsa.bearer(by_rsa.signed("RS512", signer)))
    refused(by_rsa.bearer(by_rsa.signed("PS256", signer)))
    refused(by_rsa.bearer(by_rsa.signed("ES256", ec.generate_private_key(ec.SECP256R1()))))


def test_the_public_key_is_no_hmac_secret(by_rsa: Any, signer: rsa.RSAPrivateKey) -> None:
    """Algorithm confusion: everybody knows the public key, so a MAC by it proves nothing."""
    public = pem(signer.public_key())
    claims = part({"exp": NOW_S + 60, "aud": "ugc", "scopes": ["admin"]})
    for key in (public, public.strip(), public.replace(b"\n", b"")):
        signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{claims}"
        mac = hmac.new(key, signed.encode(), hashlib.sha256).digest()
        forged = f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        refused(by_rsa.bearer(forged))


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS384", "HS512", "RS256", None, 7, ["HS256"]]
)
def test_the_header_does_not_choose_the_algorithm(locked: Any, algorithm: Any) -> None:
    _, body, signature = locked.signed(scopes=["admin"]).split(".")
    for mac in ("", signature):
        refused(locked.bearer(f"{part({'alg': algorithm, 'typ': 'JWT'})}.{body}.{mac}"))


def test_another_hash_with_the_right_secret_is_refused(locked: Any) -> None:
    refused(locked.bearer(locked.signed("HS512")))
    refused(locked.bearer(locked.signed("HS384")))


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'x"},
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
    ],
)
def test_a_header_that_names_a_key_changes_nothing(locked: Any, header: dict[str, Any]) -> None:
    claims = {"exp": NOW_S + 60, "aud": "ugc", "scopes": ["read"]}
    # Signed by us it is good, signed with what the header leads to it is not.
    assert locked.bearer(jwt.encode(claims, SECRET, "HS256", headers=header)).status_code == 200
    for forged in (b"\x00" * 32, b"x" * 32):
        refused(locked.bearer(jwt.encode(claims, forged, "HS256", headers=header)))


@pytest.mark.parametrize("kid", [7, None, {"a": 1}])
def test_a_kid_that_is_no_text_is_refused_or_nothing(locked: Any, kid: Any) -> None:
    _, body, _ = locked.signed().split(".")
    refused(locked.bearer(f"{part({'alg': 'HS256', 'kid': kid})}.{body}.AAAA"))


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "a.b.c",
        "....",
        "e30.e30.e30",
        f"{part({'alg': 'HS256'})}.{base64.urlsafe_b64encode(b'[' * 3_000).decode()}.AAAA",
        f"{part({'alg': 'HS256', 'crit': ['exp']})}.e30.AAAA",
        f"{part({'alg': 'HS256', 'crit': ['b64'], 'b64': False})}..AAAA",
    ],
)
def test_what_is_no_token_is_refused_calmly(locked: Any, text: str) -> None:
    answer = locked.bearer(text)
    assert answer.status_code == 401, answer.text


def test_a_changed_claim_breaks_the_signature(locked: Any) -> None:
    head, _, signature = locked.signed().split(".")
    more = part({"exp": NOW_S + 60, "aud": "ugc", "scopes": ["admin"]})
    refused(locked.bearer(f"{head}.{more}.{signature}"))


def test_without_a_key_for_tokens_none_is_taken(lock: Any) -> None:
    locked = lock()
    refused(locked.bearer(locked.signed()))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"jwt_secret": SECRET}, "UGC_JWT_AUDIENCE is missing"),
        ({"jwt_secret": "short", "jwt_audience": "ugc"}, "shorter than 32 bytes"),
        ({"jwt_audience": "ugc"}, "set UGC_JWT_SECRET"),
        ({"jwt_secret": SECRET, "jwt_public_key_file": "x", "jwt_audience": "ugc"}, "keep one"),
        ({"jwt_public_key_file": "/nowhere.pem", "jwt_audience": "ugc"}, "cannot be read"),
    ],
)
def test_settings_that_would_let_the_wrong_ones_in_do_not_start(
    lock: Any, settings: dict[str, str], said: str
) -> None:
    with pytest.raises(SettingsError, match=said) as raised:
        lock(**settings)
    assert SECRET not in str(raised.value)


def test_a_file_that_is_no_public_rsa_key_does_not_start(
    lock: Any, signer: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    private = signer.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = tmp_path / "key.pem"
    for content, said in (
        (private, "private key"),
        (pem(ec.generate_private_key(ec.SECP256R1()).public_key()), "RSA key of 2048 bits"),
        (pem(rsa.generate_private_key(65537, 1024).public_key()), "RSA key of 2048 bits"),
        (b"hello", "no public key in PEM"),
    ):
        file.write_bytes(content)
        with pytest.raises(SettingsError, match=said):
            lock(jwt_public_key_file=str(file), jwt_audience="ugc")
