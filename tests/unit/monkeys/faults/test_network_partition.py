"""From where a partition is looked at."""

from __future__ import annotations

import pytest

from monkeys.errors import TargetFailed
from monkeys.faults.network_partition import NetworkPartition
from monkeys.selection import matches
from monkeys.target import ProcessState, Reading
from tests.simulated_target import SimulatedTarget, VirtualTime

ZONE_A, ZONE_B = {"zone": ("us-east-1a",)}, {"zone": ("us-east-1b",)}


def selected(target):
    return [each for each in target.instances() if matches(each, ZONE_A)]


def test_a_partition_needs_somebody_on_the_other_side():
    target = SimulatedTarget(VirtualTime())
    with pytest.raises(TargetFailed, match="other side of the cut"):
        NetworkPartition(peers=ZONE_A).look(selected(target), target)


def test_a_partition_is_not_believed_if_nobody_reaches_the_instance():
    fault = NetworkPartition(peers=ZONE_B)
    well = {"i": Reading(ProcessState.RUNNING, 0, 1.0)}
    assert fault.took_effect(well, {"i": Reading(ProcessState.RUNNING, 3, 1.0)}) == {"i": True}
    assert fault.took_effect(well, {"i": Reading(ProcessState.RUNNING, 3, None)}) == {"i": False}
    assert fault.took_effect(well, {"i": Reading(ProcessState.RUNNING, 2, 1.0)}) == {"i": False}
