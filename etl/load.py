"""The warehouse as the pipeline uses it: which ids are there, one insert a range, and a check that mends."""

from collections.abc import Callable, Iterator, Sequence

import orjson
from clickhouse_connect.driver.client import Client

from clickhouse.views import LEDGER, PROBE, RAW
from etl.asking import Warehouse, branched
from etl.batch import Batch, Block
from etl.conflicts import conflicts
from etl.errors import Fatal
from etl.mending import Mender, always
from etl.packed import is_among, pack, unpack
from etl.ports import Conflict, Mended, MovedRange, Origin
from etl.ranges import Offset, Range
from etl.rows import COLUMNS
from telemetry.health import NotReady

PING_TIMEOUT_S = 3.0
ANSWER_WITHIN_S = 60.0


class ClickHouseStore:
    """The real row store. `answer_within_s`: the client's own time-out; the server's ends before it."""

    def __init__(self, client: Client, *, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._warehouse = Warehouse(client, answer_within_s=answer_within_s)
        self._mender = Mender(self._warehouse)

    def columns(self) -> tuple[str, ...]:
        """The columns without a default. Fatal when the table is missing."""
        with branched():
            described = self._warehouse.client.query(f"DESCRIBE TABLE {RAW}").result_rows
        return tuple(name for name, _type, default_type, *_ in described if not default_type)

    def stored(self, ids: Sequence[bytes], *, leaving_out: Range | None = None) -> set[bytes]:
        """Those of `ids` that are remembered; see the port."""
        if not ids:
            return set()
        if leaving_out is not None:
            return {id_ for id_, origin in self._origins(ids).items() if not _lies_in(origin, leaving_out)}
        packed = pack(ids)
        found = unpack(self._warehouse.which("stored_ids", packed))
        return {ids[index] for index in is_among(packed, found).nonzero()[0].tolist()}

    def remembered_count(self) -> int:
        """How many ids `remembered` brings, about."""
        return int(self._warehouse.ask("remembered_count")[0][0])

    def remembered(self) -> Iterator[bytes]:
        """Every stored id; see the port."""
        yield from self._warehouse.stream("remembered_ids")
        yield from self._warehouse.stream("remembered_times")

    def conflicts(self, range_: Range, copies: Batch) -> list[Conflict]:
        """Which copies say something else than the first one."""
        return conflicts(self._warehouse, range_, copies, self._origins(copies.ids)) if copies.ids else []

    def insert(self, block: Block, *, token: str) -> None:
        """Store `block` under `token`; see the port."""
        self._warehouse.insert(RAW, block, columns=COLUMNS, token=token)

    def probe(self, block: bytes) -> None:
        """Raise Refused when `insert` would; stores nothing."""
        self._warehouse.insert(PROBE, Block([block]), columns=COLUMNS)

    def mend(self, range_: Range, rows: Batch, *, token: str, check: Callable[[], None] = always) -> Mended:
        """Make sure that each of `rows` is there once, everywhere; see the port."""
        return self._mender.mend(range_, rows, token=token, check=check)

    def remember(self, moved: MovedRange) -> None:
        """Write the line of the ledger; of two for one range the later one is read."""
        line = {
            "kafka_topic_id": moved.range.topic_id,
            "kafka_partition": moved.range.partition,
            "first_offset": moved.range.first,
            "last_offset": moved.range.last,
            "records": moved.records,
            "rows": moved.rows,
            "duplicates": moved.duplicates,
            "conflicts": moved.conflicts,
            "dead": moved.dead,
            "canaries": moved.canaries,
            "canary_sent_at": moved.canary_sent_at,
            "moved_at": moved.moved_at,
        }
        self._warehouse.insert(LEDGER, Block([orjson.dumps(line)]), columns=tuple(line))

    def ping(self) -> None:
        """Raise NotReady unless the warehouse answers."""
        if not self._warehouse.client.ping(PING_TIMEOUT_S):
            raise NotReady("the warehouse does not answer; look at its log")

    def _origins(self, ids: Sequence[bytes]) -> dict[bytes, set[Origin]]:
        """By id that is remembered: the records that brought it. More than one when it was fed again."""
        packed = pack(ids)
        text = {int(high) << 64 | int(low): id_ for (low, high), id_ in zip(packed, ids, strict=True)}
        found: dict[bytes, set[Origin]] = {}
        for rows in self._warehouse.ask_about("origins_of_ids", packed):
            for id_, topic_id, partition, offset in rows:
                found.setdefault(text[id_], set()).add(Origin(topic_id, partition, Offset(offset)))
        return found


def check_columns(there: Sequence[str]) -> None:
    """Raise Fatal unless the table takes exactly what our rows bring."""
    missing = sorted(set(COLUMNS) - set(there))
    if missing:
        raise Fatal(f"{RAW} has no column {', '.join(missing)}; bring the schema up to date: `ugc migrate`")
    strange = sorted(set(there) - set(COLUMNS))
    if strange:
        raise Fatal(
            f"{RAW} wants {', '.join(strange)}, which this version does not write; "
            "start the version that belongs to the schema"
        )


def _lies_in(origins: set[Origin], range_: Range) -> bool:
    """Whether only that range brought it."""
    return all(
        each.topic_id == range_.topic_id
        and each.partition == range_.partition
        and range_.first <= each.offset <= range_.last
        for each in origins
    )
