"""Which nodes there are: a ring for each zone, kept as discovery says.

A zone that was known once stays known while it has no node: what it misses meanwhile must be made
good when it is back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from demo_platform.evcache.connection import ConnectionRule, NodeConnection
from demo_platform.evcache.ketama import Ring


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where a node of a zone takes operations."""

    zone: str
    address: str
    port: int

    @property
    def name(self) -> str:
        """As the ring knows it."""
        return f"{self.address}:{self.port}"


NO_RING = Ring(())


class Replicas:
    """The nodes of one cache, by zone; `find` is asked before each operation, and must be cheap."""

    def __init__(
        self,
        find: Callable[[], Sequence[NodeAddress]],
        *,
        own_zone: str,
        rule: ConnectionRule,
        rng: random.Random,
    ) -> None:
        self.own_zone = own_zone
        self._find = find
        self._rule = rule
        self._rng = rng
        self._known: Sequence[NodeAddress] = ()
        self._rings: dict[str, Ring] = {}
        self._connections: dict[str, NodeConnection] = {}

    def zones(self) -> tuple[str, ...]:
        """Every zone that has had a node."""
        self._look()
        return tuple(self._rings)

    def node(self, zone: str, name: bytes) -> NodeConnection | None:
        """The node of a zone that an entry belongs to; None while the zone has none."""
        self._look()
        owner = self._rings.get(zone, NO_RING).name_for(name)
        return None if owner is None else self._connections[owner]

    def other_zones(self) -> list[str]:
        """The zones with nodes that are not the own one, in any order."""
        self._look()
        others = [
            zone for zone, ring in self._rings.items() if ring.names and zone != self.own_zone
        ]
        self._rng.shuffle(others)
        return others

    def close(self) -> None:
        """Hang up on every node."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()
        self._rings = dict.fromkeys(self._rings, NO_RING)

    def _look(self) -> None:
        found = self._find()
        if found is self._known:
            return
        is_same, self._known = found == self._known, found
        if is_same:
            return
        by_zone: dict[str, list[str]] = {zone: [] for zone in self._rings}
        wanted = {node.name: node for node in found}
        for name, node in wanted.items():
            by_zone.setdefault(node.zone, []).append(name)
            if name not in self._connections:
                self._connections[name] = NodeConnection(node.address, node.port, self._rule)
        for name in set(self._connections) - set(wanted):
            self._connections.pop(name).close()
        self._rings = {zone: Ring(sorted(names)) for zone, names in by_zone.items()}
