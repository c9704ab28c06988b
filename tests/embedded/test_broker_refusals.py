"""What the broker cannot work with is one line, said before anything is written or left half-made."""

import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from embedded.broker import storage
from embedded.broker.config import BrokerConfig
from embedded.broker.download import MavenDownload
from embedded.broker.errors import BrokerError
from embedded.broker.jars import pinned_jars
from embedded.broker.node import Broker
from embedded.broker.storage import cluster_id_of, format_once
from telemetry.clock import SystemClock


@pytest.mark.parametrize("setting", ["data_dir", "cache_dir"])
def test_a_comma_in_a_path_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str
) -> None:
    said = rf"^Kafka reads a comma in .*a,b.* as two directories; set UGC_{setting.upper()} to a path without"
    clock = SystemClock()
    good = BrokerConfig(data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", port=1)
    with pytest.raises(BrokerError, match=said):
        replace(good, **{setting: tmp_path / "a,b"})
    assert list(tmp_path.iterdir()) == []

    inside = tmp_path / "a,b"
    inside.mkdir()
    monkeypatch.chdir(inside)
    relative = replace(good, **{setting: Path("relative")})
    with pytest.raises(BrokerError, match=said):
        Broker(relative, clock=clock, fetch=MavenDownload(clock=clock))
    assert list(inside.iterdir()) == []


def test_a_format_that_hangs_is_said_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "FORMAT_WITHIN_S", 0.2)
    config = BrokerConfig(data_dir=tmp_path, cache_dir=tmp_path, port=1)
    with pytest.raises(BrokerError, match=r"did not format .* within 0\.2 s; .*Start again"):
        format_once(config, command=lambda _: ["sleep", "60"], environment=dict(os.environ))
    assert list(config.home.iterdir()) == []


def test_a_data_directory_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    config = BrokerConfig(data_dir=tmp_path, cache_dir=tmp_path, port=1)
    config.home.mkdir()
    config.log_dir.touch()
    with pytest.raises(
        BrokerError, match=r"^cannot read .*meta\.properties: Not a directory; .*UGC_DATA_DIR"
    ):
        cluster_id_of(config.log_dir)
    config.log_dir.unlink()
    config.log_dir.mkdir()
    (config.log_dir / "meta.properties").write_bytes(b"\xff\xfe")
    with pytest.raises(BrokerError, match="is no broker's data directory"):
        format_once(config, command=lambda _: ["false"], environment={})


def test_one_jar_is_one_jar(tmp_path: Path) -> None:
    def no_network(*_: object) -> Path:
        raise BrokerError("no network")

    config = BrokerConfig(data_dir=tmp_path, cache_dir=tmp_path, port=1)
    out = io.StringIO()
    with pytest.raises(BrokerError, match="no network"):
        Broker(config, clock=SystemClock(), fetch=no_network, jars=pinned_jars()[:1]).prepare(out=out)
    assert out.getvalue().startswith("Kafka, 1 jar: ")


def test_another_java_is_used_or_missed_by_name(tmp_path: Path) -> None:
    config = BrokerConfig(data_dir=tmp_path, cache_dir=tmp_path, port=1, java=tmp_path / "java")

    def command(arguments: object) -> list[str]:
        raise AssertionError(arguments)

    clock = SystemClock()
    broker = Broker(config, clock=clock, fetch=MavenDownload(clock=clock), jars=())
    with pytest.raises(BrokerError, match=r"there is no java at .*; set UGC_JAVA"):
        broker.prepare(out=io.StringIO())
    (tmp_path / "java").touch(mode=0o644)
    with pytest.raises(BrokerError, match=r"java is not executable; make it so, set UGC_JAVA"):
        broker.prepare(out=io.StringIO())
    (config.log_dir).mkdir(parents=True)
    (config.log_dir / "something").touch()
    with pytest.raises(BrokerError, match=r"is no broker's data directory; move it away"):
        format_once(config, command=command, environment={})
