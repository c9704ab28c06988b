"""`ugc generate`: as many events as asked for, the same for the same seed, good ones, and with habits."""

import csv
import io
import json
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from contract.events import Event
from contract.limits import OCCURRED_AGE_MS_MAX
from contract.reading import read
from contract.wire import instant
from ops.cli import run
from ops.generating.chance import below, chosen, draw
from ops.generating.deeds import DEEDS
from ops.generating.live import Live
from ops.generating.people import CHURNING, HABITS, PLACES, REGULAR, RETURNING, people
from ops.generating.plan import SENDABLE_FOR_MS, Plan
from ops.generating.visits import visits
from ops.generating.writing import generate

ENDS_AT = datetime(2026, 4, 15, 9, 30, tzinfo=UTC)
ENDS_AT_MS = int(ENDS_AT.timestamp()) * 1000
DAY_MS = 86_400_000
UNTIL = ["--until", ENDS_AT.isoformat()]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plan(events: int = 20_000, users: int = 800, days: int = 30, seed: int = 1, **more: Any) -> Plan:
    return Plan(events, users, days, seed, ENDS_AT_MS, **more)


def lines(made: Plan) -> list[bytes]:
    return [line for chunk in generate(made) for line in chunk.json_lines()]


def documents(made: Plan) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(made)]


@pytest.mark.parametrize(
    ("events", "users", "days"),
    [
        (1, 1, 1),
        (7, 3, 2),
        (1_000, 1, 1),
        (50, 200, 5),
        (999, 1_000, 30),
        (5_000, 1_000, 30),
        (205_000, 90, 3),
    ],
)
def test_as_many_as_asked_for_whatever_the_crowd(events: int, users: int, days: int) -> None:
    made = plan(events, users, days)
    found = Counter(json.loads(line)["event_id"] for line in lines(made))
    assert sum(found.values()) == events
    assert len(found) == made.originals
    assert made.copies == sum(found.values()) - len(found)


def test_the_same_plan_is_the_same_bytes_and_another_seed_other_events() -> None:
    one = lines(plan(3_000, 100))
    assert one == lines(plan(3_000, 100))
    other = lines(plan(3_000, 100, seed=2))
    assert not {json.loads(line)["event_id"] for line in one} & {
        json.loads(line)["event_id"] for line in other
    }


def test_what_a_seed_makes_is_the_same_on_every_machine() -> None:
    keys = np.arange(3)
    assert draw(1, "x", keys).tolist() == [1562615136773691073, 17000210665073556152, 4586903590888709906]
    assert json.loads(lines(plan(10, 3, 1))[0]) == {
        "event_id": "db87a1cb-ebab-4eab-bd98-54ce16e53c5e",
        "occurred_at": "2026-04-14T10:32:10.901Z",
        "user_id": "user-000002",
        "event_type": "page_view",
        "value": 0,
        "session_id": "s-535e2ca7f764",
        "properties": {
            "page": "/films/231",
            "kind": "film",
            "dwell_ms": 109611,
            "country": "IS",
            "device": "web",
        },
    }


def test_chance_is_even() -> None:
    words = draw(5, "even", np.arange(60_000))
    counts = np.bincount(below(words, 6))
    assert len(counts) == 6
    assert abs(counts - 10_000).max() < 400
    shares = np.bincount(chosen(words, [1, 0, 3])) / len(words)
    assert shares == pytest.approx([0.25, 0, 0.75], abs=0.01)


def test_every_event_is_taken_by_the_contract_while_a_month_can_be_sent() -> None:
    for received_at in (ENDS_AT, ENDS_AT + timedelta(milliseconds=SENDABLE_FOR_MS)):
        found = [read(line, received_at=received_at) for line in lines(plan(6_000, 300))]
        assert [each for each in found if not isinstance(each, Event)] == []
        assert {each.event_type for each in found if isinstance(each, Event)} == {d.event_type for d in DEEDS}


def test_no_event_lies_outside_the_time_asked_for() -> None:
    for days, oldest_ms in ((30, OCCURRED_AGE_MS_MAX - SENDABLE_FOR_MS), (3, 3 * DAY_MS)):
        times = sorted(each["occurred_at"] for each in documents(plan(20_000, 300, days)))
        assert instant(ENDS_AT_MS - oldest_ms) <= times[0]
        assert times[-1] < instant(ENDS_AT_MS)


def test_everybody_comes_and_a_copy_is_the_same_event() -> None:
    by_id: dict[str, list[bytes]] = defaultdict(list)
    users = set()
    for line in lines(plan(copies_share=0.1)):
        document = json.loads(line)
        by_id[document["event_id"]].append(line)
        users.add(document["user_id"])
    assert len(users) == 800
    again = [each for each in by_id.values() if len(each) > 1]
    assert len(again) == 2_000
    assert all(one == other for each in again for one, other in pairwise(each))


def test_they_arrive_mostly_in_order_and_some_late() -> None:
    late_ms = []
    newest_ms = 0
    for chunk in generate(plan(60_000, 2_000)):
        columns = chunk.columns
        assert (np.diff(columns.arrives_at_ms) >= 0).all()
        for at_ms in columns.at_ms.tolist():
            newest_ms = max(newest_ms, at_ms)
            late_ms.append(newest_ms - at_ms)
    in_order = sum(each < 1_000 for each in late_ms) / len(late_ms)
    late = sum(each > 3_600_000 for each in late_ms) / len(late_ms)
    assert in_order > 0.9
    assert 0.003 < late < 0.05


def test_chunks_follow_each_other_without_a_step_back() -> None:
    ends_ms = 0
    chunks = list(generate(plan(420_000, 2_000)))
    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.columns.arrives_at_ms[0] >= ends_ms
        ends_ms = chunk.columns.arrives_at_ms[-1]


def active_days(made: Plan) -> list[set[int]]:
    """By user: the days since his first one on which he was there, by the UTC calendar."""
    crowd = people(made.seed, made.users, days=made.days)
    days: list[set[int]] = [set() for _ in range(made.users)]
    found = visits(made, crowd)
    for user, at_ms in zip(found.user.tolist(), found.starts_at_ms.tolist(), strict=True):
        days[user].add(at_ms // DAY_MS)
    return days


def test_people_have_habits() -> None:
    made = plan(200_000, 4_000)
    crowd, days = people(1, 4_000, days=30), active_days(made)

    def seen(habit: object, *, joined: int) -> list[set[int]]:
        mine = np.flatnonzero((crowd.habit == HABITS.index(habit)) & (crowd.joined <= joined))
        return [days[user] for user in mine.tolist()]

    regular, churning = (seen(habit, joined=5) for habit in (REGULAR, CHURNING))
    assert np.mean([len(each) for each in regular]) > 18
    last_week = ENDS_AT_MS // DAY_MS - 7
    stayed = [np.mean([max(each) > last_week for each in those]) for those in (regular, churning)]
    assert stayed[0] > 0.95
    assert stayed[1] < 0.3
    gaps = [
        max(b - a for a, b in pairwise(sorted(each))) for each in seen(RETURNING, joined=5) if len(each) > 8
    ]
    assert np.mean([gap > 9 for gap in gaps]) > 0.8
    # Few do much.
    events = Counter(each["user_id"] for each in documents(plan(40_000, 800)))
    assert sum(count for _, count in events.most_common(80)) > 0.2 * 40_000


def test_people_live_by_their_own_clock_and_some_come_at_weekends() -> None:
    crowd = people(1, 800, days=30)
    hours: dict[str, list[int]] = defaultdict(list)
    weekdays: Counter[int] = Counter()
    for each in documents(plan(60_000)):
        place = PLACES[crowd.place[int(each["user_id"].removeprefix("user-"))]]
        local = datetime.fromisoformat(each["occurred_at"]).astimezone(ZoneInfo(place.zone))
        hours[place.zone].append(local.hour)
        weekdays[local.weekday()] += 1
        assert each["properties"]["country"] == place.country
    for zone in ("Europe/Berlin", "America/New_York", "Asia/Tokyo"):
        found = hours[zone]
        assert sum(18 <= hour < 23 for hour in found) > 3 * sum(1 <= hour < 6 for hour in found)
    assert weekdays[5] + weekdays[6] > 2 / 7 * weekdays.total()


def test_events_come_in_bursts() -> None:
    by_session: dict[str, list[datetime]] = defaultdict(list)
    for each in documents(plan(30_000, 500, copies_share=0)):
        by_session[each["session_id"]].append(datetime.fromisoformat(each["occurred_at"]))
    gaps = [b - a for each in by_session.values() for a, b in pairwise(sorted(each))]
    assert sum(gap < timedelta(minutes=2) for gap in gaps) > 0.8 * len(gaps)
    assert any(gap > timedelta(hours=1) for gap in gaps)


def test_ids_are_of_both_versions_and_tell_the_time_of_the_event() -> None:
    found = documents(plan(5_000, 200))
    assert {each["event_id"][14] for each in found} == {"4", "7"}
    assert {each["event_id"][19] for each in found} <= set("89ab")
    for each in found:
        if each["event_id"][14] == "7":
            at = datetime.fromisoformat(each["occurred_at"])
            assert int(each["event_id"].replace("-", "")[:12], 16) == round(at.timestamp() * 1000)


def test_a_file_has_its_name_when_it_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["generate", "--events", "3000", "--users", "50", "--days", "7", "--seed", "4", *UNTIL]
    assert run([*asked, "--out", "month.csv", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["events"], said["different"], said["users"], said["seed"]) == (3_000, 2_985, 50, 4)
    assert said["ends_at"] == "2026-04-15T09:30:00.000Z"
    assert run([*asked, "--out", "month.ndjson"]) == 0
    assert {each.name for each in Path().iterdir()} == {"month.csv", "month.ndjson"}
    rows = list(csv.DictReader(io.StringIO(Path("month.csv").read_text(encoding="utf-8"))))
    sent = [json.loads(line) for line in Path("month.ndjson").read_text(encoding="utf-8").splitlines()]
    assert list(rows[0]) == ["event_id", "occurred_at", "user_id", "event_type", "properties_json", "value"]
    for row, event in zip(rows, sent, strict=True):
        assert json.loads(row.pop("properties_json")) == event["properties"]
        assert float(row.pop("value")) == event["value"]
        assert row == {name: event[name] for name in row}


def test_standard_output_holds_nothing_but_events(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(["generate", "--events", "500", "--users", "20", "--days", "2", *UNTIL]) == 0
    captured = capfdbinary.readouterr()
    assert len([json.loads(line) for line in captured.out.splitlines()]) == 500
    assert b"500 events, 2 of them copies, of 20 users from 2026-04-13T09:30" in captured.err
    assert run(["generate", "--events", "500", "--users", "20", "--days", "2", *UNTIL, "--out", "-"]) == 0
    assert capfdbinary.readouterr().out == captured.out
    assert not list(Path().iterdir())


def test_what_is_sent_is_what_would_be_written(serve: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def accepts(body: bytes) -> tuple[int, dict[str, str], bytes]:
        counts = {"accepted": len(json.loads(body)), "duplicates": 0, "rejected": 0, "results": []}
        return 202, {}, json.dumps(counts).encode()

    served = serve(accepts)
    asked = ["generate", "--events", "2500", "--users", "90", "--days", "3", "--seed", "1", *UNTIL]
    assert run([*asked, "--send", "--url", served.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"] == 2_500
    sent = [each for body in served.bodies for each in json.loads(body)]
    assert [len(json.loads(body)) for body in served.bodies] == [1_000, 1_000, 500]
    assert sent == documents(plan(2_500, 90, 3))


def test_a_rejected_event_fails_the_command_and_is_told(
    serve: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = {"status": "rejected", "code": "occurred_at_too_old", "pointer": "/1", "message": "of long ago"}
    answer = {"accepted": 1, "duplicates": 0, "rejected": 1, "results": [{"status": "accepted"}, verdict]}
    served = serve(lambda _: (202, {}, json.dumps(answer).encode()))
    asked = ["generate", "--events", "2", "--send", "--url", served.url]
    assert run(asked) == 1
    assert "occurred_at_too_old /1 of long ago" in capsys.readouterr().err
    assert run([*asked, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["rejections"] == [verdict]


def test_of_few_events_there_are_few_people_who_do_all_sorts_of_things_and_come_again(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["generate", "--events", "5000", "--days", "7", "--out", "week.ndjson", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["users"] == 500
    sent = [json.loads(line) for line in Path("week.ndjson").read_text(encoding="utf-8").splitlines()]
    assert {each["event_type"] for each in sent} == {deed.event_type for deed in DEEDS}
    came = {(each["user_id"], each["occurred_at"][:10]) for each in sent}
    assert len(came) > 2 * len({user for user, _ in came})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--events", "10001", "--users", "1", "--days", "1"], "at most 10,000"),
        (["--days", "31"], "--days"),
        (["--until", "2026-01-01"], "not a time with an offset"),
        (["--until", "yesterday"], "not a time with an offset"),
        (["--until", "9999-12-31T00:00:00Z"], "not a time with an offset"),
        (["--send", "--out", "x.csv"], "leave out --out"),
        (["--url", "http://127.0.0.1:1"], "--url names the collector for --send"),
        (["--json"], "name a file with --out"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", *arguments]) == 2
    captured = capsys.readouterr()
    assert said in captured.err + captured.out


def test_a_full_disk_is_one_line_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "--events", "10", "--out", "missing/month.csv"]) == 1
    assert "error cannot write missing/month.csv: No such file" in capsys.readouterr().err


def test_live_events_happen_as_often_as_asked_and_each_is_told_once() -> None:
    live = Live(people(1, 300, days=30), 20.0, ENDS_AT_MS)
    chunks = [live.until(ENDS_AT_MS + second * 1000) for second in range(1, 301)]
    found = [json.loads(line) for chunk in chunks if chunk for line in chunk.json_lines()]
    assert 5_500 < len(found) < 6_500
    assert len({each["event_id"] for each in found}) == len(found)
    assert live.until(ENDS_AT_MS) is None
    received_at = ENDS_AT + timedelta(seconds=300)
    assert all(isinstance(read(json.dumps(each).encode(), received_at=received_at), Event) for each in found)
    times = [each["occurred_at"] for each in found]
    assert times == sorted(times)
    assert date.fromisoformat(times[0][:10]) == ENDS_AT.date()
    assert 20 < len({each["user_id"] for each in found}) <= 300
