"""How a run ends that does not end well: one line to a person each, and an exit code of `run`."""

from telemetry.errors import OperatorError


class BenchFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """A bench could not do its work; the message says what and what to do. Exit code 1."""


class Void(OperatorError):  # noqa: N818
    """The data was wrong, so the figures mean nothing. Nothing is written, exit code 2."""


class Noisy(OperatorError):  # noqa: N818
    """The machine did not get quiet enough to be believed. Nothing is written, exit code 3."""
