"""For any method and any interruption: what went in goes out, newest first, after its record."""

from __future__ import annotations

import json
import signal
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chaosctl.engine.folder import PLAN
from chaosctl.errors import StoreSilent
from chaosctl.experiment.model import (
    Branch,
    Check,
    Comparison,
    Condition,
    Item,
    Limit,
    Limits,
    Load,
    Manual,
    Parallel,
    Ramp,
    Select,
    Serial,
    Step,
    Wait,
)
from chaosctl.judge.verdict import UndoState
from tests.simulated_run import ERRORS, make_experiment, run
from tests.simulated_target import SimulatedWorld, make_instances

ZONES = ("us-east-1a", "us-east-1b", "us-east-1c")
CHECK = Check("errors stay rare", ERRORS, Condition(Comparison.BELOW, (Limit(0.02, False, "2%"),)))

TIMES = st.sampled_from((1000, 2500, 4000))
DELAYS = st.sampled_from((0, 700, 3000))
RAMP = Ramp("delay_ms", (50.0, 120.0, 300.0), 3000)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    fault = draw(st.sampled_from(("instance-hang", "network-latency", "zone-outage")))
    where = {"zone": (draw(st.sampled_from(ZONES)),)}
    ramp = RAMP if fault == "network-latency" and draw(st.booleans()) else None
    parameters: dict[str, Any] = {}
    if fault == "network-latency" and ramp is None:
        parameters = {"delay_ms": 200.0}
    return Step(
        fault,
        Select(where, count=1, take_all=False),
        parameters,
        4000 if ramp else draw(TIMES),
        after_ms=draw(DELAYS),
        times=draw(st.integers(1, 3)),
        pause_ms=draw(DELAYS),
        ramp=ramp,
    )


LEAVES = steps() | TIMES.map(Wait) | TIMES.map(lambda ms: Manual("look", 2 * ms))


def _groups(inner: st.SearchStrategy[Item]) -> st.SearchStrategy[Item]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    some = st.lists(inner, min_size=1, max_size=2).map(tuple)
    branches = st.builds(Branch, st.just(CHECK.name), st.booleans(), some, some)
    return st.builds(Parallel, several) | st.builds(Serial, some) | branches


ITEMS: st.SearchStrategy[Item] = st.recursive(LEAVES, _groups, max_leaves=6)
METHODS = st.builds(
    lambda items, step, load: (*items, step, *([Load(2.0, 3000)] if load else [])),
    st.lists(ITEMS, max_size=2),
    steps(),
    st.booleans(),
)


def _fail_undo(world: SimulatedWorld) -> None:
    world.target.undo_failures = 2


def _silence(world: SimulatedWorld) -> None:
    world.store.silent_from_ms = world.time.now_ms()


def _kill_all(world: SimulatedWorld) -> None:
    world.target.killed.update(i.id for i in world.target.population)


TROUBLES: dict[str, Callable[[SimulatedWorld], None]] = {
    "nothing": lambda _world: None,
    "int": lambda world: world.signals.send(signal.SIGINT),
    "halt": lambda world: world.signals.send(signal.SIGUSR1),
    "watchdog": lambda world: world.watchdogs[0].die() if world.watchdogs else None,
    "undo fails": _fail_undo,
    "inject fails": lambda world: setattr(world.target, "inject_error", "no such device"),
    "deaf": lambda world: setattr(world.target, "is_deaf", True),
    "silence": _silence,
    "store dies": lambda world: setattr(world.store, "error", StoreSilent("gone", fix="start it")),
    "all die": _kill_all,
}


@given(
    method=METHODS,
    trouble=st.sampled_from(sorted(TROUBLES)),
    at_s=st.floats(0, 45),
    is_person_there=st.booleans(),
)
def test_any_method_interrupted_anywhere_leaves_nothing(
    method: tuple[Item, ...], trouble: str, at_s: float, is_person_there: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = SimulatedWorld(Path(folder), instances=make_instances(3, ("api", "edge", "recs")))
        world.store.values = {ERRORS: lambda _end, hit: 0.03 if hit else 0.001}
        world.at(at_s, lambda: TROUBLES[trouble](world))
        on_disk = _note_what_is_on_disk(world)
        experiment = make_experiment(
            method=method, hypothesis=(CHECK,), baseline_ms=3000, limits=Limits()
        )
        result = run(world, experiment, wait_for_person=lambda _text, _is_over: is_person_there)
        assert result.folder is not None
        plan = result.folder / PLAN
        at_most_s = json.loads(plan.read_text())["at_most_ms"] / 1000 if plan.exists() else 60
    assert world.target.in_force == {}
    assert world.target.per_second == 30.0
    assert result.undo in (UndoState.CLEAN, UndoState.UNKNOWN)
    assert on_disk == [True] * len(on_disk)
    assert world.time.now_s <= at_most_s + 15  # settling, and looks that take their time
    _assert_newest_first(world)


def _note_what_is_on_disk(world: SimulatedWorld) -> list[bool]:
    """For each injection, whether the journal had its record by then."""
    noted: list[bool] = []
    inject = world.target.inject

    def checked(record: Any) -> None:
        journals = list(world.context.runs_dir.glob("*/journal.jsonl"))
        text = journals[0].read_text() if journals else ""
        noted.append(f'"{record.id}"' in text)
        inject(record)

    world.target = _Checked(world.target, checked)  # type: ignore[assignment]
    return noted


class _Checked:
    """The target, with its inject replaced."""

    def __init__(self, target: Any, inject: Callable[[Any], None]) -> None:
        self.__dict__.update(_target=target, inject=inject)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target, name, value)


def _assert_newest_first(world: SimulatedWorld) -> None:
    """Of what is undone together, the newest goes out first."""
    injected = [id_ for what, id_ in world.target.log if what == "inject"]
    together: list[str] = []
    for event in [*world.events, {"event": "remove"}]:
        if event["event"] == "remove":
            order = [injected.index(id_) for id_ in together if id_ in injected]
            assert order == sorted(order, reverse=True)
            together = []
        if event["event"] == "undo" and event["record_id"] not in together:
            together.append(event["record_id"])
