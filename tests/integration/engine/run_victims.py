"""A run in a process of its own, over the processes that argv names; a store that always smiles.

Prints each event as a JSON line, or shows them as `chaosctl run` does on a terminal if LIVE is set.
Ends with the run's exit code.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from chaosctl.commands.run import Screen, choose_screen
from chaosctl.context import Context
from chaosctl.engine.lease import start_watchdog
from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.engine.session import leave_alone
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Experiment,
    Limit,
    Manual,
    Select,
    Step,
    TargetSpec,
)
from chaosctl.person import person_at
from monkeys.faults import FAULTS
from tests.process_target import ProcessTarget

WATCHDOG = (sys.executable, str(Path(__file__).with_name("watchdog_of_victims.py")))


class SmilingStore:
    """Everything is always well; hangs while the file that HANG names exists."""

    def fetch(
        self, queries: Sequence[str], start_ms: int, end_ms: int, timeout_s: float
    ) -> Mapping[str, Mapping[int, float]]:
        while os.environ.get("HANG") and Path(os.environ["HANG"]).exists():
            time.sleep(0.05)
        edges = range(start_ms // 1000 * 1000 + 1000, end_ms + 1, 1000)
        return {query: dict.fromkeys(edges, 1.0) for query in queries}


def main() -> int:
    pids = tuple(int(word) for word in sys.argv[1:])
    slow_s = float(os.environ.get("SLOW_S", "0"))
    hang_file = os.environ.get("HANG_DRIVER", "")
    target = ProcessTarget(pids, slow_s, os.environ.get("STUBBORN", ""), hang_file)
    for_ms = int(os.environ.get("FOR_MS", "60000"))
    by_hand = [Manual(os.environ["MANUAL"], 20_000)] if "MANUAL" in os.environ else []
    fine = Condition(Comparison.AT_LEAST, (Limit(0.9, False, "0.9"),))
    experiment = Experiment(
        name="hang-victims",
        title="Victims may hang",
        target=TargetSpec("process"),
        baseline_ms=1000,
        hypothesis=(Check("fine", "fine", fine, gap_ms=20_000),),
        method=(*by_hand, Step("instance-hang", Select(), {}, for_ms)),
        recovery_ms=3000,
    )

    def tell(event: Mapping[str, Any]) -> None:
        print(json.dumps(event, default=str), flush=True)

    def open_world(say: Callable[[str], None]) -> World:
        say("opening")
        time.sleep(float(os.environ.get("OPEN_S", "0")))
        return World(target, SmilingStore())

    context = Context()
    screen = Screen(nullcontext(tell))
    if os.environ.get("LIVE"):
        screen = choose_screen(context, plain=False, quiet=False, as_json=False)
    with screen.keyboard or nullcontext(), screen.view as listen:
        setup = Setup(
            experiment=experiment,
            document="",
            seed=1,
            faults=FAULTS,
            open_world=open_world,
            listen=listen,
            start_watchdog=functools.partial(start_watchdog, argv=WATCHDOG),
            wait_for_person=person_at(context, is_told=True, keyboard=screen.keyboard),
            attend=screen.keyboard.attend if screen.keyboard else leave_alone,
        )
        return run_experiment(setup, context).exit_code


if __name__ == "__main__":
    sys.exit(main())
