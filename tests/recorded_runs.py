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
from functools import partial
from pathlib import Path

from chaosctl.engine.run import Setup, World, run_experiment
from chaosctl.experiment.load import load
from chaosctl.judge.samples import Span, step_ends
from chaosctl.judge.traffic import NO_TRAFFIC, Flow, Traffic
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
WITH_SERVICES = """\
title: Slow recommendations are nobody's business
target: {driver: demo}
baseline: {for: 140s}
hypothesis:
  - name: starts as foreseen
    query: name,starts.ok,:eq,:sum
    hold: {within: forecast, for: 3 steps}
  - name: api no slower than edge
    query: name,errors,:eq,:sum
    hold: {compare: {with: "name,errors.edge,:eq,:sum", worse: higher, tolerance: 0.01}}
    grace: 2s
method:
  - fault: network-latency
    select: {service: api, zone: us-east-1a}
    with: {delay: 400ms}
    for: 15s
recovery: {within: 10s}
"""
CALLS = {
    ("", "edge"): 90.0,
    ("", "api"): 60.0,
    ("", "catalog"): 45.0,
    ("", "recs"): 20.0,
    ("", "discovery"): 6.0,
    ("edge", "api"): 60.0,
    ("api", "catalog"): 30.0,
    ("edge", "catalog"): 15.0,
    ("api", "recs"): 20.0,
    ("recs", "catalog"): 8.0,
}
"""What goes between the services of a simulated world in a second."""

ABOUT = {
    "chaosctl": "0.1.0",
    "python": "3.11.9",
    "system": "Linux 6.8 x86_64",
    "commit": "1f3c0de",
    "settings": ["recovery.within=25s"],
}
Values = Callable[[int, bool, float], float]


def make_run(
    folder: Path,
    starts: Values,
    errors: Values,
    bend: Callable[[SimulatedWorld], None],
    document: str = DOCUMENT,
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
            "name,errors.edge,:eq,:sum": lambda end, _hit: chance_at(end) / 50,
        }
        bend(world)
        settings = tuple(ABOUT["settings"]) if document is DOCUMENT else ()
        setup = Setup(
            experiment=load(document, "chaos/zone.yaml", FAULTS, settings=settings),
            document=document,
            seed=4711,
            faults=FAULTS,
            open_world=lambda _say: World(
                world.target,
                world.store,
                {"size": "small"},
                explain=lambda *_: ["status 5xx: 88 %"],
                flows=partial(flows, world) if document is WITH_SERVICES else no_flows,
            ),
            listen=world.listen,
            start_watchdog=world.start_watchdog,
            about=ABOUT | {"settings": list(settings)},
        )
        result = run_experiment(setup, world.context)
        assert result.folder is not None
        assert result.verdict == folder.name.split("-")[0], result.reason
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(result.folder, folder, ignore=shutil.ignore_patterns("undo.lock"))


def chance_at(end_ms: int) -> float:
    """The same noise from 0 to 1 for the same step."""
    return random.Random(end_ms).random()


def flows(world: SimulatedWorld, span: Span, step_ms: int) -> Traffic:
    """While the fault is in, and 3 s longer, recs falls back more and more; the api fails a bit."""

    def is_bad(end: int) -> bool:
        return world.target.was_hit_at(end - 500) or world.target.was_hit_at(end - 3500)

    def flow(caller: str, service: str, usual: float) -> Flow:
        ends = step_ends(span, step_ms)
        rate = {end: round(usual * (0.9 + 0.2 * chance_at(end + len(service)))) for end in ends}
        bad = {end: rate[end] for end in ends if is_bad(end)}
        if (caller, service) == ("api", "recs"):
            replaced = {end: 0.8 * value for end, value in bad.items()}
            return Flow(service, caller, rate, {}, replaced, {e: 2.0 * (e in bad) for e in rate})
        if service == "api":
            return Flow(service, caller, rate, {e: 0.1 * v for e, v in bad.items()})
        if service == "recs":
            return Flow(service, caller, rate | {e: 0.2 * v for e, v in bad.items()})
        return Flow(service, caller, rate)

    found = tuple(flow(*ends, usual) for ends, usual in CALLS.items())
    known = {e: 6.0 if is_bad(e - 2000) else 8.0 for e in step_ends(span, step_ms)}
    return Traffic(found, step_ms, registered=known)


def no_flows(_span: Span, _step_ms: int) -> Traffic:
    """As of a target whose services nobody counts."""
    return NO_TRAFFIC


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

    def sagging(end: int, hit: bool, noise: float) -> float:
        return 28 + 4 * noise + 3 * math.sin(end / 9000) - (6 if hit else 0)

    make_run(FOLDER / "passed", well, rare, no_bend)
    make_run(FOLDER / "failed", fewer, often, no_bend)
    make_run(FOLDER / "inconclusive", well, silent, no_bend)
    make_run(FOLDER / "aborted", well, rare, interrupt)
    make_run(FOLDER / "failed-services", sagging, often, no_bend, WITH_SERVICES)


if __name__ == "__main__":
    main()
