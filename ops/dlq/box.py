"""The dead letters as the command line handles them: found, read, sent again, settled.

Nothing holds more than one batch of letters. A letter is settled only after what it stands for is done, so a
command that is stopped half-way may be given again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Producer

from contract.topics import DEAD, EVENTS
from etl import dead_topic
from etl.dead_topic import Span
from etl.letters import RETRY_OF, Settlement, StoredLetter, read, settling
from ops.dlq.index import Index, Rows
from ops.dlq.outbox import RECORDS_MAX, NotTaken, Outbox, Outgoing
from ops.upkeep import topics
from ops.upkeep.probes import listens
from telemetry.errors import OperatorError

BATCH_BYTES_MAX: Final = 4 * 1024 * 1024
NOT_WHOLE: Final = "only the beginning of the record is in the letter"
TOO_LARGE: Final = f"larger than {EVENTS.name} takes"

Progress = Callable[[int], None]


class DlqFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """It could not be done, or not all of it; the message says what was, and what to do."""


@dataclass(slots=True)
class Done:
    """What became of the letters that were to be sent again or discarded."""

    settled: int = 0
    # By why: letters that were left as they are.
    left: dict[str, int] = field(default_factory=dict)

    def leave(self, letters: int, why: str) -> None:
        """Count letters that stay open."""
        if letters:
            self.left[why] = self.left.get(why, 0) + letters


class DeadBox:
    """The dead-letter topic at `bootstrap`. Raises DlqFailed at once when nobody answers there."""

    def __init__(
        self, bootstrap: str, *, make_producer: Callable[[dict[str, Any]], Producer] = Producer
    ) -> None:
        self._bootstrap = bootstrap
        self._make_producer = make_producer
        _require_listener(bootstrap)
        topics.look(bootstrap)
        self._connection = {"bootstrap.servers": bootstrap, "client.id": "ugc-dlq", "log_level": 0}
        # What is being committed just now is waited for: all that the pipeline has finished is seen.
        self._spans = dead_topic.spans(self._connection, DEAD.name)

    @property
    def records(self) -> int:
        """How many records there are to read at most: for a bar that shows progress."""
        return sum(each.high - each.low for each in self._spans)

    def index(self, progress: Progress) -> Index:
        """All letters, by one reading of the topic."""
        index = Index()
        for messages in dead_topic.read(self._connection, DEAD.name, self._spans):
            for message in messages:
                index.add(message)
            progress(len(messages))
        index.finish()
        return index

    def letters(self, index: Index, rows: Rows) -> Iterator[tuple[StoredLetter, int]]:
        """The letters at `rows`, read again, in the order they were written; each with its row.

        One that the broker has removed meanwhile is missing.
        """
        for partition, places, found in index.places(rows):
            span = Span(partition, int(places[0]), int(places[-1]) + 1)
            at = 0
            for messages in dead_topic.read(self._connection, DEAD.name, [span]):
                for message in messages:
                    while at < len(places) and places[at] < (message.offset() or 0):
                        at += 1
                    letter = read(message) if at < len(places) and places[at] == message.offset() else None
                    if letter is not None:
                        yield letter, int(found[at])

    def retry(self, letters: Iterator[StoredLetter], progress: Progress) -> Done:
        """Send the records again, as they were, and settle the letters of those that are acknowledged."""
        events = Outbox(self._bootstrap, EVENTS, make_producer=self._make_producer)

        def send(batch: Sequence[StoredLetter], done: Done) -> list[StoredLetter]:
            whole = [letter for letter in batch if letter.whole]
            too_large = events.send([_again(letter) for letter in whole])
            done.leave(len(batch) - len(whole), NOT_WHOLE)
            done.leave(len(too_large), TOO_LARGE)
            return [letter for number, letter in enumerate(whole) if number not in too_large]

        return self._settle_all(letters, "retried", send, progress)

    def discard(self, letters: Iterator[StoredLetter], progress: Progress) -> Done:
        """Settle the letters, and nothing else."""
        return self._settle_all(letters, "discarded", lambda batch, _: list(batch), progress)

    def _settle_all(
        self,
        letters: Iterator[StoredLetter],
        how: Settlement,
        first: Callable[[Sequence[StoredLetter], Done], list[StoredLetter]],
        progress: Progress,
    ) -> Done:
        """Do `first` with a batch and settle the letters that it returns, batch after batch."""
        done = Done()
        dead = Outbox(self._bootstrap, DEAD, make_producer=self._make_producer)
        for batch in _batches(letters):
            try:
                taken = first(batch, done)
                dead.send([settling(letter.origin, how) for letter in taken])
            except NotTaken as error:
                before = f"{done.settled:,} letters were {how} before that; " if done.settled else ""
                raise DlqFailed(
                    f"{error}; {before}give the command again to go on: no event counts twice"
                ) from None
            done.settled += len(taken)
            progress(len(batch))
        return done


def _again(letter: StoredLetter) -> Outgoing:
    """The record as it was, and the name of its first letter, for the case that it dies again."""
    record = letter.record
    own = [(name, value) for name, value in record.headers if name != RETRY_OF]
    return record.key, record.value, [*own, (RETRY_OF, (letter.retry_of or letter.id).encode())]


def _batches(letters: Iterator[StoredLetter]) -> Iterator[list[StoredLetter]]:
    batch: list[StoredLetter] = []
    size = 0
    for letter in letters:
        batch.append(letter)
        size += letter.record.size_bytes
        if len(batch) >= RECORDS_MAX or size >= BATCH_BYTES_MAX:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _require_listener(bootstrap: str) -> None:
    """Raise DlqFailed unless somebody accepts connections: known at once, a client tries for seconds."""
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition("://")[2].rpartition(":")
        if port.isdecimal() and listens(host.strip("[]"), int(port)):
            return
    raise DlqFailed(
        f"no broker answers at {bootstrap}; is it up (`ugc up`)? UGC_KAFKA_BOOTSTRAP says where it is"
    )
