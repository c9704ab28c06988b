"""One jar from its Maven coordinate, through jgo. The only module that reaches the network."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import requests
from jgo.maven import MavenContext, PythonResolver

from embedded.broker.errors import BrokerError
from embedded.broker.jars import Advance, Jar
from telemetry.clock import Clock

ATTEMPTS_MAX = 3
RETRY_AFTER_S = 1.0
SILENCE_MAX_S = 30
OWN_KAFKA = "or set UGC_KAFKA_BOOTSTRAP to a Kafka of yours"


class MavenDownload:
    """Downloads a jar into a staging directory; a broken connection is tried three times.

    Proxies and certificates come from the environment, as every HTTP client reads them. It trusts
    nothing: the caller compares the bytes.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, jar: Jar, staging: Path, advance: Advance) -> Path:
        """Raises BrokerError when the network or the repository does not give the jar."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            counted = _Counted(advance)
            try:
                return _download(jar, Path(mkdtemp(dir=staging)), counted)
            except requests.RequestException as error:
                counted.take_back()
                if attempt == ATTEMPTS_MAX:
                    raise BrokerError(
                        f"cannot download {jar.file_name} ({_reason(error)}); the first start needs the "
                        f"network: check it and any proxy, then start again, {OWN_KAFKA}"
                    ) from None
                self._clock.sleep(RETRY_AFTER_S)
            except RuntimeError:
                raise BrokerError(
                    f"the Maven repository does not hand out {jar.coordinate}; "
                    f"check the proxy and start again, {OWN_KAFKA}"
                ) from None
        raise AssertionError("the last attempt returns or raises")


class _Counted:
    """What one attempt has reported, so that a failed one can be taken back from the progress shown."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._bytes = 0

    def __call__(self, size_bytes: int) -> None:
        self._bytes += size_bytes
        self._advance(size_bytes)

    def take_back(self) -> None:
        self._advance(-self._bytes)


def _download(jar: Jar, directory: Path, advance: Advance) -> Path:
    @contextmanager
    def report(_file_name: str, _size_bytes: int) -> Iterator[Advance]:
        yield advance

    def progress(file_name: str, size_bytes: int) -> AbstractContextManager[Advance]:
        return report(file_name, size_bytes)

    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=directory,
        local_repos=[],
        timeout=SILENCE_MAX_S,
    )
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    return Path(artifact.resolve())


def _reason(error: requests.RequestException) -> str:
    names = {
        requests.exceptions.SSLError: "certificate not accepted: is REQUESTS_CA_BUNDLE right?",
        requests.exceptions.ProxyError: "the proxy refused",
        requests.exceptions.Timeout: "no answer in time",
        requests.exceptions.ConnectionError: "no connection",
    }
    return next((text for kind, text in names.items() if isinstance(error, kind)), type(error).__name__)
