"""The check by offsets when the warehouse has forgotten its tokens: log cut, deleted, or window exceeded."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ready_made
from warehouse_process import Process
from warehouse_rows import Stand, days_before

from clickhouse.client import connect
from etl.load import ClickHouseStore
from etl.ports import Mended

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    process = Process(tmp_path_factory.mktemp("forgetful") / "data")
    ready_made.warehouse_at(process.path)
    process.start()
    yield process
    process.kill()


def on(process: Process, topic_id: str = "T") -> Stand:
    return Stand(
        ClickHouseStore(connect(process.dsn("writer"))), connect(process.dsn("admin")), topic_id=topic_id
    )


def logs(process: Process) -> list[Path]:
    found = [path for path in process.path.rglob("deduplication_log*.txt") if path.stat().st_size]
    assert found
    return found


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut in the middle of a line": lambda path: path.write_bytes(path.read_bytes()[:-20]),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("torn", [False, True], ids=["whole", "torn"])
def test_a_redo_after_the_tokens_are_lost_doubles_nothing(
    process: Process, damage: Callable[[Path], object], torn: bool, request: pytest.FixtureRequest
) -> None:
    here = on(process, "".join(c for c in request.node.name if c.isalnum())[-60:])
    batch = here.batch(30, times=days_before(3))
    here.insert(batch)
    if torn:
        here.delete("event_ids", "kafka_offset < 10")
        here.delete("events_raw", "kafka_offset >= 20")
        here.delete("events_by_quarter_hour", f"toDate(bucket_at) = '{days_before(1)[0]:%Y-%m-%d}'")
    process.kill()
    for log in logs(process):
        damage(log)
    process.start()
    again = on(process, here.topic_id)
    range_ = again.range_of(batch)
    mended = again.store.mend(range_, batch, token=range_.token)
    assert (mended == Mended()) != torn
    assert again.counts() == again.whole(30)


def test_a_redo_after_its_token_left_the_window_doubles_nothing(process: Process) -> None:
    here = on(process, "window")
    for table in ("events_raw", "events_by_quarter_hour", "event_ids"):
        here.admin.command(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 3")
    batch = here.batch(10)
    range_ = here.insert(batch)
    for number in range(1, 6):
        here.insert(here.batch(2, first=number * 10))
    assert here.store.mend(range_, batch, token=range_.token) == Mended()
    assert here.counts() == here.whole(20)
