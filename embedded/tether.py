"""Run a command that does not outlive its supervisor.

    python tether.py SUPERVISOR_PID COMMAND [ARGUMENT ...]

A supervisor that is killed cannot stop its children; they would go on with the ports and the data
directory. On Linux the kernel tells them: SIGTERM when the parent dies, so each still stops in order.
Elsewhere the command just runs. Standard library only, and no import of ours: it runs with `-I -S`.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    supervisor, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - not there on every platform

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        # The parent may have died before the kernel was asked; then nothing would ever be sent.
        if os.getppid() != supervisor:
            sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - replacing this process is the point


if __name__ == "__main__":
    main()
