"""A day in a warehouse of which every answer is known: what the commands that ask are held against."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from warehouse_process import Process

EVENTS = 2_500
DAY = datetime.now(UTC).date() - timedelta(days=3)
# Few rows read and nothing kept: only its time can end it.
ENDLESS = (
    "SELECT count() FROM numbers(1000000) AS a CROSS JOIN numbers(1000000) AS b "
    "WHERE NOT ignore(sipHash64(a.number, b.number))"
)
ODD_USER = 'line\nbreak, "quoted"; \u001b[31mred\u001b[0m'

Said = Callable[..., tuple[int, str, str]]


def environment(process: Process) -> dict[str, str]:
    return {
        "UGC_WAREHOUSE_PORT": str(process.port),
        "UGC_ANALYST_PASSWORD": "of-analyst",
        "UGC_DATA_DIR": "data",
    }
