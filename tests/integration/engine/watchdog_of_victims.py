"""The watchdog itself, with the processes' target in place of the drivers' table."""

from __future__ import annotations

import os
import sys

from chaosctl.context import Context
from chaosctl.engine.undo import UndoerFor
from chaosctl.watchdog import main
from tests.process_target import ProcessTarget


def load_undoer(_context: Context) -> UndoerFor:
    return lambda _driver: ProcessTarget(stubborn_file=os.environ.get("STUBBORN", ""))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], load_undoer))
