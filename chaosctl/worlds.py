"""From a document's target to something that can be broken and watched.

The one place that joins drivers, stores and the demo platform for the commands and the watchdog.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaosctl import demo
from chaosctl.context import Context
from chaosctl.drivers import DRIVERS
from chaosctl.engine import UndoerFor
from chaosctl.errors import ChaosctlError

Say = Callable[[str], None]


def undoer_for(context: Context) -> UndoerFor:
    """What takes back the records of a driver, by the driver's name."""

    def find(driver: str) -> Any:
        if driver not in DRIVERS:
            raise ChaosctlError(
                f"undo record is of the unknown driver {driver!r}",
                fix="use the version of chaosctl that made it, or a newer one",
            )
        return DRIVERS[driver](demo.demo_paths(context.runtime_dir).control)

    return find
