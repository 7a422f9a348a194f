"""What a member comes for: who, which title, whether to search, how long to stay. Pure.

All of it is drawn when the member arrives, the same number of times from one generator, whatever
the dials say. So the same seed brings the same members with the same wishes in the same order,
however the platform fares meanwhile.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from demo_platform.knobs import Knobs

MEMBERS = 10_000
TITLES = 1000
SESSION_S = 20.0
SESSION_S_MAX = 80.0
THINK_TIMES_MAX = 5.0
"""Nobody looks at a page for longer than so many times the average."""

EVERYBODY, CONTROL, EXPERIMENT = "", "control", "experiment"
COHORTS = (EVERYBODY, CONTROL, EXPERIMENT)

_SPREAD = 6_607
"""Shares no factor with MEMBERS: multiplied by it, neighbours land far from each other, once."""

_WORDS = ("river", "house", "summer", "signal", "garden", "road", "winter", "city", "sea", "door")


@dataclass(frozen=True, slots=True)
class Intent:
    """One visit, as it is meant to go. think_s: for how long each page is looked at, in order.

    word: what is searched for; empty when nothing is.
    """

    number: int
    member: int
    cohort: str
    title: int
    word: str
    think_s: tuple[float, float, float]
    watch_s: float


class Intents:
    """Draws visits; it has a life because the titles' weights are kept while the dial stands."""

    def __init__(self, rng: random.Random, knobs: Knobs) -> None:
        self._rng = rng
        self._knobs = knobs
        self._drawn = 0
        self._skew = -1.0
        self._weights: Sequence[float] = ()

    def draw(self) -> Intent:
        """The next visit."""
        draw, dial = self._rng.random, self._knobs.dial
        self._drawn += 1
        member = int(draw() * MEMBERS)
        title = self._title(draw())
        searches = draw() < dial("search-ratio")
        word = _WORDS[int(draw() * len(_WORDS))]
        mean_s = dial("think-s")
        first, second, third = (
            mean_s * min(THINK_TIMES_MAX, self._rng.expovariate(1.0)) for _ in range(3)
        )
        return Intent(
            self._drawn,
            member,
            cohort_of(member, dial("cohort-ratio")),
            title,
            word if searches else "",
            (first, second, third),
            min(SESSION_S_MAX, self._rng.expovariate(1 / SESSION_S)),
        )

    def _title(self, chance: float) -> int:
        skew = self._knobs.dial("title-skew")
        if skew != self._skew:
            self._skew, self._weights = skew, popularity(skew)
        return bisect(self._weights, chance * self._weights[-1], hi=TITLES - 1)


def popularity(skew: float) -> Sequence[float]:
    """Running sums of the titles' weights by Zipf's law, the most popular first."""
    return tuple(accumulate((rank + 1) ** -skew for rank in range(TITLES)))


def cohort_of(member: int, ratio: float) -> str:
    """The cohort that a member belongs to for good: two of equal size, and everybody else.

    >>> cohorts = [cohort_of(member, 0.05) for member in range(MEMBERS)]
    >>> cohorts.count(CONTROL), cohorts.count(EXPERIMENT)
    (500, 500)
    """
    place = member * _SPREAD % MEMBERS
    if place < ratio * MEMBERS:
        return EXPERIMENT
    # From the other end: whoever is in a cohort stays there when the cohorts grow.
    return CONTROL if place >= MEMBERS - ratio * MEMBERS else EVERYBODY
