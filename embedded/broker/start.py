"""What happens before every start, also before a supervisor's restart. Imports little: it is waited for."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from embedded.broker.archive import ClassArchive
from embedded.broker.config import BrokerConfig
from embedded.broker.errors import BrokerError
from embedded.broker.jars import Jar, JarCache
from embedded.broker.java import java_command, java_environment, java_home
from embedded.broker.properties import properties, render
from embedded.broker.storage import format_once
from embedded.ports import free_port

# With no output named it would silence standard output alone, and errors go to the other one.
NO_ARCHIVE_LOG = "-Xlog:aot*=off:stderr"


def make_ready(
    config: BrokerConfig,
    *,
    jars: Sequence[Jar],
    environment: Mapping[str, str],
    extra: Sequence[str] | None = None,
) -> list[str]:
    """Compare the jars, format the directory if it is new, write the properties; returns java's command.

    What an earlier broker that was killed left in its scratch directory is removed.

    `extra` are JVM options instead of the class archive's. Raises BrokerError naming what is wrong.
    """
    class_path = JarCache(config.jars_dir, jars).class_path()
    run = _runner(config, class_path, _archive_options(config, jars) if extra is None else extra)
    _empty_scratch(config)
    format_once(config, command=run, environment=java_environment(environment))
    _write_properties(config)
    return run(["kafka.Kafka", str(config.properties_file)])


def class_archive(config: BrokerConfig, jars: Sequence[Jar]) -> ClassArchive:
    """The archive that fits these jars, these flags and the packaged java."""
    # Only what decides how classes are loaded: paths of this clone and the heap's size do not.
    flags = [each for each in java_command(config, "", []) if each.startswith(("-XX:", "--"))]
    return ClassArchive(config.cache_dir / "archive", jars=jars, runtime=java_home(), flags=flags)


def _archive_options(config: BrokerConfig, jars: Sequence[Jar]) -> list[str]:
    """Java starts plainly when an archive does not fit it, and is told to say nothing of it."""
    archive = class_archive(config, jars).find() if config.java is None else None
    return [] if archive is None else [f"-XX:AOTCache={archive}", NO_ARCHIVE_LOG]


def _runner(
    config: BrokerConfig, class_path: str, extra: Sequence[str]
) -> Callable[[Sequence[str]], list[str]]:
    return lambda arguments: java_command(config, class_path, arguments, extra=extra)


def _empty_scratch(config: BrokerConfig) -> None:
    shutil.rmtree(config.scratch_dir, ignore_errors=True)
    try:
        config.scratch_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(config.scratch_dir, error) from None


def _write_properties(config: BrokerConfig) -> None:
    """The controller serves this process alone, so any free port will do, a new one at each start."""
    try:
        config.home.mkdir(parents=True, exist_ok=True)
        text = render(properties(config, controller_port=free_port()))
        config.properties_file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(config.properties_file, error) from None


def _unwritable(path: Path, error: OSError) -> BrokerError:
    return BrokerError(
        f"cannot write {path}: {error.strerror}; "
        "make room or make it writable, or set UGC_DATA_DIR to another place"
    )
