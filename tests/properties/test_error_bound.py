"""Approximate answers stay inside the bound that they print, where the sketch behind them is at its worst.

`uniq` keeps every hash up to 65,536 of them, then halves its sample: what is left of n users at a share p has
a relative standard error of sqrt((1 - p) / (n p)), which is largest, 0.55 %, just after a halving. The users
of these days are that many by construction, so the truth needs no counting.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from properties.oracle import DAY
from properties.standing import StandingClock
from warehouse_process import Process

from clickhouse.client import connect
from clickhouse.scope import Scope
from clickhouse.warehouse import Warehouse

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

TODAY = date(2026, 11, 21)
DAYS = 40
# A little more than a power of two times the most hashes that are kept, and one size that is still exact;
# each on so many days. Larger ones cost more and err alike.
DAYS_OF = {60_000: 10, 132_000: 40, 264_000: 12}

STATES = """
INSERT INTO events_by_quarter_hour
SELECT
    toDateTime({day:Date}, 'UTC') + 900 * (number % 2) AS bucket_at,
    concat('of_', toString({users:UInt32}))             AS event_type,
    false, 'topic', 0,
    uniqState(concat(toString({day:Date}), '-', toString(number))),
    sumState(toFloat64(0)),
    countState(),
    max(number),
    max(now64(3, 'UTC')),
    max(now64(3, 'UTC'))
FROM numbers({users:UInt32})
GROUP BY bucket_at
"""


@pytest.fixture(scope="module")
def crowded(process: Process) -> Iterator[Warehouse]:
    """Days of known numbers of users, none of whom comes twice."""
    admin, reader = connect(process.dsn("admin")), connect(process.dsn("reader"))
    admin.command("ALTER TABLE events_by_quarter_hour REMOVE TTL")
    admin.command("TRUNCATE TABLE events_by_quarter_hour")
    for users, days in DAYS_OF.items():
        for number in range(days):
            admin.command(STATES, parameters={"day": TODAY - (number + 1) * DAY, "users": users})
    yield Warehouse(reader, clock=StandingClock(datetime(2026, 11, 21, 12, tzinfo=UTC)))
    admin.close()
    reader.close()


def test_estimates_stay_inside_the_bound_they_print(crowded: Warehouse) -> None:
    answer = crowded.daily(Scope(), TODAY - DAYS * DAY, TODAY - DAY)
    assert answer.method == "uniq"
    errors = {(row.date, row.actions): abs(row.users - row.actions) / row.actions for row in answer.rows}
    assert len(errors) == sum(DAYS_OF.values())
    outside = {at: error for at, error in errors.items() if error > answer.error_bound}
    assert not outside, f"{len(outside)} of {len(errors)}, up to {max(errors.values()):.4f}"
    # Not for nothing: the bound is one that sketches of this size come near.
    assert max(errors.values()) > answer.error_bound / 4


def test_what_fits_into_the_sketch_is_right(crowded: Warehouse) -> None:
    answer = crowded.daily(Scope(), TODAY - DAYS * DAY, TODAY - DAY)
    wrong = [row for row in answer.rows if row.actions < 65_536 and abs(row.users - row.actions) > 3]
    assert not wrong
