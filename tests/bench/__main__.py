"""Measures every figure that is promised: `python -m tests.bench [NAME…] [--repeat N]`.

`python -m tests.bench store --size M --peers` measures the store beside others.

Prints each with its limit, and fails when one is missing or over. Stops nothing of yours: it uses
folders of its own. Nothing else should run on the machine.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    atlas_packing,
    atlas_png,
    cache,
    commands,
    edge,
    engine,
    help_screen,
    history,
    install,
    outage,
    platform,
    rate,
    residue,
    screens,
    spectatord,
    verdicts,
    wide_column,
)
from tests.bench.figure import Figure, table
from tests.bench.store import benchmark as store

Measure = Callable[[argparse.Namespace], list[Figure]]

FIGURES: dict[str, Measure] = {
    "cache": cache.measure,
    "commands": commands.measure,
    "edge": edge.measure,
    "engine": engine.measure,
    "help": help_screen.measure,
    "history": history.measure,
    "install": install.measure,
    "outage": outage.measure,
    "packing": atlas_packing.measure,
    "platform": platform.measure,
    "png": atlas_png.measure,
    "rate": rate.measure,
    "residue": residue.measure,
    "screens": screens.measure,
    "spectatord": spectatord.measure,
    "store": store.measure,
    "lessons": verdicts.measure_lessons,
    "verdicts": verdicts.measure,
    "wide-column": wide_column.measure,
}


def main() -> int:
    """Measure what is asked for, or everything; 1 if a figure is missing or over."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FIGURES)}; default: all")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each bundled experiment")
    parser.add_argument("--charts", action="store_true", help="draw docs/lessons/NAME.svg anew")
    parser.add_argument("--size", choices=("S", "M", "L"), default="S", help="of the store")
    parser.add_argument("--peers", action="store_true", help="measure the store's peers too")
    parser.add_argument("--results", type=Path, default=Path("bench-results"), help="kept runs")
    options = parser.parse_args()
    unknown = set(options.names) - set(FIGURES)
    if unknown:
        parser.error(
            f"unknown figures {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}"
        )
    options.results = options.results.absolute()
    options.results.mkdir(exist_ok=True)
    figures: list[Figure] = []
    for name in options.names or FIGURES:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        found = FIGURES[name](options)
        figures += found
        print(table(found), file=sys.stderr, flush=True)
    print(f"on {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n{table(figures)}")
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
