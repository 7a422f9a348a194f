"""What a node knows of the others: gossiped states, and who is up. Pure.

A state belongs to a place; the process that fills it has a *generation*, later than that of the one
before, and raises its *version* once a period. Of two states the one that is further on is right,
so everybody ends up with the same, whoever told whom.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from demo_platform.widecolumn.detector import Arrivals
from demo_platform.widecolumn.ring import Place, Ring

JOINING, NORMAL = "joining", "normal"


class State(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What a node says of itself, and others pass on. generation: when it started, in µs."""

    name: str
    region: str
    zone: str
    address: str
    port: int
    generation: int
    version: int
    status: str

    @property
    def age(self) -> tuple[int, int]:
        """How far on it is."""
        return self.generation, self.version


class Membership:
    """Everybody whom a node has heard of.

    places: where nodes belong, whether they have been heard of or not: two of three that are not
    there are two too few.
    """

    def __init__(self, own: State, places: Iterable[Place] = ()) -> None:
        self.own = own
        self._states: dict[str, State] = {own.name: own}
        self._arrivals: dict[str, Arrivals] = {}
        self.ring = Ring({_place(own), *places})

    def states(self) -> list[State]:
        """All that is known, to be told to others."""
        return list(self._states.values())

    def state(self, name: str) -> State | None:
        """What is known of one place."""
        return self._states.get(name)

    def others(self) -> list[State]:
        """Everybody but this node."""
        return [state for name, state in self._states.items() if name != self.own.name]

    def beat(self, status: str | None = None) -> None:
        """Say that this node lives on, and in which status."""
        self._own(self.own.generation, self.own.version + 1, status or self.own.status)

    def learn(self, states: Iterable[State], now: float) -> None:
        """Take what another node knows for what is further on."""
        for state in states:
            known = self._states.get(state.name)
            if state.name == self.own.name:
                if state.age > self.own.age:
                    # Our own place, from a process whose clock was ahead: be later than that.
                    self._own(state.generation + 1, 0, self.own.status)
                continue
            if known is not None and state.age <= known.age:
                continue
            self._states[state.name] = state
            if known is None or known.generation != state.generation:
                self._arrivals[state.name] = Arrivals(now)
            else:
                self._arrivals[state.name].heard(now)
            if state.name not in self.ring.places:
                self.ring = Ring({_place(state), *self.ring.places.values()})

    def is_up(self, name: str, now: float) -> bool:
        """Whether a node is believed to be there."""
        if name == self.own.name:
            return True
        arrivals = self._arrivals.get(name)
        return arrivals is not None and not arrivals.is_suspected(now)

    def serves_reads(self, name: str, now: float) -> bool:
        """Whether a node is there and has its data."""
        return self.is_up(name, now) and self._states[name].status == NORMAL

    def phi(self, name: str, now: float) -> float:
        """How unlikely a node's silence is."""
        return self._arrivals[name].phi(now) if name in self._arrivals else 0.0

    def forgive(self, now: float) -> None:
        """Nobody could be heard: this process stood still."""
        for arrivals in self._arrivals.values():
            arrivals.forgive(now)

    def _own(self, generation: int, version: int, status: str) -> None:
        fields = {"generation": generation, "version": version, "status": status}
        self.own = msgspec.structs.replace(self.own, **fields)
        self._states[self.own.name] = self.own


def _place(state: State) -> Place:
    return Place(state.name, state.region, state.zone)
