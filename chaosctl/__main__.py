"""`python -m chaosctl` and the `chaosctl` program."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from chaosctl.cli import run_cli

    sys.exit(run_cli(sys.argv[1:]))


if __name__ == "__main__":
    main()
