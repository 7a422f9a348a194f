"""Which instances are hit, and why each of the others is not. Pure.

Order of the rules: what matches every key of `where`; less what `exclude` matches (it always
wins); less what has opted out; then as many as asked for, drawn by the rng; less what the limits
spare. The draw is made over instances sorted by id, so that the same seed picks the same ones
whatever order they came in.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from monkeys.target import Instance

OPT_OUT_LABEL = "chaos"
"""The label an instance wears to be left alone: `chaos: "off"`."""

_OPTED_OUT = frozenset({"off", "false", "no", "0"})
_KEYS = ("group", "id", "region", "service", "zone")
_LABEL_PREFIX = "label."


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An instance that matched and is spared, and the reason."""

    instance: Instance
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Who is hit and who was spared; both ordered by zone, service and id."""

    chosen: tuple[Instance, ...]
    left_out: tuple[LeftOut, ...]


def select(
    instances: Sequence[Instance],
    *,
    rng: random.Random,
    where: Mapping[str, Collection[str]] | None = None,
    exclude: Mapping[str, Collection[str]] | None = None,
    count: int = 0,
    ratio: float = 0.0,
    take_all: bool = True,
    instances_max: int = 0,
    min_healthy: int = 0,
    already_hit: Collection[str] = (),
) -> Selection:
    """Choose among live instances.

    Of what is eligible: all; or `count`; or `ratio` of it, rounded down, at least one. One of them
    is count=1. instances_max: how many may be hit in a run, 0: any. min_healthy: how many of each
    service must stay unhurt. already_hit: ids that earlier steps of the run hurt; they count as
    hurt in both limits.
    Raises ValueError for an unknown key; the loader of documents has checked that before.
    """
    matching = sorted(
        (each for each in instances if matches(each, where or {})), key=lambda each: each.id
    )
    reasons = {each.id: _spared(each, exclude or {}) for each in matching}
    eligible = [each for each in matching if not reasons[each.id]]
    wanted = _wanted(len(eligible), count=count, ratio=ratio, take_all=take_all)
    hit: set[str] = set(already_hit)
    healthy = Counter(each.service for each in instances if each.id not in hit)
    chosen: list[Instance] = []
    for instance in rng.sample(eligible, len(eligible)):
        if len(chosen) == wanted:
            reasons[instance.id] = f"not drawn: {wanted} of {len(eligible)} asked for"
        elif instance.id not in hit:
            reasons[instance.id] = _limited(instance, len(hit), healthy, instances_max, min_healthy)
        if reasons[instance.id]:
            continue
        chosen.append(instance)
        if instance.id not in hit:
            hit.add(instance.id)
            healthy[instance.service] -= 1
    by_place = sorted(matching, key=_place)
    left_out = tuple(LeftOut(each, why) for each in by_place if (why := reasons[each.id]))
    return Selection(tuple(sorted(chosen, key=_place)), left_out)


def matches(instance: Instance, where: Mapping[str, Collection[str]]) -> bool:
    """Whether an instance has, for every key, one of its values. No keys: every instance."""
    return all(_value(instance, key) in values for key, values in where.items())


def is_opted_out(instance: Instance) -> bool:
    """Whether its owners asked that it never be touched."""
    return instance.labels.get(OPT_OUT_LABEL, "").strip().lower() in _OPTED_OUT


def is_where_key(key: str) -> bool:
    """Whether instances can be selected by this key."""
    return key in _KEYS or (key.startswith(_LABEL_PREFIX) and len(key) > len(_LABEL_PREFIX))


def where_keys() -> tuple[str, ...]:
    """The keys that instances can be selected by, as a person would be told."""
    return (*_KEYS, "label.<key>")


def _value(instance: Instance, key: str) -> str | None:
    if key.startswith(_LABEL_PREFIX):
        return instance.labels.get(key.removeprefix(_LABEL_PREFIX))
    if key not in _KEYS:
        raise ValueError(f"instances cannot be selected by {key!r}")
    return str(getattr(instance, key))


def _spared(instance: Instance, exclude: Mapping[str, Collection[str]]) -> str:
    """Why an instance that matched is not eligible; empty if it is. Any key excludes."""
    for key, values in exclude.items():
        if _value(instance, key) in values:
            return f"excluded by {key} {_value(instance, key)!r}"
    return f"opted out by label {OPT_OUT_LABEL!r}" if is_opted_out(instance) else ""


def _wanted(eligible: int, *, count: int, ratio: float, take_all: bool) -> int:
    if take_all:
        return eligible
    if count:
        return min(count, eligible)
    # The tiny addition keeps 0.29 × 100 from being rounded down to 28.
    return min(max(1, int(ratio * eligible + 1e-9)), eligible)


def _limited(
    instance: Instance,
    hit: int,
    healthy: Mapping[str, int],
    instances_max: int,
    min_healthy: int,
) -> str:
    if instances_max and hit >= instances_max:
        return f"limit of {instances_max} instances reached"
    if min_healthy and healthy[instance.service] <= min_healthy:
        return f"{instance.service!r} must keep {min_healthy} healthy"
    return ""


def _place(instance: Instance) -> tuple[str, str, str]:
    return (instance.zone, instance.service, instance.id)
