"""Whether a machine sends: marked with the reasons, never refused. Answers leave the marked out by default.

One sign proves nothing. Scripts, servers and telephones send events with any user agent, and proxies drop
headers; so a sender is marked only when signs of two kinds agree, each kind read from something else:

    agent     what the user agent says of itself
    hints     what the client hints say, which a browser fills in by itself
    headers   what every browser sends with a POST and this one, saying it is a browser, did not
    contact   From: the address by which the owner of a robot can be reached (RFC 9110, section 10.1.2)
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

USER_AGENT_CHARS_READ = 512
KINDS_MIN = 2
BROWSER = "mozilla/"
# A telephone of that name is none.
_NAMES_A_BOT = re.compile(
    r"(?<!cu)bot(?![a-z])|crawler|spider|slurp|scraper|facebookexternalhit|bingpreview|lighthouse"
)
_AUTOMATED = re.compile(r"headless|phantomjs|puppeteer|playwright|selenium|webdriver|cypress")
# Only those two: a telephone that is asked for the page of a desk says that it is a Linux.
_DESKS = {'"windows"': "windows nt", '"macos"': "macintosh"}


class Sign(StrEnum):
    """Every sign there is, by the name that is stored with the event."""

    AGENT_NAMES_A_BOT = "agent_names_a_bot"
    AGENT_AUTOMATED = "agent_automated"
    HINTS_AUTOMATED = "hints_automated"
    HINTS_CONTRADICT_AGENT = "hints_contradict_agent"
    BROWSER_WITHOUT_LANGUAGE = "browser_without_language"
    BROWSER_WITHOUT_ORIGIN = "browser_without_origin"
    CONTACT_GIVEN = "contact_given"


_BROWSERS_SEND = (
    ("HTTP_ACCEPT_LANGUAGE", Sign.BROWSER_WITHOUT_LANGUAGE),
    ("HTTP_ORIGIN", Sign.BROWSER_WITHOUT_ORIGIN),
)


class _Agent(NamedTuple):
    text: str
    signs: tuple[Sign, ...]
    says_browser: bool


def reasons(environ: Mapping[str, Any]) -> tuple[str, ...]:
    """The signs that a machine sent this request; none unless two kinds of them agree."""
    agent = _read(environ.get("HTTP_USER_AGENT", "")[:USER_AGENT_CHARS_READ])
    if not agent.says_browser and not agent.signs:
        return ()
    kinds = (
        agent.signs,
        _of_hints(environ, agent),
        _of_headers(environ) if agent.says_browser else (),
        (Sign.CONTACT_GIVEN,) if "HTTP_FROM" in environ else (),
    )
    if sum(map(bool, kinds)) < KINDS_MIN:
        return ()
    return tuple(str(sign) for kind in kinds for sign in kind)


# The same few programs send most requests.
@lru_cache(maxsize=1024)
def _read(user_agent: str) -> _Agent:
    text = user_agent.lower()
    signs: list[Sign] = []
    if _NAMES_A_BOT.search(text):
        signs.append(Sign.AGENT_NAMES_A_BOT)
    if _AUTOMATED.search(text):
        signs.append(Sign.AGENT_AUTOMATED)
    return _Agent(text, tuple(signs), text.startswith(BROWSER))


def _of_hints(environ: Mapping[str, Any], agent: _Agent) -> Sequence[Sign]:
    brands = environ.get("HTTP_SEC_CH_UA")
    if brands is None:
        return ()
    signs = [Sign.HINTS_AUTOMATED] if _AUTOMATED.search(brands.lower()) else []
    desk = _DESKS.get(environ.get("HTTP_SEC_CH_UA_PLATFORM", "").lower())
    if desk is not None and desk not in agent.text:
        signs.append(Sign.HINTS_CONTRADICT_AGENT)
    return signs


def _of_headers(environ: Mapping[str, Any]) -> Sequence[Sign]:
    return [sign for header, sign in _BROWSERS_SEND if not environ.get(header)]
