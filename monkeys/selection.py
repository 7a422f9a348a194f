"""Which instances are hit, and why each of the others is not. Pure.

Order of the rules: what matches every key of `where`; less what `exclude` matches (it always
wins); less what has opted out or is not available; then as many as asked for, drawn by the rng;
less what the limits spare. The draw is made over instances sorted by id, so that the same seed
picks the same ones whatever order they came in.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

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


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How much may be hit; 0: any number.

    instances_max: in all; per_zone_max: in each zone; min_healthy: what each service must keep.
    """

    instances_max: int = 0
    per_zone_max: int = 0
    min_healthy: int = 0


NO_CEILING = Ceiling()
NOBODY: Mapping[str, str] = MappingProxyType({})


def select(
    instances: Sequence[Instance],
    *,
    rng: random.Random,
    where: Mapping[str, Collection[str]] | None = None,
    exclude: Mapping[str, Collection[str]] | None = None,
    count: int = 0,
    ratio: float = 0.0,
    per_zone: int = 0,
    take_all: bool = True,
    limits: Ceiling = NO_CEILING,
    own_limits: Ceiling = NO_CEILING,
    already_hit: Collection[str] = (),
    unavailable: Mapping[str, str] = NOBODY,
) -> Selection:
    """Choose among live instances.

    Of what is eligible: all; or `count`; or `ratio` of it, rounded down, at least one; or
    `per_zone` in each zone. One of them is count=1. limits: of the whole run, in which those that
    earlier steps hurt (`already_hit`, ids) count as well; own_limits: of this choice alone, but
    what must stay healthy stays so whoever hurt the others. unavailable: id to the reason.
    Raises ValueError for an unknown key; the loader of documents has checked that before.
    """
    matching = sorted(
        (each for each in instances if matches(each, where or {})), key=lambda each: each.id
    )
    reasons = {
        each.id: _spared(each, exclude or {}) or unavailable.get(each.id, "") for each in matching
    }
    eligible = [each for each in matching if not reasons[each.id]]
    wanted = _wanted(len(eligible), count=count, ratio=ratio, take_all=take_all or per_zone > 0)
    run = _Tally(limits, instances, already_hit)
    own = _Tally(replace(own_limits, min_healthy=0), instances, ())
    run.keep_healthy(own_limits.min_healthy)
    chosen: list[Instance] = []
    for instance in rng.sample(eligible, len(eligible)):
        if len(chosen) == wanted:
            reasons[instance.id] = f"not drawn: {wanted} of {len(eligible)} asked for"
        elif per_zone and own.in_zone[instance.zone] == per_zone:
            reasons[instance.id] = f"not drawn: {per_zone} per zone asked for"
        else:
            reasons[instance.id] = run.refusal(instance) or own.refusal(instance)
        if reasons[instance.id]:
            continue
        chosen.append(instance)
        run.add(instance)
        own.add(instance)
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


class _Tally:
    """Who is hit so far, held against one set of limits."""

    def __init__(
        self, limits: Ceiling, instances: Sequence[Instance], already_hit: Collection[str]
    ) -> None:
        self.limits = limits
        self.hit = set(already_hit)
        self.healthy = Counter(each.service for each in instances if each.id not in self.hit)
        self.in_zone = Counter(each.zone for each in instances if each.id in self.hit)

    def keep_healthy(self, least: int) -> None:
        """Raise what must stay healthy."""
        self.limits = replace(self.limits, min_healthy=max(least, self.limits.min_healthy))

    def refusal(self, instance: Instance) -> str:
        """Why this one may not be hit as well; empty if it may, or is hit already."""
        limits = self.limits
        if instance.id in self.hit:
            return ""
        if limits.instances_max and len(self.hit) >= limits.instances_max:
            return f"limit of {limits.instances_max} instances reached"
        if limits.per_zone_max and self.in_zone[instance.zone] >= limits.per_zone_max:
            return f"limit of {limits.per_zone_max} in zone {instance.zone!r} reached"
        if limits.min_healthy and self.healthy[instance.service] <= limits.min_healthy:
            return f"{instance.service!r} must keep {limits.min_healthy} healthy"
        return ""

    def add(self, instance: Instance) -> None:
        """Count it as hit."""
        if instance.id not in self.hit:
            self.hit.add(instance.id)
            self.healthy[instance.service] -= 1
            self.in_zone[instance.zone] += 1


def _place(instance: Instance) -> tuple[str, str, str]:
    return (instance.zone, instance.service, instance.id)
