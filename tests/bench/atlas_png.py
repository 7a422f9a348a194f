"""How much CPU an image of ten lines with its legend takes."""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from atlas.graph import Axis, Graph, Line
from atlas.render.png import render_png
from tests.bench.figure import Figure

TRIES = 20
LIMIT_MS = 20.0
LINES, STEPS, STEP_MS = 10, 180, 60_000
START_MS = 1_773_480_000_000
COLORS = ("0075dc", "993f00", "9dcc00", "4c005c", "00998f", "ffa405", "5ef1f2", "f0a3ff")


def measure(_options: argparse.Namespace) -> list[Figure]:
    """The median of a few; the first, which loads Pillow and the font, is apart."""
    size, first_ms = _drawn(_graph())
    spent_ms = [_drawn(_graph())[1] for _ in range(TRIES)]
    note = f"median of {TRIES}, {size / 1000:.0f} kB; the first {first_ms:.0f} ms"
    name = "PNG of 700 × 300, ten lines, CPU"
    return [Figure(name, statistics.median(spent_ms), "ms", LIMIT_MS, note=note)]


def _graph() -> Graph:
    """A new one each time: lines keep their statistics once they are known."""
    chance = np.random.default_rng(4711)
    values = 100 + chance.normal(0, 2, (LINES, STEPS)).cumsum(axis=1)
    lines = tuple(
        Line(f"nf.app=app-{i}, status=200", {}, row, f"ff{COLORS[i % len(COLORS)]}")
        for i, row in enumerate(values)
    )
    return Graph(START_MS, START_MS + STEPS * STEP_MS, STEP_MS, (Axis(0, lines),))


def _drawn(graph: Graph) -> tuple[int, float]:
    """Bytes and milliseconds of CPU of one image."""
    before_s = time.process_time()
    png = render_png(graph)
    return len(png), (time.process_time() - before_s) * 1000
