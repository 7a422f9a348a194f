"""Random times for kill -9, from a seed: in every phase, however short it is."""

from __future__ import annotations

import random
from dataclasses import dataclass

from tests.matrix.cells import MECHANISMS, OTHER_FAULTS, PHASES, TWO_REGIONS

LASTS_S = {
    "validate": 0.5,
    "plan": 0.8,
    "baseline": 2.5,
    "record": 0.05,
    "inject": 0.3,
    "confirm": 0.8,
    "watch": 3.0,
    "remove": 0.3,
    "recover": 3.0,
    "report": 0.1,
}
"""About how long each phase of the harness's run takes; a time past its end hits the next one."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill: so many seconds after the phase began."""

    seed: int
    number: int
    phase: str
    after_s: float
    fault: str

    @property
    def name(self) -> str:
        """As it is called in results."""
        return f"soak {self.seed}/{self.number}/{self.phase}/{self.after_s}/{self.fault}"


def kills(count: int, seed: int) -> list[Kill]:
    """The first so many of a seed."""
    rng = random.Random(seed)
    faults = [one for one in (*MECHANISMS, *OTHER_FAULTS) if one not in TWO_REGIONS]
    found = []
    for number in range(count):
        phase = rng.choice(list(PHASES))
        after_s = round(rng.uniform(0, LASTS_S[phase]), 4)
        found.append(Kill(seed, number, phase, after_s, rng.choice(faults)))
    return found


def kill_named(name: str) -> Kill:
    """The kill of a name."""
    seed, number, phase, after_s, fault = name.removeprefix("soak ").split("/")
    return Kill(int(seed), int(number), phase, float(after_s), fault)
