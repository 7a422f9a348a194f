"""Undo records made real by the network helper: nft and splice, for any target with namespaces.

A record is complete in itself: each instance's handle names its process (pid, started_ticks), its
link, and the process that holds the world's root namespace (world_pid, world_started_ticks).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chaosctl.drivers.network import dates
from chaosctl.drivers.network.helper import NetworkHelper, PlaceGone
from monkeys.errors import TargetFailed
from monkeys.target import Echoes, Instance, UndoRecord

_CUT_TIMEOUT_S = 10.0
_SPLICE_TIMEOUT_S = 15.0
_PROBE_SLACK_S = 5.0
_DRY_RUN_TIMEOUT_S = 10.0
_DATE_TIMEOUT_S = 1.0

Place = dict[str, Any]


def cut(helper: NetworkHelper, record: UndoRecord, prefixes: Sequence[str], now_ms: int) -> None:
    """Drop the prefixes' packets in each instance's namespace, until the record's deadline."""
    answer = helper.ask(
        "cut",
        timeout_s=_CUT_TIMEOUT_S,
        record=record.id,
        world=world_of(record),
        places=[place_of(each) for each in record.instances],
        prefixes=list(prefixes),
        direction=record.detail["direction"],
        for_ms=left_ms(record, now_ms),
    )
    for id_ in answer["gone"]:
        raise failed(record, f"instance {id_!r} is gone")
    for id_, why in answer["failed"].items():
        raise failed(record, f"cannot cut {id_!r}: {why}")


def uncut(helper: NetworkHelper, record: UndoRecord) -> None:
    """Delete the record's table wherever it is left; who is gone has taken it along."""
    try:
        answer = helper.ask(
            "uncut",
            timeout_s=_CUT_TIMEOUT_S,
            record=record.id,
            world=world_of(record),
            places=[place_of(each) for each in record.instances],
        )
    except PlaceGone:
        return
    for id_, why in answer["failed"].items():
        raise failed(record, f"cannot take back the cut of {id_!r}: {why}")


def impair(helper: NetworkHelper, record: UndoRecord, now_ms: int) -> None:
    """Take the instances' links through a splice, until the record's deadline."""
    orders = {
        "links": [each.handle["link"] for each in record.instances],
        "impairment": dict(record.detail),
        "for_ms": left_ms(record, now_ms),
    }
    helper.ask(
        "splice",
        timeout_s=_SPLICE_TIMEOUT_S,
        record=record.id,
        world=world_of(record),
        orders=orders,
    )


def mend(helper: NetworkHelper, record: UndoRecord) -> None:
    """End the splice and put its links back; a world that is gone has none."""
    try:
        helper.ask(
            "unsplice", timeout_s=_SPLICE_TIMEOUT_S, record=record.id, world=world_of(record)
        )
    except PlaceGone:
        return


def unlink(helper: NetworkHelper, record: UndoRecord) -> None:
    """Delete the instances' links: their peers hear nothing more, not even a refusal."""
    links = [each.handle["link"] for each in record.instances]
    helper.ask("unlink", timeout_s=_CUT_TIMEOUT_S, world=world_of(record), links=links)


def unlinked(helper: NetworkHelper, record: UndoRecord) -> list[Instance]:
    """Those whose links are no longer there; nobody in a world that is gone."""
    links = {each.handle["link"]: each for each in record.instances}
    try:
        answer = helper.ask(
            "missing", timeout_s=_CUT_TIMEOUT_S, world=world_of(record), links=list(links)
        )
    except PlaceGone:
        return []
    return [links[name] for name in answer["links"]]


def flush(helper: NetworkHelper, record: UndoRecord) -> None:
    """Have cache nodes forget their entries."""
    helper.ask(
        "flush",
        timeout_s=_CUT_TIMEOUT_S,
        world=world_of(record),
        addresses=[[each.address, each.handle["cache_port"]] for each in record.instances],
    )


def flush_counts(
    helper: NetworkHelper, instances: Sequence[Instance], *, world: Place
) -> Mapping[str, int]:
    """How often each cache node was flushed, by id."""
    answer = helper.ask(
        "flush_counts",
        timeout_s=_CUT_TIMEOUT_S,
        world=world,
        addresses=[[each.address, each.handle["cache_port"]] for each in instances],
    )
    return {each.id: n for each, n in zip(instances, answer["counts"], strict=True)}


def clocks(helper: NetworkHelper, instances: Sequence[Instance]) -> Mapping[str, float | None]:
    """By how many seconds the time that each tells is ahead of ours, by id; None if it tells none.

    Asked in their world, or on this machine's own network.
    """
    addresses = [(each.address, int(each.handle["port"])) for each in instances]
    handle = instances[0].handle
    if handle["link"]:
        told = helper.ask(
            "clocks",
            timeout_s=_CUT_TIMEOUT_S + _DATE_TIMEOUT_S * len(instances),
            world={"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]},
            addresses=addresses,
        )["ahead_s"]
    else:
        told = dates.ahead_s(addresses, _DATE_TIMEOUT_S)
    return {each.id: ahead for each, ahead in zip(instances, told, strict=True)}


def probe(
    helper: NetworkHelper,
    instances: Sequence[Instance],
    *,
    world: Place,
    origin: Instance | None,
    timeout_ms: int,
) -> Mapping[str, float | None]:
    """Round trips in ms by id, from the world's root or from the place of `origin`."""
    answer = helper.ask(
        "probe",
        timeout_s=timeout_ms / 1000 + _PROBE_SLACK_S,
        world=world,
        origin=world if origin is None else place_of(origin),
        addresses=[{"address": each.address, "port": each.handle["port"]} for each in instances],
        timeout_ms=timeout_ms,
    )
    return {each.id: ms for each, ms in zip(instances, answer["answers"], strict=True)}


def echo(
    helper: NetworkHelper,
    instances: Sequence[Instance],
    *,
    world: Place,
    count: int,
    size_bytes: int,
    timeout_ms: int,
) -> Mapping[str, Echoes]:
    """What comes back of a burst of echo requests from the world's root, by id."""
    answer = helper.ask(
        "echo",
        timeout_s=timeout_ms / 1000 + _PROBE_SLACK_S,
        world=world,
        addresses=[each.address for each in instances],
        count=count,
        size_bytes=size_bytes,
        timeout_ms=timeout_ms,
    )
    return {
        each.id: Echoes(**told) for each, told in zip(instances, answer["answers"], strict=True)
    }


def try_entry(helper: NetworkHelper, world: Place) -> None:
    """Enter the world's namespaces and do nothing. Raises EntryDenied, PlaceGone."""
    helper.ask("enter", timeout_s=_DRY_RUN_TIMEOUT_S, world=world)


def prefixes_of(
    peers: Sequence[Instance],
    everybody: Sequence[Instance],
    spared: Sequence[Instance],
    network_of: Callable[[Instance], str],
) -> list[str]:
    """Prefixes that hold every peer and nobody else.

    Where a whole network (a zone's) are peers it is cut as such: that also holds who will be
    started there later. Elsewhere it is single addresses.
    """
    wanted = {each.id for each in peers} - {each.id for each in spared}
    mixed = {network_of(each) for each in everybody if each.id not in wanted}
    prefixes = set()
    for peer in peers:
        if peer.id in wanted:
            network = network_of(peer)
            prefixes.add(f"{peer.address}/32" if network in mixed else network)
    return sorted(prefixes)


def left_ms(record: UndoRecord, now_ms: int) -> int:
    """How long the record has until its deadline. Raises TargetFailed when it has passed."""
    left = record.deadline_ms - now_ms
    if left <= 0:
        raise failed(record, "its deadline has passed before it was injected")
    return left


def world_of(record: UndoRecord) -> Place:
    """The process that holds the namespaces of the record's world."""
    handle = record.instances[0].handle
    return {"pid": handle["world_pid"], "ticks": handle["world_started_ticks"]}


def place_of(instance: Instance) -> Place:
    """The process whose namespaces are the instance's, with its id."""
    handle = instance.handle
    return {"id": instance.id, "pid": handle["pid"], "ticks": handle["started_ticks"]}


def failed(record: UndoRecord, what: str) -> TargetFailed:
    """What to raise when a record cannot be made real."""
    return TargetFailed(what, where=record.fault, fix="run it again; `chaosctl status` shows all")
