"""Telling an instance's cache node, in its world or on this machine's own network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaosctl.drivers.network import caching, mechanisms
from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord

_TIMEOUT_S = 1.0


def flush(helper: NetworkHelper, record: UndoRecord) -> None:
    """Have each forget its entries. Raises TargetFailed."""
    _refuse_others(record.instances)
    if record.instances[0].handle["link"]:
        mechanisms.flush(helper, record)
        return
    try:
        caching.flush(_addresses(record.instances), _TIMEOUT_S)
    except caching.NoCache as error:
        raise _failed(error) from error


def flush_counts(helper: NetworkHelper, instances: Sequence[Instance]) -> Mapping[str, int]:
    """How often each was flushed, by id. Raises TargetFailed."""
    _refuse_others(instances)
    handle = instances[0].handle
    if handle["link"]:
        world = {"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]}
        return mechanisms.flush_counts(helper, instances, world=world)
    try:
        counts = caching.flush_counts(_addresses(instances), _TIMEOUT_S)
    except caching.NoCache as error:
        raise _failed(error) from error
    return {each.id: count for each, count in zip(instances, counts, strict=True)}


def _refuse_others(instances: Sequence[Instance]) -> None:
    for each in instances:
        if not each.handle["cache_port"]:
            raise TargetFailed(
                f"instance {each.id!r} of {each.service!r} is no cache node",
                where="cache",
                fix="select cache nodes, as in {service: evcache, zone: us-east-1a}",
            )


def _addresses(instances: Sequence[Instance]) -> list[tuple[str, int]]:
    return [(each.address, int(each.handle["cache_port"])) for each in instances]


def _failed(error: caching.NoCache) -> TargetFailed:
    return TargetFailed(str(error), where="cache", fix="is it up? `chaosctl demo status` says")
