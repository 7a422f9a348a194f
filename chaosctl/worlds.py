"""From a document's target to something that can be broken and watched.

The one place that joins drivers, stores and the demo platform, for the commands and the watchdog.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from chaosctl import demo
from chaosctl.context import Context, own_runtime_dir
from chaosctl.demo_traffic import demo_flows
from chaosctl.drivers import DRIVERS
from chaosctl.engine.guards import guards_for_plan
from chaosctl.engine.plan import Plan, plan_experiment
from chaosctl.engine.run import World
from chaosctl.engine.undo import UndoerFor
from chaosctl.errors import ChaosctlError
from chaosctl.experiment.load import Loaded
from chaosctl.experiment.model import Check, Experiment, Guards, ProbeSpec
from chaosctl.judge.because import because, breach_span
from chaosctl.judge.hypothesis import CheckState
from chaosctl.judge.samples import Span
from chaosctl.probes import PROBES, CannotAsk, Probe
from chaosctl.stores.atlas import AtlasStore
from monkeys.faults import FAULTS
from monkeys.target import Fault, RecordIds, UndoRecord

Say = Callable[[str], None]

EXPLAIN_S = 4.0
"""Computing why a check broke stops after this, with what it has found by then."""


def store_at(context: Context, address: str) -> AtlasStore:
    """The store at an address; the demo platform's own when there is none."""
    return AtlasStore(address or f"unix:{demo.demo_paths(context.runtime_dir).store}")


def undoer_for(context: Context) -> UndoerFor:
    """What takes back the records of a driver, by the driver's name; one of each driver."""

    @cache
    def find(driver: str) -> Any:
        if driver not in DRIVERS:
            raise ChaosctlError(
                f"undo record is of the unknown driver {driver!r}",
                fix="use the version of chaosctl that made it, or a newer one",
            )
        return DRIVERS[driver](demo.demo_paths(context.runtime_dir).control)

    return find


def open_world(
    experiment: Experiment, context: Context, store_address: str
) -> Callable[[Say], World]:
    """What connects a run to its target and store, starting the demo platform if it is not up."""

    def connect(say: Say) -> World:
        paths = demo.demo_paths(own_runtime_dir(context))
        options = experiment.target.options
        if not demo.is_up(paths):
            say("the demo platform is not up: starting it; `chaosctl demo down` stops it")
            demo.start(paths, demo.DemoOptions(size=str(options.get("size", "normal"))), say)
        target = DRIVERS[experiment.target.driver](paths.control)
        target.warm()
        store = AtlasStore(store_address or f"unix:{paths.store}")
        switches = dict(options.get("switches") or {})
        return World(
            target=target,
            store=store,
            about=demo.about(paths),
            settings=partial(switch_records, target, switches),
            explain=partial(explain, experiment, store),
            make_probe=make_probe,
            expected=target.expected,
            flows=partial(demo_flows, store),
        )

    return connect


def make_probe(spec: ProbeSpec) -> Probe:
    """The probe that a document describes. Raises ChaosctlError if it cannot be asked here."""
    try:
        return PROBES[spec.kind](spec.parameters)
    except CannotAsk as error:
        raise ChaosctlError(error.what, where=f"probe '{spec.kind}'", fix=error.fix) from error


@contextmanager
def opener(
    loaded: Loaded, context: Context, store_address: str, trust_actions: bool
) -> Iterator[tuple[Mapping[str, type[Fault]], Callable[[Say], World]]]:
    """The faults that a document may name, and what connects its run; closed afterwards."""
    if loaded.origin is None:
        yield FAULTS, open_world(loaded.experiment, context, store_address)
        return
    from chaosctl import toolkit_world  # noqa: PLC0415 - for documents of other tools only

    world = toolkit_world.ToolkitWorld(loaded.origin, context, trusts=trust_actions)
    try:
        yield toolkit_world.FAULTS, world
    finally:
        world.close()


def switch_records(
    target: Any, switches: dict[str, bool], ids: RecordIds
) -> tuple[UndoRecord, ...]:
    """The undo record of the switches that the document wants; none if they stand so already."""
    record = target.prepare_switches(switches, ids()) if switches else None
    return (record,) if record is not None else ()


def plan_only(
    loaded: Loaded, context: Context, seed: int, machine_guards: tuple[Guards, ...] = ()
) -> tuple[Plan, str]:
    """The plan against the platform that is up, or the one that `run` would start; and which."""
    if loaded.origin is not None:
        from chaosctl.toolkit_world import plan_toolkit  # noqa: PLC0415 - see `opener`

        guards = guards_for_plan(machine_guards, loaded.experiment.name, context)
        return plan_toolkit(loaded.origin, seed, guards), ""
    experiment = loaded.experiment
    paths = demo.demo_paths(context.runtime_dir)
    target = DRIVERS[experiment.target.driver](paths.control)
    if demo.is_up(paths):
        instances, target_id, lacks, news = target.instances(), target.id, target.lacks, ""
    else:
        size = str(experiment.target.options.get("size", "normal"))
        instances = target.planned_instances(size, demo.DemoOptions().seed)
        target_id, lacks = "demo", lambda _capability: None
        news = "the demo platform is not up: this is the plan for the one that `run` would start"
    plan = plan_experiment(
        experiment,
        faults=FAULTS,
        instances=instances,
        target_id=target_id,
        lacks=lacks,
        seed=seed,
        guards=guards_for_plan((experiment.guards, *machine_guards), experiment.name, context),
    )
    return plan, news


def explain(
    experiment: Experiment, store: AtlasStore, state: CheckState, baseline: Span, end_ms: int
) -> list[str]:
    """Why a check broke: the tag values that its change is concentrated on."""
    broken = breach_span(state, end_ms)
    check: Check = next(c for c in experiment.hypothesis if c.name == state.name)
    if broken is None or check.probe is not None:  # what a probe asks has no tags
        return []
    until = time.monotonic() + EXPLAIN_S
    findings = because(
        check,
        store.lines,
        store.keys,
        baseline=baseline,
        broken=broken,
        is_late=lambda: time.monotonic() > until,
    )
    return [finding.text() for finding in findings]
