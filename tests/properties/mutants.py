"""Which wrong queries the histories find: `PYTHONPATH=tests .venv/bin/python -m properties.mutants`.

Each fault is put into its query, and the one question that the query answers is asked of every history until
an answer differs, or none is left. Exits with 1 when a fault stays unseen. The histories are those of the
test, so what is found here is found there.
"""

import argparse
import dataclasses
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clickhouse_connect.driver.client import Client
from properties.beside import side_by_side
from properties.comparing import difference, reader_of
from properties.faults import FAULTS, Fault
from properties.loading import Loader, warehouse_on
from properties.questions import HISTORIES, Case, case

from clickhouse import catalog
from clickhouse.client import WarehouseError


@contextmanager
def broken_by(fault: Fault) -> Iterator[None]:
    """The warehouse's questions, one of them with the fault in it."""
    right = catalog.query

    def query(name: str) -> catalog.Query:
        found = right(name)
        if name != fault.query:
            return found
        return dataclasses.replace(found, sql=fault.in_text(found.sql))

    catalog.query = query  # type: ignore[assignment]
    try:
        yield
    finally:
        catalog.query = right


def concerns(fault: Fault, case: Case) -> bool:
    """Whether its query may be the one that answers."""
    of_events = bool(case.asked.segments) or (fault.name == "daily" and case.asked.exact)
    return fault.query.endswith("_in_segment") is of_events


def is_seen(fault: Fault, load: Sequence[Case], client: Client) -> bool:
    """Whether some case of the load shows the fault. A query that does not even run shows nothing."""
    with broken_by(fault):
        try:
            return any(difference(case, fault.name, client) for case in load if concerns(fault, case))
        except WarehouseError as error:
            say(f"does not run: {fault.query}: {fault.what}: {str(error)[:200]}")
            return False
        except KeyError:
            # A row of a day that was not asked for: there is no place for it.
            return True


def run(histories: int, faults: Sequence[Fault]) -> list[Fault]:
    """The faults that stay unseen, once it was said after how many histories each of the others was seen."""
    left, asked = list(faults), 0
    with (
        tempfile.TemporaryDirectory(prefix="ugc-mutants-") as folder,
        warehouse_on(Path(folder) / "warehouse") as process,
    ):
        loader, client = Loader(process), reader_of(process.dsn("reader"))
        for load in side_by_side([case(number) for number in range(histories)]):
            loader.load([case.history for case in load])
            asked += len(load)
            seen = [fault for fault in left if is_seen(fault, load, client)]
            for fault in seen:
                say(f"within {asked:4} histories: {fault.query}: {fault.what}")
            left = [fault for fault in left if fault not in seen]
            if not left:
                break
        loader.close()
        client.close()
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=HISTORIES, help="at most so many")
    parser.add_argument("--query", default="", help="only the faults of this query")
    asked = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("UGC_")]:
        del os.environ[name]
    faults = [fault for fault in FAULTS if asked.query in ("", fault.query)]
    left = run(asked.histories, faults)
    for fault in left:
        say(f"NOT SEEN: {fault.query}: {fault.what}")
    say(f"{len(faults)} faults, {len(left)} of them not seen in {asked.histories} histories")
    return 1 if left else 0


def say(text: str) -> None:
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
