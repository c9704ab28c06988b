"""Every bench there is, as data: a name and the module that holds it, loaded when it is asked for."""

import importlib
from collections.abc import Mapping

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Bench, Scale

# In the order they run.
BENCHES: Mapping[str, str] = {
    "startup": "benchmarks.startup",
    "storage": "benchmarks.storage",
    "formats": "benchmarks.formats",
    "growth": "benchmarks.growth",
    "pipeline": "benchmarks.pipeline",
    "kafka_engine": "benchmarks.kafka_engine",
    "collector": "benchmarks.collector",
    "ids": "benchmarks.ids",
    "recovery": "benchmarks.recovery",
    "stats": "benchmarks.stats",
    "properties": "benchmarks.properties",
}

# They take a minute each at any scale: a quick run has them only by name.
NOT_QUICK = frozenset({"collector", "ids", "recovery", "stats", "properties"})
# What answers a question of design and not of every day: a run of half an hour has no room for it.
NOT_STANDARD = frozenset({"properties"})


def of_scale(scale: Scale) -> list[str]:
    """What a run takes that names no bench."""
    left_out = {"quick": NOT_QUICK, "standard": NOT_STANDARD}.get(scale, frozenset())
    return [name for name in BENCHES if name not in left_out]


def load(name: str, benches: Mapping[str, str] = BENCHES) -> Bench:
    """The bench called `name`. Raises BenchFailed when a package it needs is not there."""
    try:
        module = importlib.import_module(benches[name])
    except ModuleNotFoundError as error:
        raise BenchFailed(
            f"{name} needs the package {error.name}, which is not here; "
            "`make bench-quick` installs what the benches need, or: pip install 'ugc[bench,embedded]'"
        ) from None
    bench: Bench = module.BENCH
    return bench
