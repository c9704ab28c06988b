"""Whose request it is: trusted proxies are believed, and nobody else."""

from typing import Any

import pytest

from ugc_api.addresses import client_address, network

PROXY = "10.0.0.9"


def environ(forwarded: str | None = None, called_from: str = PROXY) -> dict[str, Any]:
    made = {"REMOTE_ADDR": called_from}
    return made if forwarded is None else {**made, "HTTP_X_FORWARDED_FOR": forwarded}


@pytest.mark.parametrize("forwarded", [None, "", "203.0.113.7", "203.0.113.7, 198.51.100.1"])
def test_without_trusted_hops_the_header_is_not_read(forwarded: str | None) -> None:
    assert client_address(environ(forwarded), trusted_hops=0) == PROXY


@pytest.mark.parametrize(
    ("forwarded", "hops", "client"),
    [
        ("203.0.113.7", 1, "203.0.113.7"),
        ("1.1.1.1, 203.0.113.7", 1, "203.0.113.7"),
        ("1.1.1.1,2.2.2.2,203.0.113.7,198.51.100.1", 2, "203.0.113.7"),
        (" 203.0.113.7 ", 1, "203.0.113.7"),
        ("203.0.113.7:50000", 1, "203.0.113.7"),
        ("[2001:db8::7]:50000", 1, "2001:db8::7"),
        ("[2001:db8::7]", 1, "2001:db8::7"),
        ("2001:DB8:0::7", 1, "2001:db8::7"),
        ("::ffff:203.0.113.7", 1, "203.0.113.7"),
        ("garbage, 203.0.113.7", 1, "203.0.113.7"),
        (",,,203.0.113.7", 1, "203.0.113.7"),
    ],
)
def test_the_entry_of_the_outermost_trusted_proxy_is_the_client(
    forwarded: str, hops: int, client: str
) -> None:
    assert client_address(environ(forwarded), trusted_hops=hops) == client


@pytest.mark.parametrize(
    ("forwarded", "hops"),
    [
        (None, 1),
        ("", 1),
        ("203.0.113.7", 2),
        ("203.0.113.7,", 1),
        ("203.0.113.7, unknown", 1),
        ("203.0.113.7, _hidden", 1),
        ("203.0.113.7, 1.2.3", 1),
        ("203.0.113.7, 1.2.3.4.5", 1),
        ("203.0.113.7, 01.2.3.4", 1),
        ("203.0.113.7, 256.1.1.1", 1),
        ("203.0.113.7, 1.1.1.1:", 1),
        ("203.0.113.7, 1.1.1.1:80:80", 1),
        ("203.0.113.7, [::1", 1),
        ("203.0.113.7, [::1]x", 1),
        ("203.0.113.7, fe80::1%eth0", 1),
        ("203.0.113.7, 1.1.1.1\x00", 1),
        ("203.0.113.7, \ud800", 1),
        ("203.0.113.7, \u0661.1.1.1", 1),
        ("203.0.113.7, 'or 1=1", 1),
        ("203.0.113.7; 1.1.1.1", 1),
    ],
)
def test_what_is_missing_or_malformed_never_widens_trust(forwarded: str | None, hops: int) -> None:
    """Nobody becomes somebody else by it: the limit of the proxy itself is what is left."""
    assert client_address(environ(forwarded), trusted_hops=hops) == PROXY


@pytest.mark.parametrize(
    ("called_from", "client"),
    [("", ""), ("unix:", ""), ("fe80::1%eth0", "fe80::1"), ("::ffff:10.0.0.9", "10.0.0.9"), ("::1", "::1")],
)
def test_who_called_us(called_from: str, client: str) -> None:
    assert client_address(environ(called_from=called_from), trusted_hops=0) == client
    assert client_address({}, trusted_hops=0) == ""


def test_an_ipv6_sender_is_its_64_and_an_ipv4_sender_is_itself() -> None:
    assert network("2001:db8:1:2:3:4:5:6") == network("2001:db8:1:2::ffff")
    assert network("2001:db8:1:2::1") != network("2001:db8:1:3::1")
    assert network("203.0.113.7") != network("203.0.113.8")
    assert network("::ffff:203.0.113.7") == network("203.0.113.7")
    assert len({network("0.0.0.0"), network("::"), network("")}) == 3
