"""How much memory a question may use, and that inserts find some.

The engine has a limit for each statement and one for all, and knows no users. Questions that reach the second
together make inserts fail. Where that happens they give way: those that run are ended, and for a while each
gets little and few run at once, so that together they cannot reach it again. Whoever writes tries again, and
finds room.
"""

from collections.abc import Sequence

from embedded.warehouse.limits import Limits
from embedded.warehouse.profiles import Role
from telemetry.clock import Clock


class Memory:
    """Of one process; whoever shares it between threads holds a lock."""

    def __init__(self, memory_bytes: int, limits: Limits, clock: Clock) -> None:
        self._reads_bytes = int(memory_bytes * limits.short_reads_share)
        self._limits = limits
        self._clock = clock
        self._short_until_s = clock.monotonic()

    def ran_out(self) -> None:
        """An insert failed for want of it."""
        self._short_until_s = self._clock.monotonic() + self._limits.short_of_memory_s

    @property
    def short(self) -> bool:
        return self._clock.monotonic() < self._short_until_s

    @property
    def reads_max(self) -> int:
        """How many questions may run at once."""
        if not self.short:
            return self._limits.reads_running_max
        return max(1, min(self._reads_bytes // self.little, self._limits.reads_running_max))

    @property
    def little(self) -> int:
        """What any question may have."""
        return self._limits.query_memory_bytes_min

    def share(self, role: Role, others: Sequence[int]) -> int:
        """What one more statement of this role gets, beside those of others; 0: what its role says.

        Fixed when it starts, so that together they stay within their user's limit: a share is left for each
        that may still come.
        """
        if self.short and role.reads_only:
            return self.little
        if not role.memory_of_user_bytes or not role.queries_max:
            return 0
        kept = self.little * (role.queries_max - len(others) - 1)
        share = max(role.memory_of_user_bytes - sum(others) - kept, self.little)
        return min(share, role.memory_of_query_bytes or share)
