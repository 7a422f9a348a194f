"""The faults: what can be done to instances, by the name that documents use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monkeys.faults.instance_hang import InstanceHang
from monkeys.faults.instance_kill import InstanceKill
from monkeys.faults.network_latency import NetworkLatency
from monkeys.faults.network_partition import NetworkPartition
from monkeys.faults.zone_outage import ZoneOutage
from monkeys.parameters import BadParameter, check_parameters, did_you_mean
from monkeys.target import Fault

FAULTS: dict[str, type[Fault]] = {
    "instance-hang": InstanceHang,
    "instance-kill": InstanceKill,
    "network-latency": NetworkLatency,
    "network-partition": NetworkPartition,
    "zone-outage": ZoneOutage,
}


def make_fault(name: str, parameters: Mapping[str, Any]) -> Fault:
    """The fault with parameters that `check_fault` has checked: field names, durations in ms."""
    return FAULTS[name](**parameters)


def check_fault(
    name: str, given: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[BadParameter, ...]]:
    """Parameters for `make_fault` from what a document says under `with:`, and all that is wrong.

    given: by the user's names, durations as text (`400ms`). An error whose parameter is empty is
    about the fault's own name.

    >>> check_fault("network-latency", {"delay": "2s"})
    ({'delay_ms': 2000.0}, ())
    """
    if name not in FAULTS:
        fix = did_you_mean(name, FAULTS)
        return {}, (BadParameter(f"unknown fault {name!r}", parameter="", where="fault", fix=fix),)
    return check_parameters(FAULTS[name], given)
