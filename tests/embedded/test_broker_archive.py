"""The class archive: made once, kept through everything that leaves the jars as they are, never needed."""

import io
import os
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from services import until

from embedded.broker import java
from embedded.broker.archive import ClassArchive
from embedded.broker.config import BrokerConfig
from embedded.broker.download import MavenDownload
from embedded.broker.jars import JarCache, pinned_jars
from embedded.broker.node import Broker
from embedded.broker.start import NO_ARCHIVE_LOG, class_archive, make_ready
from embedded.ports import free_port
from telemetry.clock import SystemClock

CACHE = Path("~/.cache/ugc").expanduser()


def broker(config: BrokerConfig) -> Broker:
    clock = SystemClock()
    return Broker(config, clock=clock, fetch=MavenDownload(clock=clock))


@pytest.fixture
def prepared(tmp_path: Path) -> BrokerConfig:
    """A broker of this machine's cache, ready to run."""
    config = BrokerConfig(data_dir=tmp_path / "prepared", cache_dir=CACHE, port=free_port())
    broker(config).prepare(out=io.StringIO())
    return config


@pytest.mark.stack
def test_a_touched_jar_keeps_the_class_archive_and_java_is_silent_of_one_that_does_not_fit(
    prepared: BrokerConfig, tmp_path: Path
) -> None:
    own = tmp_path / "cache"
    shutil.copytree(CACHE / "jars", own / "jars")
    jar = own / "jars" / "kafka-clients-4.3.0.jar"
    archive = class_archive(prepared, pinned_jars()).find()

    def said_by_java(*more: str) -> str:
        config = replace(prepared, cache_dir=own)
        paths = os.pathsep.join(str(own / "jars" / each.file_name) for each in pinned_jars())
        options = [f"-XX:AOTCache={archive}", *more]
        command = java.java_command(config, paths, ["kafka.Kafka", "--version"], extra=options)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout == "4.3.0\n"
        return done.stderr

    jar.touch()
    assert "mismatch" in said_by_java(), "the archive fits although a jar has another time"
    assert said_by_java(NO_ARCHIVE_LOG) == ""
    assert NO_ARCHIVE_LOG in make_ready(prepared, jars=pinned_jars(), environment=os.environ)
    JarCache(own / "jars", pinned_jars()).class_path()
    assert said_by_java() == "", "the time is what it was: java takes the archive"


@pytest.mark.stack
def test_ctrl_c_while_the_class_archive_is_made_is_one_line_and_leaves_nothing(
    prepared: BrokerConfig, tmp_path: Path
) -> None:
    cache, data = tmp_path / "cache", tmp_path / "data"
    shutil.copytree(prepared.jars_dir, cache / "jars")
    config = BrokerConfig(data_dir=data, cache_dir=cache, port=free_port())
    out = io.StringIO()

    def rehearsals() -> list[int]:
        found = []
        for each in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # one that ends meanwhile
                words = each.cmdline()
                if each.name() == "java" and "kafka.Kafka" in words and words[-1].startswith(str(cache)):
                    found.append(each.pid)
        return found

    def interrupt_when_java_runs() -> None:
        until(rehearsals, within_s=60, what="the rehearsal")
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt_when_java_runs)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        broker(config).prepare(out=out)
    interrupter.join()
    assert out.getvalue().splitlines()[1:] == ["stopped while preparing Kafka; run it again to go on"]
    assert rehearsals() == []
    assert [each.name for each in (cache / "archive").iterdir()] == [".lock"]
    assert not data.exists()


def test_clones_and_heaps_share_one_class_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = BrokerConfig(data_dir=tmp_path, cache_dir=tmp_path, port=1)
    made = class_archive(config, pinned_jars()).make(lambda file, _: file.write_text("classes"))
    monkeypatch.setattr(java, "files", lambda _: tmp_path / "another clone")
    other = replace(config, data_dir=tmp_path / "x", port=2, heap_mb=512)
    assert class_archive(other, pinned_jars()).find() == made
    assert class_archive(config, pinned_jars()[1:]).find() is None


def test_a_damaged_class_archive_is_dropped(tmp_path: Path) -> None:
    release = tmp_path / "runtime" / "release"
    release.parent.mkdir()
    release.write_text("JAVA_VERSION=25")
    archive = ClassArchive(tmp_path / "a", jars=pinned_jars(), runtime=tmp_path / "runtime", flags=["-Xmx1m"])
    made = archive.make(lambda file, _: shutil.copy(release, file))
    assert made is not None
    assert archive.find() == made
    made.write_text("JAVA_VERSION=26")
    assert archive.find() is None
    assert not made.exists()
    assert archive.make(lambda _file, _scratch: None) is None


def test_an_archive_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    config = BrokerConfig(data_dir=tmp_path, cache_dir=tmp_path, port=1)
    archive = class_archive(config, ())
    made = archive.make(lambda file, _: file.write_text("classes"))
    assert made is not None
    made.unlink()
    made.mkdir()
    assert archive.find() is None
