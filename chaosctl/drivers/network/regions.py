"""Undo records made real by the platform's own evacuation, and what a region answers itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chaosctl.control import Control
from chaosctl.drivers.network import loads
from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.errors import TargetFailed
from monkeys.target import Instance, Lack, UndoRecord

EDGE = "edge"


def lack(platform: Mapping[str, Any]) -> Lack | None:
    """Why no region can be left, if none can."""
    if len({each["region"] for each in platform["instances"]}) > 1:
        return None
    return Lack(
        "the platform has one region, and nobody could take over",
        "`chaosctl demo down`, then `chaosctl demo up --size normal`",
    )


def evacuate(control: Control, record: UndoRecord, now_ms: int) -> None:
    """Have the procedure begin; the platform takes it back itself at the deadline."""
    left_ms = record.deadline_ms - now_ms
    if left_ms <= 0:
        raise TargetFailed(
            "its deadline has passed before it was injected",
            where=record.fault,
            fix="run it again; `chaosctl status` shows all",
        )
    control.evacuate_for(record.detail["region"], token=record.id, for_s=left_ms / 1000)


def kept_per_second(
    helper: NetworkHelper, instances: Sequence[Instance], everybody: Sequence[Instance]
) -> Mapping[str, float | None]:
    """What the edges of each one's region do not pass on, in a second, by id."""
    edges = [each for each in everybody if each.service == EDGE]
    told = loads.kept_per_second(helper, edges) if edges else {}
    by_region: dict[str, float | None] = {}
    for region in {each.region for each in instances}:
        own = [told[each.id] for each in edges if each.region == region]
        known = [rate for rate in own if rate is not None]
        by_region[region] = sum(known) if known else None
    return {each.id: by_region[each.region] for each in instances}
