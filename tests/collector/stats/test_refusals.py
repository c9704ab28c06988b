"""What a stats call does not take: each refusal names the parameter, the limit and the way out."""

from typing import Any

import pytest

DAU = "dau?from=2026-11-01&to=2026-11-02"
TOP = "top-events?from=2026-11-01&to=2026-11-02"
RETENTION = "retention?start_date=2026-11-01"
RETURNING = "returning?date=2026-11-01"

REFUSED = [
    # what was asked, code, parameter, words of the detail
    ("dau?to=2026-11-01", "missing_parameter", "from", ["?from=2026-01-01&to="]),
    ("retention", "missing_parameter", "start_date", ["?start_date="]),
    ("returning", "missing_parameter", "date", ["?date="]),
    (f"{DAU}&start=1", "unknown_parameter", "start", ["from, to, tz, exact, bots, segment"]),
    (f"{DAU}&limit=10", "unknown_parameter", "limit", ["from, to"]),
    (f"{DAU}&Segment=event_type:click", "unknown_parameter", "Segment", ["segment"]),
    (f"{DAU}&exact=maybe", "invalid_parameter", "exact", ["true, false", "'maybe'"]),
    (f"{DAU}&exact=1", "invalid_parameter", "exact", ["true, false"]),
    (f"{DAU}&exact=", "invalid_parameter", "exact", ["true, false"]),
    (f"{DAU}&bots=yes", "invalid_parameter", "bots", ["exclude, include"]),
    (f"{DAU}&exact=true&exact=true", "invalid_parameter", "exact", ["more than once"]),
    (f"{DAU}&tz=Europe/Berlim", "invalid_parameter", "tz", ["did you mean Europe/Berlin?"]),
    (f"{DAU}&tz=europe/berlin", "invalid_parameter", "tz", ["Europe/Berlin"]),
    (f"{DAU}&tz=Etc/GMT+5", "invalid_parameter", "tz", ["did you mean Etc/GMT%2B5?"]),
    (f"{DAU}&tz=%2B02:00", "invalid_parameter", "tz", ["IANA name"]),
    (f"{DAU}&tz=", "invalid_parameter", "tz", ["IANA name"]),
    (f"{DAU}&tz=../../../etc/passwd", "invalid_parameter", "tz", ["IANA name"]),
    (f"{DAU}&tz=localtime", "invalid_parameter", "tz", ["IANA name"]),
    ("dau?from=2026-11-02&to=2026-11-01", "invalid_parameter", "from", ["after 'to'", "earlier day first"]),
    ("dau?from=2026-02-30&to=2026-11-01", "invalid_parameter", "from", ["YYYY-MM-DD"]),
    ("dau?from=2025-11-01&to=2026-11-02", "range_too_long", "to", ["367 days", "366", "several parts"]),
    ("dau?from=0001-01-01&to=9999-12-31", "range_too_long", "to", ["3,652,059 days", "366"]),
    (f"{TOP}&limit=0", "out_of_bounds", "limit", ["1 to 1,000", "segment"]),
    (f"{TOP}&limit=1001", "out_of_bounds", "limit", ["1 to 1,000", "segment"]),
    (f"{TOP}&limit=-5", "out_of_bounds", "limit", ["1 to 1,000"]),
    (f"{TOP}&limit={'9' * 1_000}", "out_of_bounds", "limit", ["1 to 1,000"]),
    (f"{TOP}&limit=ten", "invalid_parameter", "limit", ["1 to 1,000", "'ten'"]),
    (f"{TOP}&limit=1e2", "invalid_parameter", "limit", ["1 to 1,000"]),
    (f"{TOP}&limit=010", "invalid_parameter", "limit", ["1 to 1,000"]),
    (f"{TOP}&limit=%D9%A3", "invalid_parameter", "limit", ["1 to 1,000"]),
    (f"{TOP}&limit=", "invalid_parameter", "limit", ["1 to 1,000"]),
    (f"{RETENTION}&windows=31", "out_of_bounds", "windows", ["1 to 30", "period=week"]),
    (f"{RETENTION}&windows=0", "out_of_bounds", "windows", ["1 to 30"]),
    (f"{RETENTION}&period=month", "invalid_parameter", "period", ["day, week"]),
    (f"{RETURNING}&days=31", "out_of_bounds", "days", ["1 to 30", "/stats/retention"]),
    (f"{RETURNING}&limit=1001", "out_of_bounds", "limit", ["1 to 1,000", "next_cursor"]),
    (f"{RETURNING}&cursor=%21%21", "invalid_parameter", "cursor", ["next_cursor", "first page"]),
    (f"{RETURNING}&cursor=", "invalid_parameter", "cursor", ["next_cursor"]),
    (
        f"{DAU}&segment=",
        "invalid_segment",
        "segment",
        ["'segment' 1, character 1, at its end", "event_type:NAME"],
    ),
    (
        f"{DAU}&segment=properties.a=1&segment=properties.b~1",
        "invalid_segment",
        "segment",
        ["'segment' 2", "13"],
    ),
    (f"{DAU}&segment=properties.a%3Cx", "invalid_segment", "segment", ["character 14", "'x'", "numbers"]),
    (f"{DAU}&segment={'event_type:' + 'a' * 190}", "invalid_segment", "segment", ["200", "201"]),
    (f"{DAU}{'&segment=event_type:click' * 6}", "too_many_segments", "segment", ["6 times", "5", "in A,B,C"]),
    (f"{DAU}&segment=properties.a=%FF", "invalid_parameter", "segment", ["UTF-8"]),
    (f"{DAU}&segment=properties.a=%ED%A0%80", "invalid_parameter", "segment", ["UTF-8"]),
]


@pytest.mark.parametrize(
    ("asked", "code", "parameter", "words"), REFUSED, ids=[each[0][:60] for each in REFUSED]
)
def test_it_says_what_is_wrong_and_what_would_be_right(
    api: Any, asked: str, code: str, parameter: str, words: list[str]
) -> None:
    answer = api.client.get(f"/stats/{asked}")
    said = answer.json
    assert (answer.status_code, said["code"], said["parameter"]) == (422, code, parameter), said
    assert [word for word in (repr(parameter), *words) if word not in said["detail"]] == [], said["detail"]
    assert len(answer.data) < 2_000, "what was sent is not sent back at length"
    assert api.warehouse.asked == [], "nobody asks the warehouse"


@pytest.mark.parametrize(
    ("asked", "members"),
    [
        (f"{TOP}&limit=1001", {"limit_min": 1, "limit_max": 1_000}),
        (f"{RETENTION}&windows=31", {"limit_min": 1, "limit_max": 30}),
        (f"{RETURNING}&days=31", {"limit_min": 1, "limit_max": 30}),
        ("dau?from=2025-11-01&to=2026-11-02", {"limit_days": 366}),
        (f"{DAU}{'&segment=x' * 6}", {"limit_segments": 5}),
        (f"{DAU}&segment=event_type:click&segment=event_type:", {"segment": 2, "place": 12}),
        (f"{DAU}&tz=Europe/Berlim", {"meant": "Europe/Berlin"}),
    ],
)
def test_a_program_finds_the_limit_in_a_member(api: Any, asked: str, members: dict[str, Any]) -> None:
    said = api.client.get(f"/stats/{asked}").json
    assert {name: said[name] for name in members} == members


def test_an_error_of_many_is_the_first_in_a_fixed_order(api: Any) -> None:
    said = [
        api.client.get(f"/stats/dau?{'&'.join(each)}").json["parameter"]
        for each in (
            ("tz=x", "from=y", "segment=z"),
            ("segment=z", "from=y", "tz=x"),
        )
    ]
    assert said == ["tz", "tz"]
