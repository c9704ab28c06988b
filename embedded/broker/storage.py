"""The broker's data directory: made once, whole or not at all."""

import base64
import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from embedded.broker.config import BrokerConfig
from embedded.broker.errors import BrokerError
from embedded.broker.properties import properties, render

FORMAT_WITHIN_S = 120


def new_cluster_id() -> str:
    """A Kafka id: sixteen random bytes in URL-safe base64, never beginning with a dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not text.startswith("-"):
            return text


def cluster_id_of(log_dir: Path) -> str | None:
    """The cluster a directory belongs to; None when it was never formatted. Raises BrokerError."""
    path = log_dir / "meta.properties"
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BrokerError(
            f"cannot read {path}: {error.strerror}; open it to this user, or set UGC_DATA_DIR elsewhere"
        ) from None
    return next((line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id=")), None)


def format_once(
    config: BrokerConfig, *, command: Callable[[Sequence[str]], list[str]], environment: dict[str, str]
) -> str:
    """Format the data directory unless it is; returns the cluster's id, the same at every later start.

    It is formatted under another name and renamed when done, so a run that is killed in between leaves
    nothing that looks formatted. Raises BrokerError with the tool's own last line.
    """
    known = cluster_id_of(config.log_dir)
    if known is not None:
        return known
    draft = replace(config, data_dir=config.home / ".formatting")
    try:
        if config.log_dir.exists() and any(config.log_dir.iterdir()):
            raise BrokerError(
                f"{config.log_dir} holds files but is no broker's data directory; "
                "move it away, then start again"
            )
        shutil.rmtree(draft.data_dir, ignore_errors=True)
        draft.home.mkdir(parents=True)
        _run_tool(draft, command, environment)
        draft.log_dir.replace(config.log_dir)
    except OSError as error:
        raise BrokerError(
            f"cannot write to {config.home}: {error.strerror}; free or open it, or set UGC_DATA_DIR elsewhere"
        ) from None
    finally:
        shutil.rmtree(draft.data_dir, ignore_errors=True)
    made = cluster_id_of(config.log_dir)
    if made is None:
        raise BrokerError(f"{config.log_dir} did not become a data directory; remove it, then start again")
    return made


def _run_tool(
    config: BrokerConfig, command: Callable[[Sequence[str]], list[str]], environment: dict[str, str]
) -> None:
    # This port is only noted in the new log; the node notes the real one at each start.
    text = render(properties(config, controller_port=config.port % 65535 + 1))
    config.properties_file.write_text(text, encoding="utf-8")
    arguments = ["kafka.tools.StorageTool", "format", "--standalone"]
    arguments += ["-t", new_cluster_id(), "-c", str(config.properties_file)]
    try:
        done = subprocess.run(
            command(arguments),
            env=environment,
            capture_output=True,
            text=True,
            timeout=FORMAT_WITHIN_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise BrokerError(
            f"Kafka did not format {config.log_dir} within {FORMAT_WITHIN_S} s; "
            "is the disk or the machine overloaded? Start again when it is calmer"
        ) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()[0]
        raise BrokerError(
            f"Kafka could not format {config.log_dir}: {said}; remove {config.home}, start again"
        )
