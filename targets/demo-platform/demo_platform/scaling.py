"""The scaling groups' book-keeping: who may be replaced, and how soon. No clock, no I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

REPLACE_AFTER_S = 0.75
"""How long a scaling group takes to notice a dead instance and start another."""

CRASH_WITHIN_S = 10.0
"""A process that ends by itself sooner than this after its start is crashing."""

CRASH_DELAY_S_MAX = 30.0

_SIGTERM, _SIGKILL = 15, 9

Place = tuple[str, str]
"""(group, zone)."""


class Suspensions:
    """Where nothing is replaced for now, by the token of whoever asked; tokens may overlap."""

    def __init__(self) -> None:
        self._places: dict[str, frozenset[Place]] = {}

    def suspend(self, token: str, places: Iterable[Place]) -> None:
        """Suspend replacement at these places under a token; what it suspended before is let go."""
        self._places[token] = frozenset(places)

    def release(self, token: str) -> None:
        """Take a token's suspensions back; an unknown token has none."""
        self._places.pop(token, None)

    def covers(self, place: Place) -> bool:
        """Whether any token holds this place."""
        return any(place in places for places in self._places.values())

    def as_dict(self) -> dict[str, list[dict[str, str]]]:
        """Every token with its places, sorted."""
        return {
            token: [{"group": group, "zone": zone} for group, zone in sorted(places)]
            for token, places in sorted(self._places.items())
        }


@dataclass(frozen=True, slots=True)
class Death:
    """How an instance ended. lived_s: since its start; signal 0 when it ended by itself."""

    code: int
    signal: int
    lived_s: float

    @property
    def is_crash(self) -> bool:
        """Whether the program is to blame: it ended by itself, soon. A kill blames nobody."""
        return self.signal not in {_SIGKILL, _SIGTERM} and self.lived_s < CRASH_WITHIN_S

    def __str__(self) -> str:
        how = f"killed by signal {self.signal}" if self.signal else f"exited with code {self.code}"
        return f"{how} after {self.lived_s:.1f} s"


class CrashLoops:
    """Counts crashes in a row by slot, so that a broken service is backed off and reported."""

    def __init__(self) -> None:
        self._crashes: dict[str, int] = {}
        self._last: dict[str, Death] = {}

    def delay_s_after(self, slot_key: str, death: Death) -> float:
        """How long to wait before the next start in a slot; doubled at each crash in a row."""
        if not death.is_crash:
            self._crashes.pop(slot_key, None)
            self._last.pop(slot_key, None)
            return REPLACE_AFTER_S
        crashes = self._crashes.get(slot_key, 0) + 1
        self._crashes[slot_key] = crashes
        self._last[slot_key] = death
        return float(min(REPLACE_AFTER_S * 2.0 ** min(crashes, 16), CRASH_DELAY_S_MAX))

    def forget(self, slot_key: str) -> None:
        """The instance in the slot works."""
        self._crashes.pop(slot_key, None)
        self._last.pop(slot_key, None)

    def problems(self) -> Mapping[str, str]:
        """What is wrong, by slot, of those that crashed at least twice in a row."""
        return {
            slot_key: f"crashed {crashes} times in a row, last {self._last[slot_key]}"
            for slot_key, crashes in sorted(self._crashes.items())
            if crashes > 1
        }
