"""What a platform lacks by its fabric, or by the system that it runs on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from chaosctl.drivers.network import proxies
from monkeys.target import Capability, Lack

ON_THE_WIRE = frozenset({Capability.CUT, Capability.DELAY, Capability.PROBE})
"""What proxies can do as well, each in its way."""

_FIX = "`chaosctl doctor` says what the kernel wants; then `chaosctl demo down` and `demo up`"
NO_NAMES = Lack(
    "names are not resolved: there is no /etc/resolv.conf to lay the instances' own over",
    "make one, an empty one will do; then `chaosctl demo down` and `demo up`",
)


def lack(platform: Mapping[str, Any], capability: Capability) -> Lack | None:
    """Why the platform's fabric, which is not of namespaces, does not have a capability."""
    fabric = platform["fabric"]
    if capability is Capability.NAMES:
        return Lack(f"names are not resolved on the fabric {fabric}: no port 53 is to be had", _FIX)
    if fabric == "proxy" and capability in ON_THE_WIRE:
        return proxies.lack(platform["faults_api"])
    if capability is Capability.PROBE:
        return None
    reason = platform["fabric_reason"] or "it was started so"
    return Lack(f"the platform runs without network namespaces: {reason}", _FIX)


def signal_lack() -> Lack | None:
    """Why no process can be signalled, if none can."""
    if hasattr(os, "pidfd_open"):
        return None
    return Lack("this system cannot signal a process safely", "use Linux 5.3 or later")
