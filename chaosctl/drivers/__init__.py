"""How targets are reached: a kind per file, by the name that documents use.

Each is imported when it is asked for: what a driver needs may be large, or not installed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Loader = Callable[[Path], Any]
"""From the socket of a target's control API to the driver, which is a `monkeys.target.Target`."""


def _demo(control: Path) -> Any:
    from chaosctl.drivers.demo import DemoTarget  # noqa: PLC0415 - at use, see above

    return DemoTarget(control)


def _toolkit(_control: Path) -> Any:
    from chaosctl.drivers.toolkit import ToolkitTarget  # noqa: PLC0415 - at use, see above

    return ToolkitTarget()


DRIVERS: dict[str, Loader] = {
    "demo": _demo,
    "toolkit": _toolkit,
}
