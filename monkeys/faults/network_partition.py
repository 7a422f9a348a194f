"""network-partition: two sides that no longer hear each other, while the rest hears both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from monkeys.errors import TargetFailed
from monkeys.looking import (
    is_gone,
    is_reachable,
    is_unreachable,
    look_at_reach,
    look_at_state,
)
from monkeys.selection import matches
from monkeys.target import (
    Capability,
    Fault,
    Instance,
    ProcessState,
    Reading,
    RecordIds,
    Target,
    UndoRecord,
)


@dataclass(frozen=True, slots=True)
class NetworkPartition(Fault):
    """Drop packets between each instance and its peers.

    Peers are named by zone, region, service…; the driver cuts whole prefixes where it can, so that
    a peer that is replaced meanwhile is cut off too.
    """

    name: ClassVar[str] = "network-partition"
    summary: ClassVar[str] = "cut the selected instances off from some peers"

    peers: Mapping[str, tuple[str, ...]] = field(
        metadata={
            "summary": "the other side of the cut, like {zone: us-east-1b}",
            "user_name": "from",
        },
    )
    direction: str = field(
        default="both",
        metadata={
            "summary": "drop what comes in from the peers, what goes out to them, or both",
            "choices": ("both", "in", "out"),
        },
    )

    @property
    def needs(self) -> frozenset[Capability]:
        """Dropping by prefix, and probes from the other side."""
        return frozenset({Capability.CUT, Capability.PROBE})

    def prepare(
        self, instances: Sequence[Instance], driver: str, ids: RecordIds, deadline_ms: int
    ) -> tuple[UndoRecord, ...]:
        """One record; the driver finds the peers' prefixes when it injects."""
        where = {key: list(values) for key, values in self.peers.items()}
        detail = {"peers": where, "direction": self.direction}
        return (UndoRecord(ids(), self.name, driver, "nft", tuple(instances), deadline_ms, detail),)

    def look(self, instances: Sequence[Instance], target: Target) -> Mapping[str, Reading]:
        """Reach from one peer, and from outside.

        `missed` counts the peer's probes; `round_trip_ms` is that of the world outside, which is
        on neither side. A cut of one direction is seen as well: an answer needs both.
        Raises TargetFailed if there is no peer to look from.
        """
        outside = look_at_reach(instances, target)
        peer = self._living_peer(instances, target)
        by_peer = look_at_reach(instances, target, origin=peer)
        return {
            id_: Reading(
                state=reading.state,
                missed=by_peer[id_].missed,
                round_trip_ms=reading.round_trip_ms,
            )
            for id_, reading in outside.items()
        }

    def took_effect(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """Both reached it before; now the outside does and the peer does not."""
        return {
            id_: is_reachable(reading)
            and is_unreachable(now.get(id_))
            and now[id_].round_trip_ms is not None
            for id_, reading in before.items()
        }

    def was_removed(
        self, before: Mapping[str, Reading], now: Mapping[str, Reading]
    ) -> Mapping[str, bool]:
        """The peer reaches it again; or it is gone."""
        return {
            id_: is_gone(now.get(id_)) or (id_ in now and now[id_].missed == 0) for id_ in before
        }

    def _living_peer(self, instances: Sequence[Instance], target: Target) -> Instance:
        cut = {each.id for each in instances}
        peers = [
            each for each in target.instances() if each.id not in cut and matches(each, self.peers)
        ]
        states = look_at_state(peers, target)
        for peer in peers:
            if states[peer.id].state is ProcessState.RUNNING:
                return peer
        raise TargetFailed(
            "no instance is left on the other side of the cut",
            where=self.name,
            fix="let 'from' name instances that are up and not selected themselves",
        )
