"""Undo records about names made real by the network helper, and names looked up by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chaosctl.drivers.network.helper import NetworkHelper, PlaceGone
from chaosctl.drivers.network.mechanisms import failed, left_ms, place_of, world_of
from monkeys.target import Answer, Instance, Resolution, UndoRecord

_TIMEOUT_S = 15.0
_LOOK_UP_S = 4.0
"""A little longer than the C library needs for three servers that are silent."""


def break_names(helper: NetworkHelper, record: UndoRecord, now_ms: int) -> None:
    """Come between the instances and their name servers, until the record's deadline."""
    for_ms = left_ms(record, now_ms)
    world = world_of(record)
    places = [{**place_of(each), "address": each.address} for each in record.instances]
    fields: dict[str, Any] = {"record": record.id, "world": world, "places": places}
    if record.detail["answer"] != "none":
        orders = {**record.detail, "places": places, "for_ms": for_ms}
        helper.ask("answer", timeout_s=_TIMEOUT_S, orders=orders, **fields)
        return
    told = helper.ask("silence", timeout_s=_TIMEOUT_S, for_ms=for_ms, **fields)
    for id_ in told["gone"]:
        raise failed(record, f"instance {id_!r} is gone")
    for id_, why in told["failed"].items():
        raise failed(record, f"cannot silence the name servers of {id_!r}: {why}")


def mend_names(helper: NetworkHelper, record: UndoRecord) -> None:
    """End the record's answerer, and delete its table wherever it is left."""
    try:
        told = helper.ask(
            "unanswer",
            timeout_s=_TIMEOUT_S,
            record=record.id,
            world=world_of(record),
            places=[place_of(each) for each in record.instances],
        )
    except PlaceGone:
        return
    for id_, why in told["failed"].items():
        raise failed(record, f"cannot take back the answers of {id_!r}: {why}")


def resolve(helper: NetworkHelper, instances: Sequence[Instance]) -> Mapping[str, Resolution]:
    """What comes of looking up the name that each instance's handle has, by id."""
    handle = instances[0].handle
    told = helper.ask(
        "resolve",
        timeout_s=_TIMEOUT_S,
        world={"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]},
        within_s=_LOOK_UP_S,
        wanted=[
            {
                **place_of(each),
                "name": each.handle["known_name"],
                "server": each.address if each.handle["dns_port"] else "",
            }
            for each in instances
        ],
    )["resolutions"]
    return {
        each.id: Resolution(Answer(said["answer"]), said["took_ms"])
        for each, said in zip(instances, told, strict=True)
    }
