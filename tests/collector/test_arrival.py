"""What the server adds to an event: a cut address and one word for the program."""

import pytest

from ugc_api.arrival import family, truncated


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("10.1.2.255", "10.1.2.0"),
        ("2001:db8:1234:5678:9abc:def0:1234:5678", "2001:db8:1234::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("fe80::1", "fe80::"),
        ("", ""),
        ("unix:", ""),
        ("203.0.113.77:443", ""),
    ],
)
def test_addresses_are_cut_to_their_network(address: str, network: str) -> None:
    assert truncated(address) == network


CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "chrome"),
        (f"{CHROME} Edg/142.0.0.0", "edge"),
        (f"{CHROME} OPR/120.0.0.0", "opera"),
        (IPHONE, "safari"),
        (IPHONE.replace("Version/18.0", "CriOS/142.0"), "chrome"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "firefox"),
        ("curl/8.5.0", "curl"),
        ("python-requests/2.34.2", "python"),
        ("Something/1.0", "other"),
        ("   ", ""),
        ("", ""),
        ("x" * 10_000 + "curl/", "other"),
    ],
)
def test_user_agents_become_families(user_agent: str, name: str) -> None:
    assert family(user_agent) == name
