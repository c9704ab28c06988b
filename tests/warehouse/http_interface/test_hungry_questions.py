"""Questions that take all memory there is, over and over, and inserts that need some."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from warehouse_process import Process

from clickhouse.client import WarehouseError, classified, connect

pytestmark = pytest.mark.stack

HUNGRY = "SELECT length(groupArray(toString(number))) FROM numbers(6000000)"
READERS = 6
RANGES = 8
FAILED_MAX = 4
# As large as a large range: what an insert of it takes is a good part of what there is.
ROWS = b"".join(b'{"n":%d,"text":"%b"}\n' % (n, b"x" * 400) for n in range(60_000))
MEMORY, UNKNOWN_STATUS = 241, 319


@pytest.fixture
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    made = Process(tmp_path_factory.mktemp("hungry") / "warehouse", "--memory-mb", "512")
    made.start()
    yield made
    made.stop()


def test_inserts_find_room_after_the_first_that_did_not(process: Process) -> None:
    enough, told = threading.Event(), Counter[str]()

    def ask_for_more() -> None:
        with classified(), connect(process.dsn("reader")) as reader:
            while not enough.is_set():
                try:
                    reader.query(HUNGRY)
                except Exception as error:  # noqa: BLE001 - each is noted
                    told["gave way" if "give way to inserts" in str(error) else "failed"] += 1

    with classified(), connect(process.dsn("admin")) as admin, connect(process.dsn("writer")) as writer:
        admin.command("CREATE TABLE eaten (n UInt64, text String) ENGINE = MergeTree ORDER BY n")
        stored, failed = 0, Counter[int]()
        with ThreadPoolExecutor(READERS) as pool:
            asking = [pool.submit(ask_for_more) for _ in range(READERS)]
            try:
                while stored < RANGES and failed.total() <= FAILED_MAX:
                    try:
                        with classified():
                            writer.raw_insert("eaten", insert_block=ROWS, fmt="JSONEachRow")
                        stored += 1
                    except WarehouseError as error:
                        failed[error.code] += 1
            finally:
                enough.set()
            for each in asking:
                each.result()
    assert stored == RANGES, (stored, failed, told)
    assert set(failed) <= {MEMORY, UNKNOWN_STATUS}, failed
    assert not failed or told["gave way"], told
