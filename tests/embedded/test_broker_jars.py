"""The broker is made of exactly the jars that were pinned, however they arrive."""

import hashlib
import io
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from embedded.broker import jars as jars_module
from embedded.broker.download import MavenDownload
from embedded.broker.errors import BrokerError
from embedded.broker.jars import JAR_MTIME_S, Advance, Fetch, Jar, JarCache, pinned_jars, read_list
from embedded.broker.lock import HEADER, LIST, ROOTS, changes
from embedded.broker.progress import transfer
from telemetry.clock import SystemClock

CONTENT = {"one": b"1" * 4000, "two": b"2" * 8000, "three": b"3" * 100}


def jar(name: str) -> Jar:
    return Jar("org.example", name, "1.0", hashlib.sha256(CONTENT[name]).hexdigest(), len(CONTENT[name]))


JARS = tuple(sorted(jar(name) for name in CONTENT))


def repository(content: dict[str, bytes] = CONTENT, asked: list[str] | None = None) -> Fetch:
    """A repository that hands out `content` and notes what it was asked for."""

    def fetch(wanted: Jar, staging: Path, advance: Advance) -> Path:
        if asked is not None:
            asked.append(wanted.artifact)
        path = staging / wanted.file_name
        path.write_bytes(content[wanted.artifact])
        advance(len(content[wanted.artifact]))
        return path

    return fetch


def silent(_: Sequence[Jar]) -> Callable[[int], None]:
    return lambda _: None


def left_over(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()} - {jar.file_name for jar in JARS} - {".lock"}


def test_the_list_is_complete_sorted_and_pinned() -> None:
    pinned = pinned_jars()
    assert list(pinned) == sorted(pinned)
    assert len({(each.group, each.artifact) for each in pinned}) == len(pinned)
    assert len({each.file_name for each in pinned}) == len(pinned), "two jars would share one file"
    assert all(re.fullmatch(r"[0-9a-f]{64}", each.sha256) and each.size_bytes > 0 for each in pinned)
    assert {":".join(root) for root in ROOTS} <= {each.coordinate for each in pinned}
    assert LIST.read_text() == HEADER + "".join(f"{each.line()}\n" for each in pinned)
    assert "://" not in LIST.read_text()


def test_all_of_kafka_is_one_version() -> None:
    kafka = {each.version for each in pinned_jars() if each.group == "org.apache.kafka"}
    assert kafka == {"4.3.0"}, "a foreign version table reached into Kafka when the list was made"


def test_a_list_reads_as_it_was_written() -> None:
    assert read_list("# a remark\n" + "\n".join(each.line() for each in JARS)) == JARS


def test_a_change_of_the_list_reads_like_a_diff() -> None:
    newer = Jar("org.example", "one", "1.1", "0" * 64, 1)
    assert changes([jar("one"), jar("two")], [newer, jar("two")]) == [
        f"- {jar('one').line()}",
        f"+ {newer.line()}",
    ]


def test_what_is_missing_is_downloaded_once(tmp_path: Path) -> None:
    asked: list[str] = []
    cache = JarCache(tmp_path / "jars", JARS)
    assert cache.complete(silent, fetch=repository(asked=asked)) == list(JARS)
    assert cache.complete(silent, fetch=repository(asked=asked)) == []
    assert sorted(asked) == sorted(CONTENT)
    assert cache.class_path().split(":") == [str(tmp_path / "jars" / each.file_name) for each in JARS]
    assert not left_over(tmp_path / "jars")


@pytest.mark.parametrize("damage", [b"1" * 3999 + b"2", b"1" * 100, b""], ids=["a bit", "cut short", "empty"])
def test_a_damaged_jar_is_named_and_only_it_is_downloaded_anew(tmp_path: Path, damage: bytes) -> None:
    cache = JarCache(tmp_path, JARS)
    cache.complete(silent, fetch=repository())
    (tmp_path / "one-1.0.jar").write_bytes(damage)
    with pytest.raises(BrokerError, match=r"one-1\.0\.jar is not the file that was pinned; start again"):
        cache.class_path()
    asked: list[str] = []
    assert cache.complete(silent, fetch=repository(asked=asked)) == [jar("one")]
    assert asked == ["one"]
    assert not cache.broken()


def test_a_kept_jar_has_one_time_whenever_it_came_and_whatever_touched_it(tmp_path: Path) -> None:
    def times() -> set[float]:
        return {(tmp_path / each.file_name).stat().st_mtime for each in JARS}

    cache = JarCache(tmp_path, JARS)
    cache.complete(silent, fetch=repository())
    assert times() == {JAR_MTIME_S}
    (tmp_path / "one-1.0.jar").touch()
    assert cache.complete(silent, fetch=repository()) == []
    assert times() == {JAR_MTIME_S}
    (tmp_path / "two-1.0.jar").touch()
    cache.class_path()
    assert times() == {JAR_MTIME_S}


def test_a_download_that_brings_other_bytes_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    wrong = {**CONTENT, "two": b"2" * 7999}
    cache = JarCache(tmp_path, JARS)
    with pytest.raises(
        BrokerError, match=r"org\.example:two:1\.0 came with SHA-256 .* instead of .*start again"
    ):
        cache.complete(silent, fetch=repository(wrong))
    assert not (tmp_path / "two-1.0.jar").exists()
    assert not left_over(tmp_path)


def test_what_a_killed_download_left_is_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".scratch-old").mkdir()
    (tmp_path / ".scratch-old" / "half.jar").write_bytes(b"half")
    JarCache(tmp_path, JARS).complete(silent, fetch=repository())
    assert not left_over(tmp_path)


def test_two_that_download_at_once_do_it_once_and_both_are_served(tmp_path: Path) -> None:
    asked: list[str] = []
    inside = threading.Event()

    def slow(wanted: Jar, staging: Path, advance: Advance) -> Path:
        inside.set()
        time.sleep(0.1)
        return repository(asked=asked)(wanted, staging, advance)

    first = threading.Thread(target=lambda: JarCache(tmp_path, JARS).complete(silent, fetch=slow))
    first.start()
    assert inside.wait(5)
    second = JarCache(tmp_path, JARS)
    assert second.complete(silent, fetch=slow) == []
    first.join(5)
    assert sorted(asked) == sorted(CONTENT)
    assert not second.broken()


def test_a_failed_download_stops_the_others_soon(tmp_path: Path) -> None:
    def fetch(wanted: Jar, _: Path, advance: Advance) -> Path:
        if wanted == JARS[0]:
            raise BrokerError("no network")
        for _step in range(1000):
            time.sleep(0.01)
            advance(1)
        raise AssertionError("nobody stopped this download")

    started = time.monotonic()
    with pytest.raises(BrokerError, match="no network"):
        JarCache(tmp_path, JARS).complete(silent, fetch=fetch)
    assert time.monotonic() - started < 5
    assert not left_over(tmp_path)


def test_a_full_disk_is_said_before_the_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars_module, "FREE_BYTES_MIN", 2**62)
    with pytest.raises(BrokerError, match=r"MB free and .* MB are needed; .*UGC_CACHE_DIR"):
        JarCache(tmp_path, JARS).complete(silent, fetch=repository())


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        BrokerError, match=rf"^{tmp_path}/file is a file and must be a directory; .*UGC_CACHE_DIR"
    ):
        JarCache(tmp_path / "file" / "jars", JARS).complete(silent, fetch=repository())


def test_without_a_network_the_first_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    counted: list[int] = []
    with pytest.raises(
        BrokerError, match=r"cannot download one-1\.0\.jar \(the proxy refused\); .*UGC_KAFKA_BOOTSTRAP"
    ):
        MavenDownload(clock=SystemClock())(jar("one"), tmp_path, counted.append)
    assert sum(counted) == 0


def test_progress_off_a_terminal_is_a_few_plain_lines() -> None:
    out = io.StringIO()
    with transfer("Kafka", 40_000_000, out=out) as advance:
        for _ in range(1000):
            advance(40_000)
    assert out.getvalue().splitlines() == [
        "Kafka: 40 MB to download",
        "Kafka: 25 %",
        "Kafka: 50 %",
        "Kafka: 75 %",
        "Kafka: 100 %",
    ]


def test_progress_on_a_terminal_is_a_bar() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    with transfer("Kafka", 2_000_000, out=out) as advance:
        advance(2_000_000)
    assert "Kafka" in out.getvalue()
    assert "2.0/2.0 MB" in out.getvalue()
