"""Puts the questions of a case to the application by HTTP, and says where the oracle disagrees.

Beyond the rows: percents, which window runs, and what an answer says of itself.
"""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from properties.comparing import USERS_MAX, reader_of
from properties.oracle import DAY, PERIOD_DAYS, is_percent
from properties.questions import Case
from properties.standing import StandingClock
from warehouse_process import Process

from clickhouse.warehouse import Warehouse
from contract.wire import Record
from telemetry.metrics import Metrics
from ugc_api.access import building
from ugc_api.app import Parts, create_app
from ugc_api.idempotency.answer_store import AnswerStore, StoreLimits
from ugc_api.idempotency.claims import Claims
from ugc_api.idempotency.first_answers import FirstAnswers
from ugc_api.lazy_warehouse import LazyWarehouse
from ugc_api.limiting import memory
from ugc_api.limiting.buckets import Buckets
from ugc_api.settings import ApiSettings

Document = dict[str, Any]
RAW_DAYS, AGGREGATE_DAYS = 30, 180


class NoLog:
    """An event log that nobody writes to here."""

    def append(self, records: list[Record]) -> None:
        raise AssertionError(f"{len(records)} events, and no question")

    def check(self) -> None:
        """Nobody asks."""

    def close(self) -> int:
        return 0


def application(process: Process, clock: StandingClock, folder: Path) -> FlaskClient:
    """The whole HTTP surface over a real warehouse, at whatever time the clock says."""
    settings, metrics, dsn = ApiSettings(), Metrics(), process.dsn("reader")
    parts = Parts(
        event_log=NoLog(),
        buckets=Buckets(memory.own(sets=64), clock=clock),
        warehouse=LazyWarehouse(
            lambda timeout_s: Warehouse(reader_of(dsn, read_timeout_s=timeout_s), clock=clock),
            answer_timeout_s=30,
            ping_timeout_s=2,
        ),
        first_answers=FirstAnswers(
            AnswerStore(folder / "answers.sqlite3", limits=StoreLimits(1_000, 1_000_000), clock=clock),
            Claims(folder / "claims"),
            metrics=metrics,
        ),
        clock=clock,
        metrics=metrics,
        gate=building.build(settings, clock=clock, metrics=metrics),
    )
    return create_app(settings, parts).test_client()


class Asker:
    """Asks the application all the questions of one case and keeps what is wrong with the answers."""

    def __init__(self, client: FlaskClient, case: Case) -> None:
        self._client = client
        self._case = case
        self._oracle = case.oracle()
        self.wrong: list[str] = []

    def ask_all(self) -> list[str]:
        """What is wrong, a line each."""
        asked = self._case.questions
        oracle, days = self._oracle, {"from": asked.first, "to": asked.last}
        # Exact users by type are counted from the raw events.
        exact = self._case.asked.exact
        rows = [{"date": str(day), "users": users} for day, users in oracle.dau(asked.first, asked.last)]
        self._rows("dau", rows, until=asked.last, since=asked.first, **days)
        top = oracle.top_events(asked.first, asked.last, asked.limit)
        rows = [{"event_type": name, "count": count} for name, count in top]
        self._rows("top-events", rows, until=asked.last, since=asked.first, limit=asked.limit, **days)
        names = ("event_type", "users", "points", "actions")
        rows = [
            {"date": str(row[0]), **dict(zip(names, row[1:], strict=True))}
            for row in self._case.oracle(raw=exact).daily(asked.first, asked.last)
        ]
        self._rows("daily", rows, until=asked.last, since=asked.first, raw=exact, **days)
        self._retention()
        self._retention_7d()
        self._returning()
        return self.wrong

    def _rows(self, name: str, right: list[Document], **sent: Any) -> None:
        answer = self._answer(name, **sent)
        if answer["data"] != right:
            self.wrong.append(f"{name}: said {answer['data']}, right is {right}")

    def _retention(self) -> None:
        asked = self._case.questions
        length = PERIOD_DAYS[asked.period]
        answer = self._answer(
            "retention",
            since=asked.start,
            until=asked.start + ((2 * asked.windows + 1) * length - 1) * DAY,
            start_date=asked.start,
            windows=asked.windows,
            period=asked.period,
        )
        right = self._oracle.retention(asked.start, asked.windows, asked.period)
        rows = [
            {
                "cohort": str(cohort),
                "size": size,
                "windows": [
                    {"window": window, "users": count, "running": window == running}
                    for window, count in enumerate(users)
                ],
            }
            for cohort, size, users, running in right
        ]
        said = answer["data"]
        for row in said:
            for cell in row["windows"]:
                percent = cell.pop("percent")
                if cell["users"] is None:
                    ok = percent is None
                else:
                    ok = is_percent(percent, cell["users"], row["size"])
                if not ok:
                    self.wrong.append(f"retention: {percent} % are {cell} of {row['size']}")
        if said != rows:
            self.wrong.append(f"retention: said {said}, right is {rows}")

    def _retention_7d(self) -> None:
        asked = self._case.questions
        answer = self._answer(
            "retention-7d",
            since=asked.first,
            until=asked.last + 7 * DAY,
            **{"from": asked.first, "to": asked.last},
        )
        right = self._oracle.retention_7d(asked.first, asked.last)
        rows = [
            {"date": str(day), "total_users_day_0": total, "returned_in_7_days": returned}
            for day, total, returned in right
        ]
        for row, (_day, total, returned) in zip(answer["data"], right, strict=True):
            percent = row.pop("retention_7d_percent")
            if not is_percent(percent, returned, total):
                self.wrong.append(f"retention-7d: {percent} % are {returned} of {total}")
        if answer["data"] != rows:
            self.wrong.append(f"retention-7d: said {answer['data']}, right is {rows}")

    def _returning(self) -> None:
        """Page by page; each page says the same number, and it is that of all the users listed."""
        asked = self._case.questions
        sent: Document = {"date": asked.day, "days": asked.days, "limit": asked.page}
        users: list[str] = []
        counts = set()
        while len(users) <= USERS_MAX:
            data = self._answer("returning", since=asked.day - asked.days * DAY, until=asked.day, **sent)[
                "data"
            ]
            users += data["users"]
            counts.add(data["count"])
            if data["next_cursor"] is None:
                break
            sent["cursor"] = data["next_cursor"]
        right = self._oracle.returning(asked.day, asked.days)
        if (users, counts) != (right, {len(right)}):
            self.wrong.append(f"returning: said {counts} {users}, right is {right}")

    def _answer(self, name: str, *, since: date, until: date, raw: bool = False, **sent: Any) -> Document:
        """The answer's document, once what it says of itself is looked at: days `since` to `until` count."""
        asker = self._case.asked
        query = {
            "tz": asker.tz,
            "segment": [str(segment) for segment in asker.segments],
            "exact": str(asker.exact).lower(),
            **({"bots": "include"} if asker.bots else {}),
            **{key: str(value) for key, value in sent.items()},
        }
        response = self._client.get(f"/stats/{name}", query_string=query)
        assert response.status_code == 200, f"{response.request.url}: {response.text}"
        answer: Document = response.json
        meta = answer["meta"]
        if meta["method"] not in ({"exact"} if asker.exact else {"exact", "uniq"}):
            self.wrong.append(f"{name}: exact={asker.exact}, and the method is {meta['method']}")
        if bool(meta["error_bound"]) != (meta["method"] == "uniq"):
            self.wrong.append(f"{name}: bound {meta['error_bound']} of method {meta['method']}")
        held = self._held(since, raw=raw)
        if held is not None and meta["complete"] != (held and until < self._oracle.today):
            self.wrong.append(f"{name}: complete is {meta['complete']} of {since} to {until}")
        return answer

    def _held(self, day: date, *, raw: bool) -> bool | None:
        """Whether that day is held whole by now; None so near the end that hours decide."""
        kept = RAW_DAYS if raw or self._case.asked.segments else AGGREGATE_DAYS
        left = self._case.history.now - timedelta(days=kept)
        ends = self._oracle.day_of(left)
        return None if abs(day - ends) <= DAY else day > ends
