"""Partitions that the group has left to nobody.

A member that comes back under its name within its session is handed what it last had, and nobody else is
asked. Killed while it was giving partitions away, it comes back to those it kept; the others are nobody's
until the group shares out anew, which only a new member brings about. So whoever has a name looks when it has
been handed its partitions, and once more when any living member would have answered. Should the group be
sharing out just then, nothing is left to find: it shares out everything.
"""

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from etl.errors import Abandoned
from etl.placing import ASK_TIMEOUT_S, answer, describe
from telemetry.clock import Clock


class Abandonment:
    """What one member looks for after it joined. Not safe to share between threads."""

    def __init__(self, admin: AdminClient, *, group: str, topic: str, session_s: float, clock: Clock) -> None:
        self._admin = admin
        self._group = group
        self._topic = topic
        self._session_s = session_s
        self._clock = clock
        self._again_at: float | None = None

    def ruled_out(self) -> bool:
        """Whether there is no more to look for; to be asked until there is not.

        Raises Abandoned when partitions are nobody's and stay so, Retryable when the broker does not say.
        """
        now = self._clock.monotonic()
        if self._again_at is not None and now < self._again_at:
            return False
        left = self._left()
        if not left:
            return True
        if self._again_at is not None:
            raise Abandoned(
                f"the group {self._group} has left {self._topic} {left} to nobody; joining it as a new member"
            )
        self._again_at = now + self._session_s
        return False

    def _left(self) -> list[int]:
        asked = self._admin.describe_consumer_groups([self._group], request_timeout=ASK_TIMEOUT_S)
        told = answer(asked[self._group], f"cannot look at the group {self._group}")
        if told.state != ConsumerGroupState.STABLE:
            return []
        taken = {
            each.partition
            for member in told.members
            for each in member.assignment.topic_partitions
            if each.topic == self._topic
        }
        return sorted(set(range(describe(self._admin, self._topic).partitions)) - taken)
