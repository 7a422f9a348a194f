"""Which instance of a service to call. Pure but for the random generator it is handed.

Own zone first: a hop inside a zone is quicker, and a zone that depends on no other fails alone.
Among the candidates two are drawn and the one with fewer calls under way is taken: nearly as good
as knowing the least loaded, without everybody running to the same one. A zone without an available
instance spills over to the others; when everybody is ejected anybody is better than nobody.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from demo_platform.registry import Registered
from demo_platform.resilience.outlier_ejection import OutlierEjection


class Peer:
    """An instance that may be called, and how many calls to it are under way."""

    __slots__ = ("base", "id", "in_flight", "zone")

    def __init__(self, instance: Registered) -> None:
        self.id = instance.id
        self.zone = instance.zone
        self.in_flight = 0
        self.base = f"http://{instance.address}:{instance.port}/"


def choose(
    peers: Sequence[Peer],
    *,
    own_zone: str,
    tried: Sequence[Peer],
    avoid_zones: frozenset[str],
    ejection: OutlierEjection,
    now: float,
    rng: random.Random,
) -> Peer | None:
    """The instance for the next try, or None when there is none at all.

    tried: instances that this call has tried already; they come last of those available.
    avoid_zones: zones where a try went unanswered; they come after all others.
    """
    available = [peer for peer in peers if ejection.is_available(peer.id, now)]
    left = [peer for peer in available if peer not in tried]
    pool = [peer for peer in left if peer.zone not in avoid_zones] or left
    if not tried:
        pool = [peer for peer in pool if peer.zone == own_zone] or pool
    return _less_loaded(pool or available or peers, rng)


def _less_loaded(pool: Sequence[Peer], rng: random.Random) -> Peer | None:
    if len(pool) < 2:
        return pool[0] if pool else None
    first = int(rng.random() * len(pool))
    second = int(rng.random() * (len(pool) - 1))
    one, other = pool[first], pool[second if second < first else second + 1]
    return one if one.in_flight <= other.in_flight else other
