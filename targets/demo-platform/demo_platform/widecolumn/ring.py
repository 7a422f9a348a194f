"""Which nodes keep a partition: a consistent hash ring for each region, a replica a zone. Pure.

A node stands for its place, not for the process that fills it: a node that is replaced keeps its
part of the ring, and only its data has to come from the others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from xxhash import xxh3_64_intdigest

VNODES = 8
REPLICAS = 3
"""In each region."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place for a node, and where it is. name: as gossip knows it, `zone-index`."""

    name: str
    region: str
    zone: str


class Ring:
    """The places there are; made anew when they change."""

    def __init__(self, places: Iterable[Place], *, replicas: int = REPLICAS) -> None:
        self.places = {place.name: place for place in sorted(places, key=lambda one: one.name)}
        self._replicas = replicas
        self._regions: dict[str, list[tuple[int, Place]]] = {}
        for place in self.places.values():
            tokens = self._regions.setdefault(place.region, [])
            tokens += [(token_of(f"{place.name}/{n}".encode()), place) for n in range(VNODES)]
        self._tokens: dict[str, list[int]] = {}
        for region, tokens in self._regions.items():
            tokens.sort(key=lambda one: (one[0], one[1].name))
            self._tokens[region] = [token for token, _ in tokens]
        self._known: dict[int, tuple[Place, ...]] = {}

    def replicas(self, partition: bytes) -> tuple[Place, ...]:
        """The places that keep a partition, region by region, each in another zone if it can be."""
        at = self._segment(token_of(partition))
        if at not in self._known:
            self._known[at] = tuple(
                place for region in self._regions for place in self._of_region(region, at)
            )
        return self._known[at]

    def _segment(self, token: int) -> int:
        """The token's next one on any region's ring: between two, the replicas are the same."""
        nexts = []
        for tokens in self._tokens.values():
            at = bisect_right(tokens, token)
            nexts.append(tokens[at] if at < len(tokens) else 2**64 + tokens[0])
        return min(nexts, default=0) - 1

    def _of_region(self, region: str, token: int) -> list[Place]:
        """Walk the ring from the token: first one place a zone, then whoever else is there."""
        tokens = self._regions[region]
        start = bisect_right(self._tokens[region], token % 2**64)
        chosen: list[Place] = []
        others: list[Place] = []
        for step in range(len(tokens)):
            place = tokens[(start + step) % len(tokens)][1]
            if place in chosen or place in others:
                continue
            is_new_zone = all(place.zone != one.zone for one in chosen)
            (chosen if is_new_zone and len(chosen) < self._replicas else others).append(place)
        return (chosen + others)[: self._replicas]


def token_of(key: bytes) -> int:
    """Where a key is on the ring: 0 to 2**64 - 1."""
    return xxh3_64_intdigest(key)
