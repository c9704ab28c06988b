"""A broker and several warehouses side by side, each a process of its own as the local stack runs it."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from embedded import stack
from embedded.ports import free_port
from embedded.stack_settings import StackSettings
from embedded.supervisor import Service, Supervisor
from telemetry.clock import Clock
from telemetry.settings import ROLES, Role

BROKER = "broker"
# Every one gets the same: three times what the local stack's has, because with its default blocks of half a
# million rows the Kafka engine does not get by on less.
WAREHOUSE_MEMORY_MB = 3072


class Servers:
    """Started on entering, ended on leaving. `warehouses`: name -> librdkafka settings for its engine."""

    def __init__(
        self,
        directory: Path,
        warehouses: Mapping[str, Mapping[str, str]],
        *,
        clock: Clock,
        warehouse_memory_mb: int = WAREHOUSE_MEMORY_MB,
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._librdkafka = warehouses
        kafka_port, *ports = (free_port() for _ in range(1 + len(warehouses)))
        # Each side of the settings names a server for the other, so that one service is made of each. What
        # is given here wins over the person's own environment.
        broker: dict[str, Any] = {"kafka_bootstrap": "", "warehouse_dsn": "http://other/ugc"}
        self._broker = StackSettings(data_dir=directory / BROKER, kafka_port=kafka_port, **broker)
        warehouse: dict[str, Any] = {
            "kafka_bootstrap": "other:9092",
            "warehouse_dsn": "",
            "warehouse_memory_mb": warehouse_memory_mb,
            **{f"{role}_password": f"{role}-of-a-bench" for role in ROLES},
        }
        self._warehouses = {
            name: StackSettings(data_dir=directory / name, warehouse_port=port, **warehouse)
            for name, port in zip(warehouses, ports, strict=True)
        }
        self._supervisor = Supervisor(logs_dir=directory / "logs", show=lambda *_: None, clock=clock)

    def __enter__(self) -> "Servers":
        try:
            for name, settings in self._librdkafka.items():
                _configure(self._warehouses[name].data_dir / "warehouse", settings)
            services = [self._service(BROKER, self._broker)]
            services += [self._service(name, settings) for name, settings in self._warehouses.items()]
            self._supervisor.start(services)
        except BaseException:
            self._supervisor.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supervisor.stop()

    @property
    def bootstrap(self) -> str:
        """The broker."""
        return self._broker.bootstrap()

    def dsn(self, name: str, role: Role) -> str:
        """The warehouse called `name`, as `role` reaches it."""
        return self._warehouses[name].dsn(role)

    def pid(self, name: str) -> int:
        """Of the broker, or of a warehouse."""
        return self._supervisor.pids()[name]

    def _service(self, name: str, settings: StackSettings) -> Service:
        (service,) = stack.services(settings, clock=self._clock, out=sys.stderr)
        return replace(service, name=name)


def _configure(path: Path, librdkafka: Mapping[str, str]) -> None:
    """ClickHouse takes librdkafka's settings from its configuration only, and merges what lies beside it."""
    if librdkafka:
        members = "".join(f"<{name}>{value}</{name}>" for name, value in librdkafka.items())
        (path / "conf.d").mkdir(parents=True)
        (path / "conf.d" / "kafka.xml").write_text(
            f"<clickhouse><kafka>{members}</kafka></clickhouse>", encoding="utf-8"
        )
