"""`python -m chaosctl` and the `chaosctl` program."""

from __future__ import annotations

import signal
import sys

LOST_OUTPUT = 2
"""Exit code of a command that succeeded, but whose output is not where it was wanted."""


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from chaosctl import interrupts
        from chaosctl.streams import open_streams, unwritten

        interrupts.watch()
        open_streams()
        from chaosctl.cli import run_cli
    except KeyboardInterrupt:  # somebody was quicker than the imports
        print("interrupted; nothing is running", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    try:
        code = run_cli(sys.argv[1:])
    except KeyboardInterrupt:  # again, while the first one was answered
        code = 128 + signal.SIGINT
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is to say how it ended
    if why := unwritten(sys.stdout):
        print(f"standard output cannot be written: {why}", file=sys.stderr)
        print("  fix: make room, or send it elsewhere", file=sys.stderr)
        code = code or LOST_OUTPUT
    sys.stderr.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
