"""Settings that every running process of the platform sees change at once.

They live in one anonymous page of memory that is shared by fork: it is made before the zygote is
forked, so a switch turned in the supervisor is read by sixty instances at their next request, with
no message sent, nothing on disk and nothing left behind.
"""

import mmap
import time
from collections.abc import Sequence

from demo_platform.dials import DIALS, check_dial
from demo_platform.shared_properties import SharedProperties

NAMES = (
    "no-fallback",
    "no-headroom",
    "long-timeouts",
    "retry-storm",
    "no-ttl-jitter",
    "no-single-flight",
    "no-stale-reads",
    "no-other-zone-reads",
    "no-spill-over",
    "eager-scaling",
    "scale-in-during-errors",
    "storming-devices",
    "no-load-shedding",
    "no-store-limit",
    "small-store",
    "no-bulkhead",
    "no-ejection",
    "no-next-server",
    "fallback-calls-service",
    "fallback-calls-catalog",
    "registry-required",
    "shift-before-scaling",
    "no-leeway",
)

_DOUBLE_BYTES = 8
_FROM_SLOT, _TO_SLOT, _BEGINS_SLOT, _ENDS_SLOT, _DIALS_SLOT = range(5)
_DIAL_SLOTS = {name: _DIALS_SLOT + n for n, name in enumerate(DIALS)}
_SLOTS = _DIALS_SLOT + len(DIALS)
_SWITCHES_OFFSET_BYTES = _SLOTS * _DOUBLE_BYTES


class Knobs:
    """The fragility switches, the traffic's rate and dials, and the properties of commands.

    Shared by every process forked after it was made.
    """

    NAMES = NAMES

    __slots__ = ("_doubles", "_page", "properties")

    def __init__(self, *, starts_per_second: float = 0.0) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        # An aligned double is stored by one instruction, so a reader never sees half of one. A
        # ramp is four: who reads while it is written may be wrong once, and asks again soon.
        self._doubles = memoryview(self._page)[:_SWITCHES_OFFSET_BYTES].cast("d")
        for name, dial in DIALS.items():
            self._doubles[_DIAL_SLOTS[name]] = dial.usual
        self.starts_per_second = starts_per_second
        self.properties = SharedProperties()

    @property
    def starts_per_second(self) -> float:
        """Stream starts offered per second by all viewers together, now."""
        return self.offered_at(time.monotonic())

    @starts_per_second.setter
    def starts_per_second(self, rate: float) -> None:
        _check_rate(rate)
        self._doubles[_ENDS_SLOT] = self._doubles[_BEGINS_SLOT] = 0.0
        self._doubles[_TO_SLOT] = rate

    def ramp(self, rate: float, *, over_s: float) -> None:
        """Let the rate go evenly from what it is now to another one."""
        _check_rate(rate)
        if not 0.0 < over_s < float("inf"):
            raise ValueError(f"a ramp takes more than 0 s: {over_s}")
        now_s = time.monotonic()
        self._doubles[_FROM_SLOT] = self.offered_at(now_s)
        self._doubles[_BEGINS_SLOT] = now_s
        self._doubles[_ENDS_SLOT] = now_s + over_s
        self._doubles[_TO_SLOT] = rate

    def offered_at(self, now_s: float) -> float:
        """The rate at an instant of the machine's monotonic clock, on a ramp or after it."""
        before, after = self._doubles[_FROM_SLOT], self._doubles[_TO_SLOT]
        begins_s, ends_s = self._doubles[_BEGINS_SLOT], self._doubles[_ENDS_SLOT]
        if now_s >= ends_s:
            return after
        return before + (after - before) * max(0.0, now_s - begins_s) / (ends_s - begins_s)

    def dial(self, name: str) -> float:
        """Where the named dial stands; an unknown name is a KeyError."""
        return self._doubles[_DIAL_SLOTS[name]]

    def turn(self, name: str, value: float) -> None:
        """Set the named dial; ValueError where it cannot stand so."""
        check_dial(name, value)
        self._doubles[_DIAL_SLOTS[name]] = value

    def dials(self) -> dict[str, float]:
        """Every dial by name."""
        return {name: self.dial(name) for name in DIALS}

    def region_share(self, region: str, regions: Sequence[str]) -> float:
        """Share of all members that a region is sent, 0…1, by the weights of those there are."""
        weights = {each: self.dial(f"weight-{each}") for each in regions}
        total = sum(weights.values())
        # Somebody must serve the members: where all weigh nothing, all weigh the same.
        return weights[region] / total if total else 1 / len(weights)

    def is_on(self, name: str) -> bool:
        """Whether the named switch is on; an unknown name is a KeyError."""
        return self._page[_offset(name)] != 0

    def set(self, name: str, on: bool) -> None:
        """Turn the named switch on or off for every process at once."""
        self._page[_offset(name)] = int(on)

    def switch_bits(self) -> bytes:
        """Every switch, a byte each: cheap to compare with what was seen before."""
        return self._page[_SWITCHES_OFFSET_BYTES : _SWITCHES_OFFSET_BYTES + len(NAMES)]

    def switches(self) -> dict[str, bool]:
        """Every switch by name, in the order of NAMES."""
        return {name: self.is_on(name) for name in NAMES}


def _offset(name: str) -> int:
    try:
        return _SWITCHES_OFFSET_BYTES + NAMES.index(name)
    except ValueError:
        raise KeyError(name) from None


def _check_rate(rate: float) -> None:
    if not 0.0 <= rate < float("inf"):
        raise ValueError(f"starts per second must be 0 or more: {rate}")
