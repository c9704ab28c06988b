"""Write the list of jars anew: `python -m embedded.broker.lock --write` (without: say what would change).

Needs the network. The two roots are resolved one by one and then joined: resolved together, log4j's
own version table reaches into Kafka and brings kafka-clients 3.9 into a 4.3 broker, and it starts.
"""

import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jgo.maven import Dependency, MavenContext

from embedded.broker.errors import BrokerError
from embedded.broker.jars import Jar, pinned_jars, sha256_of

ROOTS = (
    ("org.apache.kafka", "kafka_2.13", "4.3.0"),
    # Kafka has no log binding of its own.
    ("org.apache.logging.log4j", "log4j-slf4j-impl", "2.25.4"),
)
LIST = Path(__file__).with_name("jars.txt")
HEADER = (
    "# Every jar of the local broker: group:artifact:version, SHA-256, bytes.\n"
    "# Made by: python -m embedded.broker.lock --write\n"
)


def resolve(repository: Path) -> list[Jar]:
    """What the roots need, downloaded and hashed. Raises BrokerError when two versions of one jar meet."""
    context = MavenContext(repo_cache=repository, local_repos=[], timeout=60)
    wanted: dict[tuple[str, str], Dependency] = {}
    for group, artifact, version in ROOTS:
        root = Dependency(context.project(group, artifact).at_version(version).artifact())
        for chosen in (each for part in context.resolver.resolve([root]) for each in part):
            other = wanted.setdefault((chosen.groupId, chosen.artifactId), chosen)
            if other.version != chosen.version:
                raise BrokerError(
                    f"{chosen.groupId}:{chosen.artifactId} is wanted as {other.version} and "
                    f"{chosen.version}; choose roots that agree"
                )
    with ThreadPoolExecutor(8) as pool:
        return sorted(pool.map(_hashed, wanted.values()))


def changes(old: Iterable[Jar], new: Iterable[Jar]) -> list[str]:
    """The lines that go and come, as a reader of a diff expects them."""
    before, after = {jar.line() for jar in old}, {jar.line() for jar in new}
    return [f"- {line}" for line in sorted(before - after)] + [f"+ {line}" for line in sorted(after - before)]


def main(arguments: Sequence[str]) -> int:
    """Exit 0 when the list is as it would be written (or was written), 1 when it is not."""
    with tempfile.TemporaryDirectory() as scratch:
        found = resolve(Path(scratch))
    different = changes(pinned_jars() if LIST.is_file() else (), found)
    sys.stdout.writelines(f"{line}\n" for line in different)
    if "--write" in arguments:
        LIST.write_text(HEADER + "".join(f"{jar.line()}\n" for jar in found), encoding="ascii")
        return 0
    return 1 if different else 0


def _hashed(wanted: Dependency) -> Jar:
    path = Path(wanted.artifact.resolve())
    return Jar(wanted.groupId, wanted.artifactId, wanted.version, sha256_of(path), path.stat().st_size)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
