"""The settings of `ugc up`: what the local stack needs beside the addresses every process knows."""

from pathlib import Path

from pydantic import Field

from telemetry.settings import Settings


class StackSettings(Settings):
    """The local stack's own."""

    cache_dir: Path = Field(
        Path("~/.cache/ugc"),
        description="Where the broker's jars are kept, outside any clone, for every clone.",
    )
    java: str = Field(
        "", description="A java (17 or newer) to run the broker on. Empty: the one that came along."
    )
    broker_heap_mb: int = Field(384, ge=128, le=65536, description="Heap of the local stack's broker, MiB.")
    warehouse_memory_mb: int = Field(
        1024, ge=256, le=1048576, description="Memory the local stack's warehouse may use, MiB."
    )
