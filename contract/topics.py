"""The topics of the log, as data; who creates or reads them brings a client of his own.

All copies of an event id must meet in one partition, or deduplication has a race. So the number of
partitions never changes under a topic that holds events, and every writer places records with `PARTITIONER`.
"""

from dataclasses import dataclass
from typing import Final

from contract.limits import BODY_BYTES_MAX

# What Java clients and kcat do by default with a key, in librdkafka's words.
PARTITIONER: Final = "murmur2_random"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: its name, its fixed number of partitions, and the largest batch of records it takes.

    Brokers bound a batch of records, not a record: bytes for one event alone would end all batching.
    `days_kept_min`: it keeps records at least so long, however short the log's retention is set.
    `compacted`: besides, of the records of one key only the last is kept, a day after it came.
    """

    name: str
    partitions: int
    message_bytes_max: int
    days_kept_min: int = 0
    compacted: bool = False


EVENTS: Final = Topic("events", partitions=4, message_bytes_max=BODY_BYTES_MAX)
# A dead letter carries a whole record of somebody else and its story, so it may be larger than any event. It
# is kept as long as raw events are, so that it outlives the record it tells of, and is settled by a record
# with its key and no value.
DEAD: Final = Topic(
    "events.dead", partitions=1, message_bytes_max=2 * BODY_BYTES_MAX, days_kept_min=30, compacted=True
)
TOPICS: Final = (EVENTS, DEAD)
