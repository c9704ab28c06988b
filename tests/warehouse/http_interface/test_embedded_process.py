"""What only the embedded warehouse has: a process, a directory, a port, and clients of every kind."""

import ctypes
import errno
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import lz4.frame
import psutil
import pytest
from services import ROOT, until

from embedded.ports import free_port
from embedded.warehouse.directory import KEEP_FREE_MB

pytestmark = pytest.mark.stack

MIB = 1024 * 1024
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"


@pytest.fixture
def process(tmp_path: Path, make_process: Callable[[Path], Any]) -> Any:
    return make_process(tmp_path / "own")


def start_fails(
    path: Path, port: int, environment: dict[str, str], *, limit: Callable[[], None] | None = None
) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "embedded.warehouse", "--path", str(path), "--port", str(port)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        preexec_fn=limit,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("warehouse: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_second_owner_is_told_who_the_first_is(embedded, process_environment) -> None:
    line = start_fails(embedded.path, free_port(), process_environment)
    assert f"process {embedded.pid}" in line
    assert "UGC_DATA_DIR" in line


def test_a_busy_port_is_named_with_its_setting(embedded, tmp_path, process_environment) -> None:
    line = start_fails(tmp_path / "other", embedded.port, process_environment)
    assert "UGC_WAREHOUSE_PORT" in line
    assert str(embedded.port) in line


def test_a_path_that_cannot_be_written(tmp_path, process_environment) -> None:
    (tmp_path / "file").write_text("not a directory")
    line = start_fails(tmp_path / "file" / "warehouse", free_port(), process_environment)
    assert "UGC_DATA_DIR" in line


def test_no_password_at_all(tmp_path) -> None:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("UGC_")}
    assert "UGC_ADMIN_PASSWORD" in start_fails(tmp_path / "w", free_port(), environment)


def test_a_full_disk_is_one_line(tmp_path, process_environment) -> None:
    def no_space() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    assert "UGC_DATA_DIR" in start_fails(tmp_path / "w", free_port(), process_environment, limit=no_space)


def test_it_leaves_room_for_merges_under_way(embedded) -> None:
    assert embedded.rows("SELECT keep_free_space FROM system.disks") == [[str(KEEP_FREE_MB * MIB)]]


def test_the_directory_it_is_started_in_configures_nothing(tmp_path, process) -> None:
    process.cwd = tmp_path
    (tmp_path / "config.xml").write_text("<broken")
    assert process.start().rows("SELECT 1") == [["1"]]


def test_sigterm_lets_a_query_finish(process) -> None:
    warehouse = process.start()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(warehouse.ask, "SELECT sleep(2), 'done'", query={"query_id": "last"})
        until(lambda: warehouse.rows("KILL QUERY WHERE query_id = 'last' TEST"), within_s=5, what="it runs")
        process.popen.terminate()
        assert running.result(10).text == "0\tdone\n"
    assert process.popen.wait(10) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one choose the thread")
def test_sigterm_is_heard_whichever_thread_gets_it(process) -> None:
    process.start()
    pid = process.popen.pid
    threads = [int(each.name) for each in Path(f"/proc/{pid}/task").iterdir() if _takes(each, signal.SIGTERM)]
    threads.remove(pid)
    assert ctypes.CDLL(None).tgkill(pid, threads[-1], signal.SIGTERM) == 0
    assert process.popen.wait(10) == 0


def _takes(thread: Path, number: int) -> bool:
    """Whether the thread does not block the signal."""
    status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines())
    return not int(status["SigBlk"], 16) >> number - 1 & 1


def test_sigterm_ends_a_query_that_takes_too_long(process) -> None:
    process.arguments = ("--stop-grace-s", "3")
    warehouse = process.start()
    with ThreadPoolExecutor() as pool:
        running = pool.submit(warehouse.ask, ENDLESS, query={"query_id": "endless"})
        until(
            lambda: warehouse.rows("KILL QUERY WHERE query_id = 'endless' TEST"), within_s=5, what="it runs"
        )
        process.popen.terminate()
        until(lambda: warehouse.ask("SELECT 1").code == 236, within_s=5, what="it refuses new queries")
        assert running.result(25).code == 394
    assert process.popen.wait(10) == 0


def test_kill_9_keeps_what_was_answered(process) -> None:
    warehouse = process.start()
    warehouse.ask("CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
    for n in range(20):
        assert warehouse.ask(f"INSERT INTO t VALUES ({n})", role="writer").status == 200
    process.popen.kill()
    process.popen.wait(10)
    again = process.start()
    assert again.rows("SELECT count() FROM t") == [["20"]]


def test_three_million_rows_in_and_out_in_bounded_memory(embedded) -> None:
    embedded.ask("CREATE TABLE big (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    peak = Peak(embedded.pid)
    before = peak.now()
    block = b"".join(b'{"a":%d,"s":"some text that takes room"}\n' % n for n in range(30_000))
    with peak:
        answer = embedded.ask(
            (block for _ in range(100)), role="writer", query={"query": "INSERT INTO big FORMAT JSONEachRow"}
        )
        assert answer.status == 200, answer.text
        connection = http.client.HTTPConnection(embedded.host, embedded.port, timeout=30)
        connection.request(
            "POST", "/?database=ugc", "SELECT * FROM big FORMAT JSONEachRow", embedded.auth("admin")
        )
        response = connection.getresponse()
        size = 0
        while piece := response.read(MIB):
            size += len(piece)
        connection.close()
    assert size == 100 * len(block)
    assert peak.most - before < 350 * MIB, f"{before // MIB} -> {peak.most // MIB} MiB"
    embedded.ask("DROP TABLE big SYNC")


class Peak:
    """The most memory a process has had while inside."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self.most = 0

    def now(self) -> int:
        return int(self._process.memory_info().rss)

    def __enter__(self) -> "Peak":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.most = max(self.most, self.now())


@pytest.fixture
def still_well(embedded) -> Iterator[None]:
    """Afterwards it answers, and nothing is left running."""
    yield
    assert embedded.ask("SELECT 1").text == "1\n"
    until(lambda: not embedded.rows("KILL QUERY WHERE 1 TEST"), within_s=10, what="nothing runs any more")


RAW = [
    b"",
    b"\r\n\r\n",
    b"garbage\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST / HTTP/1.1\r\n\r\nSELECT 1",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nSELECT 1",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nSELECT 1",
    b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-8\r\nSELECT 1\r\n0\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nSELECT 1",
    b"POST / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 3 * MIB + b"\r\n\r\n",
    b"GET /?query=" + b"%" * 3 * MIB + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /?query=%ff%fe&param_x=%ff&database=%00 HTTP/1.1\r\nHost: x\r\n\r\n",
]


@pytest.mark.parametrize("sent", RAW, ids=range(len(RAW)))
@pytest.mark.usefixtures("still_well")
def test_what_is_no_http_hurts_nobody(embedded, sent) -> None:
    with socket.create_connection((embedded.host, embedded.port), timeout=10) as raw:
        try:
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            while raw.recv(65536):
                pass
        except OSError as error:
            # Cut off while it was still sending; nobody waits in vain, which would be a timeout.
            if error.errno not in {errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN}:
                raise


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.usefixtures("still_well")
def test_an_insert_whose_sender_dies_is_not_committed(embedded, table_of, chunked) -> None:
    head = f"POST /?database=ugc&query=INSERT+INTO+{table_of}+FORMAT+JSONEachRow HTTP/1.1\r\nHost: x\r\n"
    head += "".join(f"{key}: {value}\r\n" for key, value in embedded.auth("writer").items())
    rows = b'{"a":1,"s":"x"}\n' * 1000
    with socket.create_connection((embedded.host, embedded.port), timeout=10) as raw:
        if chunked:
            raw.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(rows), rows))
        else:
            raw.sendall(head.encode() + b"Content-Length: %d\r\n\r\n%b" % (len(rows) + 1, rows))
        time.sleep(0.3)
    until(lambda: not embedded.rows("KILL QUERY WHERE user = 'writer' TEST"), within_s=10, what="it ends")
    assert embedded.rows(f"SELECT count() FROM {table_of}") == [["0"]]


@pytest.mark.usefixtures("still_well")
def test_a_decompression_bomb_stays_small(embedded, table_of) -> None:
    bomb = lz4.frame.compress(b" " * 512 * MIB)
    before = psutil.Process(embedded.pid).memory_info().rss
    with Peak(embedded.pid) as peak:
        query = {"query": f"INSERT INTO {table_of} FORMAT JSONEachRow"}
        embedded.ask(bomb, query=query, headers={"Content-Encoding": "lz4"}, role="writer")
        refused = embedded.ask(bomb, headers={"Content-Encoding": "lz4"})
    assert (refused.status, refused.code) == (413, 307)
    assert peak.most - before < 200 * MIB


@pytest.mark.usefixtures("still_well")
def test_two_hundred_connections_at_once(embedded) -> None:
    with ThreadPoolExecutor(200) as pool:
        answers = list(
            pool.map(lambda n: embedded.ask(f"SELECT {n}, sleep(0.05)", role="writer"), range(200))
        )
    assert {each.status for each in answers} <= {200, 500}
    refused = [each for each in answers if each.status != 200]
    assert {each.code for each in refused} <= {202}, refused[0].text
    assert len(refused) < 150


@pytest.mark.usefixtures("still_well")
def test_silent_connections_do_not_keep_others_out(embedded) -> None:
    silent = [socket.create_connection((embedded.host, embedded.port)) for _ in range(300)]
    try:
        assert embedded.ask("SELECT 1").text == "1\n"
    finally:
        for each in silent:
            each.close()


@pytest.mark.usefixtures("still_well")
def test_kill_races_with_the_end_of_queries(embedded) -> None:
    stop = threading.Event()

    def killer() -> None:
        while not stop.is_set():
            embedded.ask("KILL QUERY WHERE user = 'reader' ASYNC")

    thread = threading.Thread(target=killer)
    thread.start()
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda _: embedded.ask("SELECT count() FROM numbers(3000000)", role="reader"), range(200)
            )
        )
    stop.set()
    thread.join()
    assert {each.code for each in answers} <= {0, 394}


@pytest.mark.usefixtures("still_well")
def test_readers_that_stop_reading_are_not_waited_for(embedded) -> None:
    hung = []
    for n in range(8):
        connection = http.client.HTTPConnection(embedded.host, embedded.port, timeout=30)
        connection.request(
            "POST",
            f"/?query_id=stuck-{n}",
            "SELECT number FROM numbers(1000000000000)",
            embedded.auth("admin"),
        )
        hung.append(connection)
    assert embedded.ask("SELECT 1").text == "1\n"
    for connection in hung:
        connection.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "[" * 500 + "1" + "]" * 500,
        "SELECT '" + "x" * 3 * MIB + "'",
        "SELECT " + ", ".join(["1"] * 50_000),
        "\x00",
        "SELECT\x00 1",
        "/* " * 10_000,
        "INSERT INTO",
        "INSERT INTO t (",
        "INSERT INTO t FORMAT",
        "INSERT INTO t VALUES (" * 100,
        "KILL QUERY WHERE",
        "KILL QUERY WHERE query_id = '*/ DROP TABLE x' SYNC",
        "KILL MUTATION WHERE 1",
    ],
    ids=range(14),
)
@pytest.mark.parametrize("role", ["admin", "reader"])
@pytest.mark.usefixtures("still_well")
def test_strange_statements_get_an_answer(embedded, sql, role) -> None:
    answer = embedded.ask(sql, role=role)
    assert answer.status in {200, 400, 403, 404, 413, 500, 501}
    assert answer.text.startswith("Code: ") or answer.status == 200


def test_the_log_holds_no_secret_and_no_data(embedded) -> None:
    embedded.ask("SELECT 'somebody@example.org', nope")
    log = embedded.path.parent / f"{embedded.path.name}.log"
    text = log.read_text()
    assert "query_failed" in text
    assert "somebody@example.org" not in text
    assert not [each for each in embedded.passwords.values() if each in text]
