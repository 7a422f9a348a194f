"""How long the help screen takes: what everybody waits for first."""

from __future__ import annotations

import argparse

from tests.bench.figure import Figure
from tests.integration.bed import made_bed

TRIES = 5
LIMIT_S = 0.3


def measure(_options: argparse.Namespace) -> list[Figure]:
    """The best of a few, as the cache is warm for people too."""
    with made_bed() as bed:
        seconds = [bed.chaosctl("--help").seconds for _ in range(TRIES)]
    return [Figure("chaosctl --help", min(seconds), "s", LIMIT_S, note=f"best of {TRIES}")]
