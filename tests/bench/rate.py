"""The highest rate of stream starts at which 99 % succeed, searched on a live platform.

The rate goes up by a sixth at a time, evenly, until too many starts fail; then the gap between the
last good rate and the first bad one is halved a few times. After a bad rate the platform is given
its usual one until it is well again, so that no rate pays for the one before.
"""

from __future__ import annotations

import argparse
import sys
import time

from chaosctl.control import Control
from chaosctl.demo import STARTS_QUERY, demo_paths, store_of, wait_until_settled
from chaosctl.stores.atlas import AtlasStore
from tests.bench.figure import Figure, missing
from tests.integration.bed import made_bed

NAME = "starts a second of which 99 % succeed"
LEAST = 60.0
GOOD_SHARE = 0.99
USUAL, FIRST, LAST = 30.0, 40.0, 500.0
GROWTH = 7 / 6
HALVINGS = 3
RAMP_S, SETTLE_S, WINDOW_S = 4, 6, 20
ALL_QUERY = "name,playback.starts,:eq,:sum"


def measure(_options: argparse.Namespace) -> list[Figure]:
    """Search on a platform of the normal size."""
    with made_bed() as bed:
        bed.up()
        paths = demo_paths(bed.runtime)
        search = _Search(Control(paths.control), store_of(paths))
        good = search.highest()
    if not good:
        return [missing(NAME, "a second", LEAST, f"not even {FIRST:g} succeed", at_least=True)]
    return [Figure(NAME, good, "a second", LEAST, at_least=True, note=f"over {WINDOW_S} s each")]


class _Search:
    def __init__(self, control: Control, store: AtlasStore) -> None:
        self._control = control
        self._store = store

    def highest(self) -> float:
        """The highest rate that was found good; 0 when the first was not."""
        good, rate = 0.0, FIRST
        while rate <= LAST and self._is_good(rate):
            good, rate = rate, rate * GROWTH
        bad = rate
        for _ in range(HALVINGS if good and rate <= LAST else 0):
            middle = (good + bad) / 2
            if self._is_good(middle):
                good = middle
            else:
                bad = middle
        return good

    def _is_good(self, rate: float) -> bool:
        self._control.set_traffic(rate, over_s=RAMP_S)
        time.sleep(RAMP_S + SETTLE_S + WINDOW_S)
        ok, every = (self._sum(query) for query in (STARTS_QUERY, ALL_QUERY))
        share = ok / every if every else 0.0
        # Starts that never end would not be missed by their share alone.
        is_good = share >= GOOD_SHARE and every >= 0.9 * rate * WINDOW_S
        print(
            f"  {rate:.1f} offered: {every / WINDOW_S:.1f} a second end, {share:.2%} succeed",
            file=sys.stderr,
        )
        if not is_good:
            self._control.set_traffic(USUAL)
            wait_until_settled(self._store, _say, 1.0)
        return is_good

    def _sum(self, query: str) -> float:
        """Starts in the newest complete steps, by number."""
        end_ms = (time.time_ns() // 1_000_000_000 - 1) * 1000
        values = self._store.fetch([query], end_ms - WINDOW_S * 1000, end_ms, timeout_s=5.0)
        return sum(values.get(query, {}).values())


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr)
