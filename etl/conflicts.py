"""Copies of events that say something else than the first one. The first one has won; here it is noticed.

Compared is what the client said. What the way here added, and the skew, differ for every copy that was sent
again. The very record that was stored, read again, is no copy.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from clickhouse.views import RAW_KEPT_DAYS
from etl.asking import Warehouse
from etl.batch import Batch
from etl.packed import pack
from etl.ports import Conflict, Origin
from etl.ranges import Offset, Range

# A form field holds 128 KiB; an id takes 39 bytes there.
IDS_A_QUESTION_MAX = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Content(msgspec.Struct, frozen=True):
    """What a row says of the event; the members of its line that are the client's."""

    occurred_at: datetime
    user_id: str
    event_type: str
    value: float
    session_id: str
    properties: msgspec.Raw

    @property
    def hour(self) -> datetime:
        """The hour it says it happened in: half of the key its row lies under."""
        return self.occurred_at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)

    def fields(self) -> dict[str, object]:
        """By name, comparable."""
        return {
            "occurred_at": (self.occurred_at - EPOCH) // timedelta(milliseconds=1),
            "user_id": self.user_id,
            "event_type": self.event_type,
            "value": self.value,
            "session_id": self.session_id,
            "properties": bytes(self.properties),
        }


_READ = msgspec.json.Decoder(Content)


def content(line: bytes) -> Content | None:
    """What a row's line says; None when it is no row at all, which the warehouse will say too."""
    try:
        return _READ.decode(line)
    except msgspec.DecodeError:
        return None


def differing(one: Mapping[str, object], other: Mapping[str, object]) -> tuple[str, ...]:
    """The names of the fields in which they differ."""
    return tuple(name for name in one if one[name] != other[name])


def inside(range_: Range, rows: Batch, copies: Mapping[int, int]) -> Iterator[Conflict]:
    """The conflicts of copies within one range: index of the copy to index of the first one."""
    lines = rows.lines if copies else []
    for index, first in copies.items():
        said, kept = content(lines[index]), content(lines[first])
        if said is None or kept is None:
            continue
        if names := differing(said.fields(), kept.fields()):
            yield Conflict(
                rows.ids[index].decode(),
                Origin(range_.topic_id, range_.partition, Offset(rows.offsets[index])),
                Origin(range_.topic_id, range_.partition, Offset(rows.offsets[first])),
                names,
            )


def conflicts(
    warehouse: Warehouse, range_: Range, copies: Batch, origins: Mapping[bytes, set[Origin]]
) -> list[Conflict]:
    """The conflicts of copies with what is stored. What events_raw has dropped by age is not compared."""
    others = [
        index
        for index, offset in enumerate(copies.offsets)
        if (known := origins.get(copies.ids[index]))
        and Origin(range_.topic_id, range_.partition, Offset(offset)) not in known
    ]
    found: list[Conflict] = []
    if others:
        last_dropping = warehouse.ask("raw_kept_since", kept_days=RAW_KEPT_DAYS)[0][0]
        for start in range(0, len(others), IDS_A_QUESTION_MAX):
            piece = others[start : start + IDS_A_QUESTION_MAX]
            found += _compared(warehouse, range_, copies.only(piece), origins, last_dropping)
    return found


def _compared(
    warehouse: Warehouse,
    range_: Range,
    copies: Batch,
    origins: Mapping[bytes, set[Origin]],
    last_dropping: date,
) -> Iterator[Conflict]:
    said = [content(line) for line in copies.lines]
    stored = _stored(warehouse, copies.ids, said)
    for index, each in enumerate(said):
        if each is None:
            continue
        kept = stored.get(copies.ids[index])
        if kept is None and each.hour.date() <= last_dropping:
            continue
        # No row of that id in the hour it names, though the id is stored: its row lies at another time.
        names = ("occurred_at",) if kept is None else differing(each.fields(), kept)
        if names:
            yield Conflict(
                copies.ids[index].decode(),
                Origin(range_.topic_id, range_.partition, Offset(copies.offsets[index])),
                min(origins[copies.ids[index]], key=lambda origin: origin.offset),
                names,
            )


def _stored(
    warehouse: Warehouse, ids: Sequence[bytes], said: Sequence[Content | None]
) -> dict[bytes, dict[str, object]]:
    text = {int(high) << 64 | int(low): id_ for (low, high), id_ in zip(pack(ids), ids, strict=True)}
    rows = warehouse.ask(
        "stored_rows",
        hours=sorted({each.hour for each in said if each is not None}),
        ids=[id_.decode() for id_ in ids],
    )
    return {
        text[id_]: {
            "occurred_at": occurred_at_ms,
            "user_id": user_id,
            "event_type": event_type,
            "value": value,
            "session_id": session_id,
            "properties": properties.encode(),
        }
        for id_, occurred_at_ms, user_id, event_type, value, session_id, properties in rows
    }
