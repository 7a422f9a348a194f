"""The dials of the traffic: quantities that are set while the platform runs, in one table.

Like the switches they live in the page that every process shares (`knobs.py`), so whoever is bound
by one reads it at use. Instants and durations are real ones: they are not scaled by TIME_FACTOR.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from demo_platform.topology import REGIONS


@dataclass(frozen=True, slots=True)
class Dial:
    """What a dial stands at when nobody has turned it, and between which values it can be."""

    usual: float
    lowest: float
    highest: float
    summary: str


DIALS: dict[str, Dial] = {
    "cohort-ratio": Dial(
        0.1, 0.0, 0.5, "share of the members in the control cohort, and as many in the experiment's"
    ),
    "device-backoff-first-s": Dial(
        0.1, 0.0, 60.0, "longest wait before a device's second retry; doubles with each one more"
    ),
    "device-backoff-max-s": Dial(0.8, 0.0, 60.0, "a device never waits longer before a retry"),
    "device-jitter-ratio": Dial(
        1.0, 0.0, 1.0, "how much of a device's wait is left to chance: 0 and all come back at once"
    ),
    "device-tries": Dial(3.0, 1.0, 20.0, "how often a device asks before it gives up"),
    "diurnal-period-s": Dial(300.0, 10.0, 86_400.0, "seconds from one evening to the next"),
    "diurnal-ratio": Dial(
        0.0, 0.0, 1.0, "how far the rate swings about the one that is offered; 0 is no day or night"
    ),
    "search-ratio": Dial(0.2, 0.0, 1.0, "share of the visits in which a member searches"),
    "think-s": Dial(0.2, 0.0, 60.0, "how long a member looks at a page, on average"),
    "title-skew": Dial(1.0, 0.0, 4.0, "exponent of Zipf's law for titles; 0: all are asked alike"),
    **{
        f"weight-{region}": Dial(1.0, 0.0, 100.0, f"share of the members that {region} is sent")
        for region in REGIONS
    },
    **{
        f"proxy-{region}": Dial(
            0.0, 0.0, 1.0, f"share of its requests that the edge of {region} forwards to another"
        )
        for region in REGIONS
    },
}


def check_dial(name: str, value: float) -> None:
    """Raise ValueError for a value that the dial cannot stand at, KeyError for an unknown dial."""
    dial = DIALS[name]
    if not (math.isfinite(value) and dial.lowest <= value <= dial.highest):
        raise ValueError(f"{name} goes from {dial.lowest:g} to {dial.highest:g}, not to {value:g}")
