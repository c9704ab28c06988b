"""Become the broker: `python -m embedded.broker CONFIG_AS_JSON` checks everything, then execs java.

The process id stays, so signals sent to it reach java, and a supervisor's restart passes every check
again. What is wrong is one line on standard error, exit 1.
"""

import os
import sys

from embedded.broker.config import BrokerConfig
from embedded.broker.errors import BrokerError
from embedded.broker.jars import pinned_jars
from embedded.broker.java import java_environment
from embedded.broker.start import make_ready


def main() -> None:
    """Returns only by SystemExit; when all is well this process goes on as java."""
    try:
        config = BrokerConfig.from_json(sys.argv[1])
        command = make_ready(config, jars=pinned_jars(), environment=os.environ)
    except BrokerError as error:
        sys.exit(f"broker: {error}")
    os.execve(command[0], command, java_environment(os.environ))  # noqa: S606 - becoming java is the point


if __name__ == "__main__":
    main()
