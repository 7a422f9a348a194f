"""Undo records made real by a press: in the instances' world, or on this machine's own network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chaosctl.drivers.network import presses
from chaosctl.drivers.network.helper import NetworkHelper
from monkeys.errors import TargetFailed
from monkeys.target import Instance, UndoRecord

_START_TIMEOUT_S = 15.0
_LOOK_TIMEOUT_S = 10.0
_PAGE_TIMEOUT_S = 1.0


def press(helper: NetworkHelper, record: UndoRecord, now_ms: int) -> None:
    """Begin to ask; it has begun once this returns. Raises TargetFailed."""
    left_ms = record.deadline_ms - now_ms
    if left_ms <= 0:
        raise _failed(record, "its deadline has passed before it was injected")
    orders = {
        "calls": [_call(each) for each in record.instances],
        "per_second": record.detail["per_second"],
        "for_ms": left_ms,
    }
    handle, world = record.instances[0].handle, _world_of(record.instances[0])
    if handle["link"]:
        helper.ask(
            "press", timeout_s=_START_TIMEOUT_S, record=record.id, world=world, orders=orders
        )
        return
    try:
        presses.start(
            record.id, {**orders, "world_pid": world["pid"], "world_ticks": world["ticks"]}
        )
    except presses.PressFailed as error:
        raise _failed(record, str(error)) from error


def unpress(record: UndoRecord) -> None:
    """Have the asking end."""
    presses.stop(record.id)


def asked_per_second(
    helper: NetworkHelper, instances: Sequence[Instance]
) -> Mapping[str, float | None]:
    """How many requests each gets in a second, by id; None if it does not say."""
    return _per_second(helper, instances, presses.ASKED)


def kept_per_second(helper: NetworkHelper, edges: Sequence[Instance]) -> Mapping[str, float | None]:
    """How many requests each edge gets and does not pass on to another region's, as above."""
    return _per_second(helper, edges, presses.KEPT)


def _per_second(
    helper: NetworkHelper, instances: Sequence[Instance], counts: Mapping[str, int]
) -> Mapping[str, float | None]:
    addresses = [(each.address, int(each.handle["port"])) for each in instances]
    if instances[0].handle["link"]:
        told = helper.ask(
            "asked",
            timeout_s=_LOOK_TIMEOUT_S + 2 * _PAGE_TIMEOUT_S * len(instances),
            world=_world_of(instances[0]),
            addresses=addresses,
            counts=counts,
        )["per_second"]
    else:
        told = presses.per_second(addresses, counts, _PAGE_TIMEOUT_S)
    return {each.id: rate for each, rate in zip(instances, told, strict=True)}


def _call(instance: Instance) -> tuple[str, int, str]:
    """Where it is asked, and for what."""
    route = str(instance.handle.get("route", ""))
    if not route:
        raise TargetFailed(
            f"nobody knows what {instance.service!r} could be asked for",
            where=instance.id,
            fix="select a service of the graph, as in {service: recs}",
        )
    return instance.address, int(instance.handle["port"]), route


def _world_of(instance: Instance) -> dict[str, Any]:
    return {
        "pid": instance.handle["world_pid"],
        "ticks": instance.handle["world_started_ticks"],
    }


def _failed(record: UndoRecord, what: str) -> TargetFailed:
    return TargetFailed(what, where=record.fault, fix="run it again; `chaosctl status` shows all")
