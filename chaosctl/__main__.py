"""`python -m chaosctl` and the `chaosctl` program."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        from chaosctl.cli import run_cli
    except KeyboardInterrupt:  # somebody was quicker than the imports
        print("interrupted; nothing is running", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
