"""Dead letters into a file: whole or not at all, so that what is there under the name is complete."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal, get_args

from ops.terminal import spreadsheet
from ops.terminal.whole_files import text_file

Format = Literal["ndjson", "csv", "spreadsheet"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

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
    """Write them to `file`, which appears, or is replaced, when all are in. How many they were.

    csv says what the letters say; what of it a spreadsheet would run as a formula, `spreadsheet` makes text.
    """
    count = 0
    # A string of JSON may hold half of a surrogate pair; its base64 beside it is exact.
    with text_file(file, errors="backslashreplace") as out:
        if how == "spreadsheet":
            out.write(spreadsheet.BYTE_ORDER_MARK)
        if how != "ndjson":
            writer = csv.DictWriter(out, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
        for document in documents:
            if how == "ndjson":
                out.write(json.dumps(document, ensure_ascii=False) + "\n")
            else:
                row = {**document, "headers": json.dumps(document["headers"])}
                is_plain = how == "csv"
                writer.writerow(row if is_plain else {k: spreadsheet.cell(v) for k, v in row.items()})
            count += 1
    return count
