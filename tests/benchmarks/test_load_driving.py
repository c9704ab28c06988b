"""The loops against a real server on loopback, which answers, stalls, cuts and refuses as it is told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from services import until

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.load.apart import Generators
from benchmarks.frame.load.driving import Load, drive
from benchmarks.frame.load.http1 import request
from benchmarks.frame.load.report import LATE_MAX_S, Report, quantile_of

BODY = b'{"accepted":2,"rejected":0}'
OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
UNTIL_CLOSED = b"HTTP/1.1 200 OK\r\n\r\nabc"
CLOSES = b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
CUT_SHORT = CLOSES[:-5]
TOO_MANY = b"HTTP/1.1 429 Too Many\r\nContent-Length: 6\r\n\r\nslower"

# What the server does with its nth request: bytes to send; None: cut the connection.
Answer = Callable[[int], bytes | None]


class Server:
    """One thread, one event loop. `stall(after, seconds)`: from its nth request on it stands still once."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests = 0
        self.connections = 0
        self.port = 0
        self.stall_at = 0
        self.stall_s = 0.0
        self.open: set[asyncio.Transport] = set()

    def stall(self, at: int, seconds: float) -> None:
        self.stall_at, self.stall_s = at, seconds

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Talk(self), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        # asyncio loses a connection that it is accepting while the server is closed.
        await asyncio.sleep(0.02)
        server.close()
        for each in list(self.open):
            each.abort()
        await asyncio.sleep(0.005)


class Talk(asyncio.Protocol):
    """One connection; requests have no body."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.transport = asyncio.Transport()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.server.connections += 1
        self.server.open.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.server.open.discard(self.transport)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002
        server = self.server
        server.requests += 1
        if server.requests == server.stall_at:
            # The whole server stands still, as a process does that is paused.
            threading.Event().wait(server.stall_s)
        answer = server.answer(server.requests)
        if answer is not None:
            self.transport.write(answer)
        if answer in (None, CLOSES, CUT_SHORT, UNTIL_CLOSED):
            self.transport.close()


@contextmanager
def serving(answer: Answer = lambda _: OK) -> Iterator[Server]:
    server, ready, loop, stop = Server(answer), threading.Event(), asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve(ready, stop)))
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def load(server: Server, **changes: object) -> Load:
    whole: dict[str, object] = {
        "host": "127.0.0.1",
        "port": server.port,
        "requests": [request("GET", "/", host="test", headers={})],
        "kind": "closed",
        "connections": 1,
        "count": 20,
        "total_of": "accepted",
        **changes,
    }
    return Load(**whole)  # type: ignore[arg-type]


def test_a_stall_of_a_second_shows_in_the_open_loop_and_not_in_a_naive_one() -> None:
    # 200 requests a second for 3 s; at 1 s the server stands still for 1 s. Some 200 requests were due
    # meanwhile and waited from 1 s down to nothing: of all 600 the worst percent (6) waited 0.97 s and more,
    # and a sixth (100) half a second and more.
    rate, count, stall_s = 200, 600, 1.0
    with serving() as server:
        server.stall(at=200, seconds=stall_s)
        report = drive(load(server, kind="open", arrivals="constant", rate=rate, count=count, connections=8))
    assert report.ok == count
    # A busy machine adds to it and takes nothing away, so the lower bounds are the narrow ones.
    assert stall_s - 0.01 * count / rate - 0.02 < report.quantile_s(0.99) < 2 * stall_s
    assert 0.48 < report.quantile_s(1 - 100 / count) < stall_s
    assert report.quantile_s(0.5) < 0.3
    with serving() as server:
        server.stall(at=200, seconds=stall_s)
        naive = drive(load(server, kind="closed", count=count))
    # The same stall, and one request of 600 saw it.
    assert max(naive.latencies_s) > 0.9
    assert naive.quantile_s(0.99) < 0.3


def test_the_open_loop_keeps_its_schedule() -> None:
    with serving() as server:
        report = drive(
            load(server, kind="open", arrivals="constant", rate=500, count=500, connections=4, seed=3)
        )
    assert 0.99 < report.wall_s < 2
    assert len(report.late_s) == 500
    assert quantile_of(report.late_s, 0.5, of=500) < 0.05


def test_too_few_connections_make_latency_and_not_silence() -> None:
    # One connection, each answer takes 20 ms, 100 a second are due: half of them pile up.
    def slowly(_: int) -> bytes:
        threading.Event().wait(0.02)
        return OK

    with serving(slowly) as server:
        report = drive(load(server, kind="open", arrivals="constant", rate=100, count=60, connections=1))
    assert report.ok == 60
    assert 0.95 * (60 * 0.02 - 60 / 100) < max(report.latencies_s) < 3
    # It was the server that was late, not the generator.
    assert quantile_of(report.late_s, 0.5, of=60) < LATE_MAX_S


def test_every_request_is_sent_once_and_in_order_of_the_list() -> None:
    with serving() as server:
        bodies = [request("POST", "/", host="test", body=b"", headers={"N": str(n)}) for n in range(50)]
        report = drive(load(server, requests=bodies, count=None, connections=4))
    assert server.requests == report.sent == report.ok == 50
    assert report.total == 100
    assert report.statuses == {202: 50}


@pytest.mark.parametrize(
    "answer", [OK, CHUNKED, UNTIL_CLOSED, CLOSES], ids=["length", "chunks", "end", "close"]
)
@pytest.mark.parametrize("kind", ["open", "closed"])
def test_every_way_to_end_an_answer_is_read(answer: bytes, kind: str) -> None:
    with serving(lambda _: answer) as server:
        report = drive(load(server, kind=kind, rate=500, count=30, connections=3))
    assert (report.ok, report.failures) == (30, {})
    assert server.requests == 30


def test_what_is_not_2xx_is_counted_and_no_latency() -> None:
    with serving(lambda number: TOO_MANY if number % 4 == 0 else OK) as server:
        report = drive(load(server, count=40))
    assert report.statuses == {202: 30, 429: 10}
    assert (report.ok, report.failed) == (30, 10)
    assert report.first_bad_answer == "429 slower"


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_a_connection_cut_in_the_middle_is_a_reset_and_the_load_goes_on(kind: str) -> None:
    with serving(lambda number: None if number in (3, 7) else OK) as server:
        report = drive(load(server, kind=kind, rate=500, count=20, connections=2))
    assert report.failures == {"reset": 2}
    assert report.ok == 18


def test_an_answer_cut_short_is_no_answer() -> None:
    with serving(lambda number: CUT_SHORT if number == 1 else OK) as server:
        report = drive(load(server, count=3))
    assert (report.ok, report.failures) == (2, {"reset": 1})


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_a_request_that_is_not_answered_in_time_is_given_up(kind: str) -> None:
    with serving() as server:
        server.stall(at=2, seconds=0.6)
        report = drive(load(server, kind=kind, rate=200, count=3, timeout_s=0.2))
    assert report.failures["timeout"] >= 1
    assert report.ok + sum(report.failures.values()) == 3
    assert not [latency for latency in report.latencies_s if latency > 0.5]


def test_what_is_not_http_is_malformed() -> None:
    with serving(lambda _: b"SSH-2.0\r\n\r\n") as server:
        report = drive(load(server, count=2))
    assert report.failures == {"malformed": 2}


@pytest.mark.parametrize("kind", ["open", "closed"])
def test_a_server_that_goes_away_costs_each_request_and_the_load_ends(kind: str) -> None:
    with serving() as server:
        wanted = load(server, kind=kind, rate=40, count=20, connections=2, timeout_s=0.3)
        reports: list[Report] = []
        gone = threading.Event()
        driving = threading.Thread(target=lambda: reports.append(drive(wanted, gone.set)))
        server.answer = lambda _: None
        driving.start()
        assert gone.wait(10)
    driving.join(20)
    (report,) = reports
    assert report.ok == 0
    assert sum(report.failures.values()) == 20
    assert set(report.failures) <= {"reset", "refused", "timeout"}


def test_nothing_listening_is_one_line() -> None:
    with serving() as server:
        gone = load(server)
    with pytest.raises(BenchFailed, match="nothing answers"):
        drive(gone)


def test_generators_of_their_own_are_ready_before_they_go(tmp_path: Path) -> None:
    with serving() as server:
        loads = [load(server, count=50, connections=2), load(server, count=30)]
        with Generators(loads, directory=tmp_path) as generators:
            assert set(generators.pids()) == {"generator", "generator-2"}
            assert server.requests == 0
            until(lambda: server.connections == 3, within_s=5, what="connections opened before the start")
            report = generators.run()
    assert (report.sent, report.ok, report.total) == (80, 80, 160)
    assert not list(tmp_path.glob("load-?"))


def test_generators_refuse_a_figure_of_failed_requests(tmp_path: Path) -> None:
    with serving(lambda _: TOO_MANY) as server:
        with (
            Generators([load(server, count=5)], directory=tmp_path) as generators,
            pytest.raises(BenchFailed, match=r"5 of 5 .*429"),
        ):
            generators.run()
        with Generators([load(server, count=5)], directory=tmp_path) as generators:
            assert generators.run(failures=True).failed == 5


def test_a_generator_that_cannot_begin_says_why(tmp_path: Path) -> None:
    with serving() as server:
        gone = load(server)
    with pytest.raises(BenchFailed, match="nothing answers"), Generators([gone], directory=tmp_path):
        pass


def test_generators_that_were_never_let_go_end(tmp_path: Path) -> None:
    with serving() as server:
        with Generators([load(server)], directory=tmp_path):
            pass
        assert server.requests == 0
