"""What looks like chance in the data, and is the same on every machine."""

from __future__ import annotations

import zlib

_MASK = 2**64 - 1


class Noise:
    """Uniform in [0, 1) by a whole number: SplitMix64 seeded with the CRC of a key."""

    def __init__(self, key: str) -> None:
        self._seed = zlib.crc32(key.encode()) * 0x9E3779B97F4A7C15

    def __call__(self, i: int) -> float:
        x = (self._seed + (i + 1_000_003) * 0xBF58476D1CE4E5B9) & _MASK
        x ^= x >> 30
        x = (x * 0xBF58476D1CE4E5B9) & _MASK
        x ^= x >> 27
        x = (x * 0x94D049BB133111EB) & _MASK
        x ^= x >> 31
        return (x >> 11) / float(1 << 53)


def wave(i: int, period: int, phase: int = 0) -> float:
    """A triangle between -1 and 1; no sine, whose last digit differs between machines."""
    half = period / 2.0
    return 1.0 - abs((i + phase) % period - half) / half * 2.0
