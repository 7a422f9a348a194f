"""Fill the failure matrix: `python -m tests.matrix`, or `make matrix`; goes on where it stopped.

python -m tests.matrix                  what is not done yet, then docs/failure-matrix.md
python -m tests.matrix --only latency   cells whose name has that in it, also if done
python -m tests.matrix --soak 200       kill -9 at random times instead
python -m tests.matrix --page           only write the page
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "bench-results"


def main() -> int:
    """Do what is asked; 1 if anything was left anywhere."""
    options = _options()
    # Whoever starts this in the background has these ignored, and so would the runs that are hit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if options.worker:
        from tests.matrix.working import work

        return work(sys.stdin, sys.stdout)
    from tests.matrix.cells import every_cell
    from tests.matrix.page import write_page
    from tests.matrix.results import latest, read_results, sources_version
    from tests.matrix.soaking import kills
    from tests.matrix.working import hand_out

    matrix, soak = options.results / "matrix.jsonl", options.results / "soak.jsonl"
    if not options.page:
        path = soak if options.soak else matrix
        if options.soak:
            seed = options.seed or random.SystemRandom().randrange(1, 10_000)
            print(f"seed {seed}: --seed {seed} does the same again, or goes on", flush=True)
            wanted = [kill.name for kill in kills(options.soak, seed)]
        else:
            wanted = [cell.name for cell in every_cell() if options.only in cell.name]
        version = sources_version()
        known = {
            name: result
            for name, result in latest(read_results(path)).items()
            if options.any_version or result.version == version
        }
        done = {name for name, result in known.items() if result.is_clean}
        todo = [name for name in wanted if options.only or name not in done]
        if not options.soak:  # a table that is cut short has something of everything
            random.Random(0).shuffle(todo)
            todo.sort(key=known.__contains__)
        print(f"{len(todo)} to do, {len(wanted) - len(todo)} done before", flush=True)
        hand_out(todo, path, options.beds)
    write_page(matrix, soak)
    results = latest(read_results(soak if options.soak else matrix)).values()
    left = [result for result in results if not result.is_clean]
    for result in left:
        print(f"{result.cell}: {result.clean_s} s, {'; '.join(result.left) or 'too late'}")
    return 1 if left else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.matrix", description="See docs/failure-matrix.md.")
    parser.add_argument("--only", default="", help="cells whose name has this in it")
    parser.add_argument("--beds", type=int, default=2, help="how many platforms at once")
    parser.add_argument("--soak", type=int, default=0, help="so many kills at random times")
    parser.add_argument("--seed", type=int, default=0, help="of the soak; printed if not given")
    parser.add_argument("--any-version", action="store_true", help="keep results of other sources")
    parser.add_argument("--page", action="store_true", help="write the page, run nothing")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
