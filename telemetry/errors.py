"""The root of every error that is said to a person."""


class OperatorError(Exception):
    """Something expected went wrong: the message is one line that says what happened and what to do next.

    The command line prints it as it is and exits with 1; anything else is a fault of ours and keeps its
    traceback.
    """
