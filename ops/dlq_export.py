"""Dead letters into a file: whole or not at all, so that what is there under the name is complete."""

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Literal

Format = Literal["ndjson", "csv"]

CSV_COLUMNS: Final = (
    "id",
    "state",
    "reason",
    "message",
    "first_seen_at",
    "topic",
    "partition",
    "offset",
    "timestamp",
    "retry_of",
    "key",
    "key_base64",
    "headers",
    "value_bytes",
    "whole",
    "value",
    "value_base64",
)


def format_of(file: Path) -> Format:
    """By the name's ending."""
    return "csv" if file.suffix.lower() == ".csv" else "ndjson"


def export(documents: Iterable[Mapping[str, Any]], file: Path, how: Format) -> int:
    """Write them to `file`, which appears, or is replaced, when all are in. How many they were."""
    count = 0
    with _appearing(file) as out:
        if how == "csv":
            writer = csv.DictWriter(out, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
        for document in documents:
            if how == "csv":
                writer.writerow({**document, "headers": json.dumps(document["headers"])})
            else:
                out.write(json.dumps(document, ensure_ascii=False) + "\n")
            count += 1
    return count


@contextmanager
def _appearing(file: Path) -> Iterator[IO[str]]:
    """A file to write to, which gets its name at the end if nothing failed."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    unfinished = Path(name)
    try:
        # A string of JSON may hold half of a surrogate pair; its base64 beside it is exact.
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
