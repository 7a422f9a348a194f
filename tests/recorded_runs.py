"""Makes the run folders in tests/data/reports: `python -m tests.recorded_runs`, from the project.

They are kept, so that reports are tested against what an earlier version wrote down. Made by the
real engine on the simulated target, in virtual time.
"""

from __future__ import annotations

import math
import random
import shutil
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path

from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.experiment.load import load
from monkeys.faults import FAULTS
from tests.simulated_target import SimulatedWorld

FOLDER = Path(__file__).parent / "data" / "reports"
DOCUMENT = """\
title: Losing one zone does not stop people from pressing play
target: {driver: demo}
baseline: {for: 10s}
hypothesis:
  - name: starts succeed
    query: name,starts.ok,:eq,:sum
    hold: {at-least: 97%, over: 10s}
  - name: errors stay rare
    query: name,errors,:eq,:sum
    hold: {below: 2%, for: 3 steps}
    weight: critical
method:
  - fault: zone-outage
    select: {zone: us-east-1a}
    with: {mode: unreachable}
    for: 20s
stop:
  - name: viewers give up
    query: name,starts.ok,:eq,:sum
    when: {below: 50% of baseline, for: 3 steps}
limits: {instances: 40, min-healthy: 1}
recovery: {within: 20s}
"""
ABOUT = {
    "chaosctl": "0.1.0",
    "python": "3.11.9",
    "system": "Linux 6.8 x86_64",
    "commit": "1f3c0de",
    "settings": ["recovery.within=25s"],
}
Values = Callable[[int, bool, float], float]


def make_run(
    folder: Path, starts: Values, errors: Values, bend: Callable[[SimulatedWorld], None]
) -> None:
    """One run; starts, errors: from step end, whether the fault is in, and noise to a value."""
    with tempfile.TemporaryDirectory() as scratch:
        world = SimulatedWorld(Path(scratch))
        noise: dict[int, float] = {}
        chance = random.Random(1)

        def noisy(values: Values) -> Callable[[int, bool], float]:
            return lambda end, hit: values(end, hit, noise.setdefault(end, chance.random()))

        world.store.values = {
            "name,starts.ok,:eq,:sum": noisy(starts),
            "name,errors,:eq,:sum": noisy(errors),
        }
        bend(world)
        settings = tuple(ABOUT["settings"])
        setup = Setup(
            experiment=load(DOCUMENT, "chaos/zone.yaml", FAULTS, settings=settings),
            document=DOCUMENT,
            seed=4711,
            faults=FAULTS,
            open_world=lambda _say: World(
                world.target,
                world.store,
                {"size": "small"},
                explain=lambda *_: ["status 5xx: 88 %"],
            ),
            listen=world.listen,
            start_watchdog=world.start_watchdog,
            about=ABOUT,
        )
        result = run_experiment(setup, world.context)
        assert result.folder is not None
        assert result.verdict == folder.name, result.reason
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(result.folder, folder, ignore=shutil.ignore_patterns("undo.lock"))


def no_bend(_world: SimulatedWorld) -> None:
    """Leave the world as it is."""


def interrupt(world: SimulatedWorld) -> None:
    """Ctrl-C five seconds after the fault was seen."""
    world.at_event("confirm", lambda: world.signals.send(signal.SIGINT), after_s=5)


def main() -> None:
    def well(_end: int, _hit: bool, noise: float) -> float:
        return 1 - noise / 60

    def rare(_end: int, _hit: bool, noise: float) -> float:
        return 0.001 + noise / 500

    def often(_end: int, hit: bool, noise: float) -> float:
        return (0.05 if hit else 0.001) + noise / 100

    def fewer(end: int, hit: bool, noise: float) -> float:
        return 0.976 - noise / 60 if hit else well(end, hit, noise)

    def silent(end: int, hit: bool, noise: float) -> float:
        return math.nan if hit and end // 1000 % 20 < 6 else 0.001 + noise / 500

    make_run(FOLDER / "passed", well, rare, no_bend)
    make_run(FOLDER / "failed", fewer, often, no_bend)
    make_run(FOLDER / "inconclusive", well, silent, no_bend)
    make_run(FOLDER / "aborted", well, rare, interrupt)


if __name__ == "__main__":
    main()
