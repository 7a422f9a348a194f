"""Settings that every running process of the platform sees change at once.

They live in one anonymous page of memory that is shared by fork: it is made before the zygote is
forked, so a switch turned in the supervisor is read by sixty instances at their next request, with
no message sent, nothing on disk and nothing left behind.
"""

import mmap

NAMES = ("no-fallback", "no-headroom", "long-timeouts", "retry-storm")

_RATE_SLOT = 0
_SWITCHES_OFFSET_BYTES = 8


class Knobs:
    """The fragility switches and the rate of traffic, shared by every process forked after it."""

    NAMES = NAMES

    __slots__ = ("_page", "_rate")

    def __init__(self, *, starts_per_second: float = 0.0) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        # An aligned double is stored by one instruction, so a reader never sees half of a rate.
        self._rate = memoryview(self._page)[:_SWITCHES_OFFSET_BYTES].cast("d")
        self.starts_per_second = starts_per_second

    @property
    def starts_per_second(self) -> float:
        """Stream starts offered per second by all viewers together."""
        return float(self._rate[_RATE_SLOT])

    @starts_per_second.setter
    def starts_per_second(self, rate: float) -> None:
        if not 0.0 <= rate < float("inf"):
            raise ValueError(f"starts per second must be 0 or more: {rate}")
        self._rate[_RATE_SLOT] = rate

    def is_on(self, name: str) -> bool:
        """Whether the named switch is on; an unknown name is a KeyError."""
        return self._page[_offset(name)] != 0

    def set(self, name: str, on: bool) -> None:
        """Turn the named switch on or off for every process at once."""
        self._page[_offset(name)] = int(on)

    def switches(self) -> dict[str, bool]:
        """Every switch by name, in the order of NAMES."""
        return {name: self.is_on(name) for name in NAMES}


def _offset(name: str) -> int:
    try:
        return _SWITCHES_OFFSET_BYTES + NAMES.index(name)
    except ValueError:
        raise KeyError(name) from None
