"""How rows are inserted into ClickHouse here and what is asked under: the same by HTTP and in process."""

from collections.abc import Mapping
from typing import Any, Final

# As the ETL inserts: answered when stored, one block an insert, parsed by one thread.
INSERT: Final[Mapping[str, Any]] = {
    "async_insert": 0,
    "max_insert_block_size": 10_000_000,
    "min_insert_block_size_rows": 10_000_000,
    "min_insert_block_size_bytes": 0,
    "input_format_parallel_parsing": 0,
    "date_time_input_format": "best_effort",
}
# By default a query gets a second thread only where a GiB is free for each, and the embedded warehouse has
# one GiB in all: every question would be answered by one thread, whatever is asked for.
ASK: Final[Mapping[str, Any]] = {"max_threads_min_free_memory_per_thread": 0}


def said(settings: Mapping[str, Any]) -> str:
    """As a reader would write them behind SETTINGS."""
    return ", ".join(f"{name} = {value}" for name, value in settings.items())
