"""Does the engine keep a merge that met a full disk? Fills a small one again and again while it merges.

`PYTHONPATH=tests .venv/bin/python -m faults.full_disk DIRECTORY --keep-free-mb 0` breaks a part in most
minutes; with 64 none was seen to break. Needs the right to mount a tmpfs; the directory is made for it.
"""

import argparse
import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

ROOM_MB = 200
FILLED_BYTES_PER_S = 200_000_000
USERS = "<users><default><password/><networks><ip>::/0</ip></networks></default></users>"
CONFIG = """<clickhouse>
<storage_configuration><disks><default><keep_free_space_bytes>{bytes}</keep_free_space_bytes></default></disks>
</storage_configuration><profiles><default/></profiles><quotas><default/></quotas>{users}</clickhouse>"""
TABLE = """
CREATE TABLE default.t
(
    id String, day Date, hash UInt64 MATERIALIZED sipHash64(id),
    first SimpleAggregateFunction(min, DateTime64(3)), last SimpleAggregateFunction(max, DateTime64(3)),
    n SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree PARTITION BY day ORDER BY (day, id) SETTINGS old_parts_lifetime = 1
"""
INSERT = """
INSERT INTO default.t
SELECT toString(number % 500 + {number}), toDate('2026-01-01') + {number} % 3, now64(3), now64(3), 1
FROM numbers({rows})
"""


def main() -> int:
    """1 when a part is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--keep-free-mb", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60)
    asked = parser.parse_args()
    place: Path = asked.directory.absolute()
    place.mkdir(parents=True)
    size = f"size={ROOM_MB + asked.keep_free_mb}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=True)
    try:
        (place / "server.xml").write_text(CONFIG.format(bytes=asked.keep_free_mb * 2**20, users=USERS))
        broken = try_it(place, until=time.monotonic() + asked.seconds)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()
    sys.stdout.write("".join(f"{line}\n" for line in broken) or "every part is whole\n")
    return 1 if broken else 0


def try_it(place: Path, *, until: float) -> list[str]:
    """The parts that are broken in the end, and how."""
    # Not at the top: importing it starts an engine.
    from chdb.session import Session  # noqa: PLC0415

    engine = Session(f"{place / 'db'}?config-file={place / 'server.xml'}")
    engine.query(TABLE)
    filling = threading.Thread(target=_fill_and_empty, args=(place / "filler", until))
    filling.start()
    number = 0
    while time.monotonic() < until:
        number += 1
        rows = random.choice((10, 200, 20_000))
        # Refused again and again: that is what is tried.
        with suppress(RuntimeError):
            engine.query(INSERT.format(number=number, rows=rows))
        if number % 7 == 0:
            with suppress(RuntimeError):
                engine.query("OPTIMIZE TABLE default.t")
    filling.join()
    told = str(engine.query("CHECK TABLE default.t SETTINGS check_query_single_value_result = 0", "TSV"))
    engine.close()
    return [line for line in told.splitlines() if line.split("\t")[1] == "0"]


def _fill_and_empty(filler: Path, until: float) -> None:
    piece = b"x" * 65_536
    while time.monotonic() < until:
        began, written = time.monotonic(), 0
        with filler.open("wb", buffering=0) as full, suppress(OSError):
            while written := written + full.write(piece):
                time.sleep(max(0.0, began + written / FILLED_BYTES_PER_S - time.monotonic()))
        time.sleep(random.uniform(0.05, 0.6))
        filler.unlink()
        time.sleep(random.uniform(0.05, 0.4))


if __name__ == "__main__":
    raise SystemExit(main())
