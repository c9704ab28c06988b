"""What can go wrong with the local broker, told to a person."""

from telemetry.errors import OperatorError


class BrokerError(OperatorError):
    """The broker cannot run here; the message says what happened and what to do next."""
