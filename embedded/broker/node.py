"""One Apache Kafka node in KRaft mode, as its supervisor sees it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import structlog
from confluent_kafka import KafkaException

from embedded.broker.config import BrokerConfig
from embedded.broker.errors import BrokerError
from embedded.broker.jars import Advance, Fetch, Jar, JarCache, pinned_jars
from embedded.broker.java import java_environment
from embedded.broker.probe import serves
from embedded.broker.progress import transfer
from embedded.broker.rehearsal import rehearse
from embedded.broker.start import class_archive, make_ready
from embedded.ports import free_port
from telemetry.clock import Clock

log = structlog.get_logger()


class Broker:
    """The local broker: `prepare` once, run `command`, ask `serves`.

    One node outlives the death of its process at any instant, not that of its machine: acknowledged
    messages are with the operating system, which writes them to the disk when it sees fit.
    """

    def __init__(
        self,
        config: BrokerConfig,
        *,
        clock: Clock,
        fetch: Fetch,
        environment: Mapping[str, str] = os.environ,
        jars: Sequence[Jar] | None = None,
    ) -> None:
        self._config = replace(
            config, data_dir=config.data_dir.absolute(), cache_dir=config.cache_dir.expanduser().absolute()
        )
        self._clock = clock
        self._fetch = fetch
        self._environment = environment
        self._jars = pinned_jars() if jars is None else jars

    def prepare(self, *, out: TextIO) -> None:
        """Have everything here that a start needs, formatted directory included; `out` sees what arrives.

        The first time on a machine it downloads the jars and makes the class archive, later it compares.
        Raises BrokerError. Stopped by Ctrl-C, it says so and leaves nothing half-made.
        """
        try:
            self._prepare(out)
        except KeyboardInterrupt:
            # A terminal has just shown ^C.
            before = "\n" if out.isatty() else ""
            out.write(f"{before}stopped while preparing Kafka; run it again to go on\n")
            out.flush()
            raise

    def command(self) -> list[str]:
        """What the supervisor runs: a small process of ours that checks, and then becomes java."""
        return [sys.executable, "-m", "embedded.broker", self._config.to_json()]

    def serves(self) -> bool:
        """Whether clients can use it now. For polling; see probe.py for how long it takes."""
        return serves(self._config.port)

    def _prepare(self, out: TextIO) -> None:
        with ExitStack() as shown:

            def begin(jars: Sequence[Jar]) -> Advance:
                title = f"Kafka, {len(jars)} {'jar' if len(jars) == 1 else 'jars'}"
                return shown.enter_context(transfer(title, sum(jar.size_bytes for jar in jars), out=out))

            JarCache(self._config.jars_dir, self._jars).complete(begin, fetch=self._fetch)
        if self._config.java is None and class_archive(self._config, self._jars).find() is None:
            out.write("Kafka: making its start fast, once on this machine (about 15 s)\n")
            out.flush()
            self._make_archive()
        make_ready(self._config, jars=self._jars, environment=self._environment)

    def _make_archive(self) -> None:
        """A failure here costs speed and nothing else, so it is noted and not raised."""

        def train(archive: Path, scratch: Path) -> None:
            config = replace(self._config, data_dir=scratch, port=free_port())
            plain = make_ready(config, jars=self._jars, environment=self._environment, extra=[])
            # Java writes the archive when it ends, so only the broker's own run may be told to.
            command = [plain[0], f"-XX:AOTCacheOutput={archive}", *plain[1:]]
            environment = java_environment(self._environment)
            rehearse(command, port=config.port, environment=environment, clock=self._clock)

        try:
            made = class_archive(self._config, self._jars).make(train)
        except (OSError, BrokerError, KafkaException, subprocess.SubprocessError) as error:
            log.warning("class_archive_not_made", reason=str(error))
            return
        log.debug("class_archive_made", file=str(made))
