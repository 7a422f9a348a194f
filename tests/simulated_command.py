"""`chaosctl run` in a simulated world, for what starts it as a process of its own.

The experiment's name says what the world is like: `held`, `noticed`, `silent`, `left` (an undo that
cannot be completed), `hangs` (until a signal comes). Options are those of the real command.
"""

from __future__ import annotations

import argparse
import math
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from chaosctl.engine.result import RunResult
from chaosctl.judge.verdict import worst
from chaosctl.report.result_files import make_report_folder, write_result_file
from chaosctl.report.result_text import render_result
from tests.simulated_run import ERRORS, STARTS, make_experiment, run
from tests.simulated_target import SimulatedWorld

WORLDS = ("held", "noticed", "silent", "left", "hangs")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["run"])
    parser.add_argument("experiments", choices=WORLDS, nargs="+")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--set", action="append")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--plain", action="store_true")
    given = parser.parse_args()
    if "hangs" in given.experiments:
        return wait_for_signal()
    make_report_folder(given.report)
    codes = []
    for number, name in enumerate(given.experiments * given.repeat):
        result = run_one(name, number)
        write_result_file(given.report, result)
        print(render_result(result), f"settings {given.set} seed {given.seed}", sep="\n")
        codes.append(result.exit_code)
    return worst(codes)


def run_one(name: str, number: int) -> RunResult:
    """A run of its own; `number` makes its id."""
    with TemporaryDirectory() as folder:
        world = SimulatedWorld(Path(folder))
        world.context = replace(world.context, rng=random.Random(number))
        world.store.values = {
            STARTS: lambda _end, _hit: 0.995,
            ERRORS: lambda _end, hit: 0.05 if hit and name == "noticed" else 0.001,
        }
        if name == "silent":
            world.store.silent_from_ms = 0
        if name == "left":
            world.target.undo_failures = math.inf
        return run(world, make_experiment(name=name))


def wait_for_signal() -> int:
    def end(*_: object) -> None:
        Path("undone").write_text("everything")
        sys.exit(143)

    signal.signal(signal.SIGTERM, end)
    Path("hanging").touch()
    time.sleep(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
