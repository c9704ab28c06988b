"""Generated events as text: lines of JSON as clients send them, or of CSV as an import reads them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ops.generating.chance import Whole, Words, draw
from ops.generating.deeds import CENTS, DEEDS, Scene, cents_of, deeds_of, properties_of
from ops.generating.moments import Columns, arriving
from ops.generating.people import DEVICES, People, people
from ops.generating.plan import Plan
from ops.generating.visits import visits

CSV_HEADER = b"event_id,occurred_at,user_id,event_type,properties_json,value\n"
_JSON = (
    b'{"event_id":"%b","occurred_at":"%b","user_id":"%b","event_type":"%b","value":%b,'
    b'"session_id":"%b","properties":%b}'
)
_CSV = b'%b,%b,%b,%b,"%b",%b'
INSTANT_CHARS = len("2026-01-15T11:59:59.123Z")
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
# Where the 32 digits of an id stand among its 36 characters.
_DIGITS = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])


@dataclass(frozen=True, slots=True)
class Chunk:
    """Events in the order in which they arrive: their columns, and each as text, column by column."""

    columns: Columns
    event_ids: list[bytes]
    occurred_at: list[bytes]
    user_ids: list[bytes]
    event_types: list[bytes]
    properties: list[bytes]
    values: list[bytes]
    session_ids: list[bytes]

    def __len__(self) -> int:
        return len(self.event_ids)

    def json_lines(self) -> list[bytes]:
        """Each as one object, as a client sends it; no line breaks."""
        return [
            _JSON % each
            for each in zip(
                self.event_ids,
                self.occurred_at,
                self.user_ids,
                self.event_types,
                self.values,
                self.session_ids,
                self.properties,
                strict=True,
            )
        ]

    def csv_lines(self) -> list[bytes]:
        """Each as one line under CSV_HEADER, which has no column for the session; no line breaks."""
        quoted = [each.replace(b'"', b'""') for each in self.properties]
        return [
            _CSV % each
            for each in zip(
                self.event_ids,
                self.occurred_at,
                self.user_ids,
                self.event_types,
                quoted,
                self.values,
                strict=True,
            )
        ]


def generate(plan: Plan) -> Iterator[Chunk]:
    """All events of the plan, in the order in which they arrive."""
    crowd = people(plan.seed, plan.users, days=plan.days)
    for columns in arriving(plan, crowd, visits(plan, crowd)):
        yield written(plan.seed, columns, crowd)


def written(seed: int, columns: Columns, crowd: People) -> Chunk:
    """These events as text."""
    done = deeds_of(Scene(seed, columns, crowd))
    properties: list[bytes] = [b""] * len(columns)
    cents = np.zeros(len(columns), dtype=np.int64)
    for number, deed in enumerate(DEEDS):
        places = np.flatnonzero(done == number)
        mine = Scene(seed, columns.of(places), crowd)
        cents[places] = cents_of(mine, deed)
        for place, text in zip(places.tolist(), properties_of(mine, deed), strict=True):
            properties[place] = text
    types = [deed.event_type.encode() for deed in DEEDS]
    return Chunk(
        columns=columns,
        event_ids=event_ids(seed, columns, crowd),
        occurred_at=instants(columns.at_ms),
        user_ids=[b"user-%06d" % number for number in columns.user.tolist()],
        event_types=[types[number] for number in done.tolist()],
        properties=properties,
        values=[b"%d.%02d" % divmod(each, CENTS) if each else b"0" for each in cents.tolist()],
        session_ids=[b"s-%012x" % (each >> 16) for each in columns.visit.tolist()],
    )


def event_ids(seed: int, columns: Columns, crowd: People) -> list[bytes]:
    """As RFC 9562 lays them out: of apps version 7, which begins with its time, of browsers version 4."""
    one, other = draw(seed, "id", columns.bits), draw(seed, "id, too", columns.bits)
    tells_time = np.array([device.ids_tell_time for device in DEVICES])[crowd.device[columns.user]]
    begins = np.where(tells_time, columns.at_ms.astype(np.uint64), one >> np.uint64(16))
    version = np.where(tells_time, np.uint64(7), np.uint64(4))
    high = begins << np.uint64(16) | version << np.uint64(12) | one & np.uint64(0xFFF)
    low = np.uint64(2) << np.uint64(62) | other >> np.uint64(2)
    return _as_uuids(high, low)


def instants(at_ms: Whole) -> list[bytes]:
    """2026-01-15T11:59:59.123Z, each."""
    texts = np.ascontiguousarray(np.datetime_as_string(at_ms.astype("datetime64[ms]"), timezone="UTC"))
    # All ASCII: the first byte of each character. numpy's own cast of text to bytes swallows a Ctrl-C.
    codes = texts.view("<u4").reshape(len(texts), texts.itemsize // 4)[:, :INSTANT_CHARS].astype(np.uint8)
    found: list[bytes] = codes.view(f"S{INSTANT_CHARS}").ravel().tolist()
    return found


def _as_uuids(high: Words, low: Words) -> list[bytes]:
    count = len(high)
    raw = np.empty((count, 16), dtype=np.uint8)
    raw[:, :8] = high.astype(">u8").view(np.uint8).reshape(count, 8)
    raw[:, 8:] = low.astype(">u8").view(np.uint8).reshape(count, 8)
    digits = np.empty((count, 32), dtype=np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _HEX[raw >> 4], _HEX[raw & 15]
    text: npt.NDArray[np.uint8] = np.full((count, 36), ord("-"), dtype=np.uint8)
    text[:, _DIGITS] = digits
    found: list[bytes] = text.view("S36").ravel().tolist()
    return found
