"""The faults: what can be done to instances, by the name that documents use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monkeys.faults.bad_deploy import BadDeploy
from monkeys.faults.cache_flush import CacheFlush
from monkeys.faults.clock_skew import ClockSkew
from monkeys.faults.cpu_burn import CpuBurn
from monkeys.faults.dependency_overload import DependencyOverload
from monkeys.faults.disk_fill import DiskFill
from monkeys.faults.dns_failure import DnsFailure
from monkeys.faults.fd_exhaust import FdExhaust
from monkeys.faults.instance_hang import InstanceHang
from monkeys.faults.instance_kill import InstanceKill
from monkeys.faults.instance_terminate import InstanceTerminate
from monkeys.faults.memory_fill import MemoryFill
from monkeys.faults.network_corrupt import NetworkCorrupt
from monkeys.faults.network_duplicate import NetworkDuplicate
from monkeys.faults.network_latency import NetworkLatency
from monkeys.faults.network_loss import NetworkLoss
from monkeys.faults.network_partition import NetworkPartition
from monkeys.faults.network_rate import NetworkRate
from monkeys.faults.network_reorder import NetworkReorder
from monkeys.faults.region_evacuation import RegionEvacuation
from monkeys.faults.zone_outage import ZoneOutage
from monkeys.parameters import BadParameter, check_parameters, did_you_mean
from monkeys.target import Fault

FAULTS: dict[str, type[Fault]] = {
    "bad-deploy": BadDeploy,
    "cache-flush": CacheFlush,
    "clock-skew": ClockSkew,
    "cpu-burn": CpuBurn,
    "dependency-overload": DependencyOverload,
    "disk-fill": DiskFill,
    "dns-failure": DnsFailure,
    "fd-exhaust": FdExhaust,
    "instance-hang": InstanceHang,
    "instance-kill": InstanceKill,
    "instance-terminate": InstanceTerminate,
    "memory-fill": MemoryFill,
    "network-corrupt": NetworkCorrupt,
    "network-duplicate": NetworkDuplicate,
    "network-latency": NetworkLatency,
    "network-loss": NetworkLoss,
    "network-partition": NetworkPartition,
    "network-rate": NetworkRate,
    "network-reorder": NetworkReorder,
    "region-evacuation": RegionEvacuation,
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
