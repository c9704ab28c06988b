"""What the local broker is told: by the supervisor, and through one argument by its own process."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from embedded.broker.errors import BrokerError

GIB = 1024**3
MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerConfig:
    """Where the broker lives and how large it may grow. Raises BrokerError for a path Kafka would misread."""

    data_dir: Path
    """The stack's data directory; the broker keeps to `kafka/` inside it."""
    cache_dir: Path
    """Jars and class archive, outside any clone, shared by all of them."""
    port: int
    java: Path | None = None
    """A java of 17 or newer; None is the one that came as a package."""
    heap_mb: int = 384
    retention_days: int = 7
    partition_bytes_max: int = 4 * GIB
    message_bytes_max: int = 2 * MIB

    def __post_init__(self) -> None:
        # `log.dirs` is a list and knows no escape. The cache counts too: the rehearsal lives in it.
        for path, setting in ((self.data_dir, "UGC_DATA_DIR"), (self.cache_dir, "UGC_CACHE_DIR")):
            if "," in str(path):
                raise BrokerError(
                    f"Kafka reads a comma in {path} as two directories; set {setting} to a path without one"
                )

    @property
    def home(self) -> Path:
        return self.data_dir / "kafka"

    @property
    def log_dir(self) -> Path:
        return self.home / "data"

    @property
    def scratch_dir(self) -> Path:
        """What Java unpacks at a start and, when it is killed, leaves behind."""
        return self.home / "tmp"

    @property
    def properties_file(self) -> Path:
        return self.home / "server.properties"

    @property
    def jars_dir(self) -> Path:
        return self.cache_dir / "jars"

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> "BrokerConfig":
        values = json.loads(text)
        for name in ("data_dir", "cache_dir", "java"):
            values[name] = None if values[name] is None else Path(values[name])
        return cls(**values)
