"""Machines are marked, people and scripts are not, and nobody is refused for it."""

from typing import Any

import pytest

from contract import limits, wire
from ugc_api.bots import Sign, reasons

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
CUBOT = "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36"
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
SENT_BY_BROWSERS = {"Accept-Language": "de", "Origin": "https://film.example"}
BRANDS = '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"'
HINTS = {"Sec-CH-UA": BRANDS, "Sec-CH-UA-Platform": '"Windows"', "Sec-CH-UA-Mobile": "?0"}
HEADLESS_HINTS = {**HINTS, "Sec-CH-UA": BRANDS.replace("Google Chrome", "HeadlessChrome")}


def of(user_agent: str | None, **headers: str) -> set[str]:
    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    if user_agent is not None:
        environ["HTTP_USER_AGENT"] = user_agent
    return set(reasons(environ))


@pytest.mark.parametrize(
    ("user_agent", "headers"),
    [
        ("curl/8.5.0", {}),
        ("python-requests/2.34.2", {}),
        ("Go-http-client/2.0", {"From": "team@example.org"}),
        ("telegram-bot/1.0 (server of ours)", {}),
        ("UptimeRobot/2.0", {}),
        (None, {}),
        ("", {}),
        ("x" * 100_000, {}),
        (CHROME, {**SENT_BY_BROWSERS, **HINTS}),
        (FIREFOX, SENT_BY_BROWSERS),
        (CUBOT, {}),
        # Somebody's own server passes on who the person is.
        (CHROME, {}),
        (CHROME, HINTS),
        # A telephone asked for the page of a desk.
        (FIREFOX, {**SENT_BY_BROWSERS, **HINTS, "Sec-CH-UA-Platform": '"Linux"'}),
        # One sign is none, even a plain one.
        (HEADLESS, SENT_BY_BROWSERS),
        (GOOGLE, SENT_BY_BROWSERS),
        (CHROME, {**SENT_BY_BROWSERS, **HEADLESS_HINTS}),
    ],
)
def test_people_scripts_and_single_signs_are_not_marked(user_agent: str, headers: dict[str, str]) -> None:
    assert of(user_agent, **headers) == set()


@pytest.mark.parametrize(
    ("user_agent", "headers", "signs"),
    [
        (GOOGLE, {"Origin": "x"}, {Sign.AGENT_NAMES_A_BOT, Sign.BROWSER_WITHOUT_LANGUAGE}),
        (
            GOOGLE,
            {**SENT_BY_BROWSERS, "From": "googlebot(at)googlebot.com"},
            {Sign.AGENT_NAMES_A_BOT, Sign.CONTACT_GIVEN},
        ),
        (
            HEADLESS,
            {**SENT_BY_BROWSERS, **HEADLESS_HINTS},
            {Sign.AGENT_AUTOMATED, Sign.HINTS_AUTOMATED},
        ),
        (HEADLESS, {"Accept-Language": "en"}, {Sign.AGENT_AUTOMATED, Sign.BROWSER_WITHOUT_ORIGIN}),
        (
            FIREFOX,
            {**HINTS, "Accept-Language": "en"},
            {Sign.HINTS_CONTRADICT_AGENT, Sign.BROWSER_WITHOUT_ORIGIN},
        ),
        ("examplebot/1.0", {"From": "a@b.c"}, {Sign.AGENT_NAMES_A_BOT, Sign.CONTACT_GIVEN}),
    ],
)
def test_signs_of_two_kinds_mark(user_agent: str, headers: dict[str, str], signs: set[Sign]) -> None:
    assert of(user_agent, **headers) == signs


def test_a_marked_event_is_stored_with_its_reasons_like_any_other(api: Any, event: Any) -> None:
    answer = api.send([event()], headers={"User-Agent": GOOGLE})
    assert (answer.status_code, answer.json["accepted"]) == (202, 1)
    (record,) = api.event_log.records
    written = wire.decode(record.value, record.headers)
    assert written.bot_reasons == (
        "agent_names_a_bot",
        "browser_without_language",
        "browser_without_origin",
    )
    for reason in written.bot_reasons:
        assert api.value("ugc_events_bot_total", reason=reason) == 1


def test_a_person_is_stored_without_reasons(api: Any, event: Any) -> None:
    api.send([event()], headers={"User-Agent": CHROME, **SENT_BY_BROWSERS})
    (record,) = api.event_log.records
    assert wire.decode(record.value, record.headers).bot_reasons == ()
    assert "ugc_events_bot_total{" not in api.client.get("/metrics").text


def test_all_signs_at_once_fit_into_the_record() -> None:
    assert len(Sign) <= limits.BOT_REASONS_MAX
    assert all(len(sign) <= limits.BOT_REASON_CHARS_MAX for sign in Sign)
