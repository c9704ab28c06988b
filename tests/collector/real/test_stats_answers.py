"""The stats calls over a real warehouse: every answer has the shape the document says, whatever is asked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from clickhouse.client import connect
from clickhouse.warehouse import Warehouse
from telemetry.clock import SystemClock

TODAY = datetime.now(UTC).date()
RANGE = f"from={TODAY - timedelta(days=9)}&to={TODAY}"
LONG = f"from={TODAY - timedelta(days=365)}&to={TODAY}"
EVERYTHING = "tz=Australia/Lord_Howe&bots=include&exact=true"
SEGMENTS = "segment=event_type:click&segment=properties.a!=%27%29%20OR%201=1%20--&segment=properties.n%3E0.1"

ASKED = [
    *(f"/stats/{name}?{RANGE}" for name in ("dau", "top-events", "daily", "retention-7d")),
    *(f"/stats/{name}?{LONG}&{EVERYTHING}" for name in ("dau", "top-events", "daily", "retention-7d")),
    *(f"/stats/{name}?{RANGE}&{SEGMENTS}" for name in ("dau", "top-events", "daily", "retention-7d")),
    f"/stats/retention?start_date={TODAY - timedelta(days=9)}",
    f"/stats/retention?start_date={TODAY - timedelta(days=200)}&windows=30&period=week&{EVERYTHING}",
    f"/stats/retention?start_date={TODAY - timedelta(days=9)}&{SEGMENTS}",
    f"/stats/returning?date={TODAY}",
    f"/stats/returning?date={TODAY}&days=30&limit=1000&{EVERYTHING}",
    f"/stats/returning?date={TODAY}&{SEGMENTS}",
    *(
        f"/stats/{question}&tz={zone}{more}"
        for question in (
            "dau?from=0001-01-01&to=0001-01-02",
            "daily?from=0001-01-01&to=0001-01-02",
            "retention?start_date=0001-01-01&windows=30",
            "retention?start_date=1960-01-01&windows=30&period=week",
            "retention-7d?from=9999-12-30&to=9999-12-31",
            "top-events?from=9999-12-30&to=9999-12-31",
            "returning?date=0001-01-01&days=30",
            "returning?date=9999-12-31&days=30",
            "retention?start_date=9999-12-31",
        )
        for zone in ("Pacific/Kiritimati", "Etc/GMT%2B12")
        for more in ("", "&segment=event_type:click")
    ),
]


@pytest.fixture(scope="module")
def real(warehouse_dsn: Callable[[str], str]) -> Warehouse:
    return Warehouse(connect(warehouse_dsn("reader"), query_timeout_s=10), clock=SystemClock())


@pytest.mark.parametrize("asked", ASKED)
def test_a_real_answer_fits_the_document(make_api: Any, real: Warehouse, asked: str) -> None:
    api = make_api(warehouse=real)
    answer = api.client.get(asked)
    assert answer.status_code == 200, answer.text
    document = api.client.get("/openapi.json").json
    said = document["paths"][asked.partition("?")[0]]["get"]["responses"]["200"]["content"]
    schema = {**said["application/json"]["schema"], "components": document["components"]}
    jsonschema.validate(answer.json, schema, cls=jsonschema.Draft202012Validator)
    as_csv = api.client.get(asked, headers={"Accept": "text/csv"})
    assert (as_csv.status_code, as_csv.mimetype) == (200, "text/csv")
