"""Service to instances, as a process last heard from discovery."""

from __future__ import annotations

from collections.abc import Iterable

from demo_platform.balancer import Peer
from demo_platform.eureka.listing import Registered


class Directory:
    """Whom a process may call."""

    def __init__(self) -> None:
        self._peers: dict[str, tuple[Peer, ...]] = {}

    def peers(self, service: str) -> tuple[Peer, ...]:
        """The region's instances of a service."""
        return self._peers.get(service, ())

    def ids(self) -> frozenset[str]:
        """Every instance known."""
        return frozenset(peer.id for peers in self._peers.values() for peer in peers)

    def forget(self) -> None:
        """Know nobody any more."""
        self._peers = {}

    def learn(self, instances: Iterable[Registered]) -> None:
        """Replace the copy, but keep the last instances of a service that has none left.

        A server that has just come back may know nobody yet, and a list without a single playback
        is more likely wrong than true.
        """
        known = {peer.id: peer for peers in self._peers.values() for peer in peers}
        found: dict[str, list[Peer]] = {}
        for instance in instances:
            if instance.status == "UP":
                peer = known.get(instance.id) or Peer(instance)
                found.setdefault(instance.service, []).append(peer)
        self._peers |= {service: tuple(peers) for service, peers in found.items()}
