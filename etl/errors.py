"""What can go wrong between the log and the warehouse: three branches, no flags.

EtlError
├── Poison           this one record is wrong, for ever: it becomes a dead letter, its neighbours land
│   └── Refused      the warehouse will not take a block as it is: looked through until the rows are found
├── Retryable        not now: the network, an overload, a restart. The same call again, with pauses, for ever
│   └── Abandoned    the group has left partitions to nobody: join it again, as a new member
└── Fatal            somebody must look: schema, rights, disk, a hole in the log. Stop loudly, lose nothing

Withdrawn            no fault at all: the range in hand is not ours to finish. It is dropped, uncommitted
├── AssignmentGone   its partition was taken away; whoever owns it now reads the same records
└── StopAsked        this process is to end; the next one reads the same records
"""

from telemetry.errors import OperatorError


class EtlError(OperatorError):
    """Something went wrong; the message is one line that says what happened."""


class Poison(EtlError):  # noqa: N818 - the branch's name
    """One record cannot become a row, however often it is read."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Refused(Poison):
    """The warehouse will not take this block, however often it is sent; nothing of it is stored."""

    def __init__(self, message: str) -> None:
        super().__init__("refused_by_warehouse", message)


class Retryable(EtlError):  # noqa: N818
    """It did not work now; the very same call may work later."""


class Abandoned(Retryable):
    """Partitions are nobody's, and stay so until somebody joins the group without a name it knows."""


class Fatal(EtlError):  # noqa: N818
    """Going on would lose or falsify something; the message says what to do."""


class Withdrawn(Exception):  # noqa: N818 - a state, not a fault
    """The range in hand is not ours to finish."""


class AssignmentGone(Withdrawn):
    """The partition belongs to somebody else now."""


class StopAsked(Withdrawn):
    """This process is to end."""
