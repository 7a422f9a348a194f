"""The experiment document as a table: its keys, their forms, and what they must be together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chaosctl.experiment.checks import CHECK_FORM, OUTAGE_FORM, STOP_FORM
from chaosctl.experiment.forms import (
    WRONG,
    BoolForm,
    ChoiceForm,
    Fields,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
)
from chaosctl.experiment.guards import guards_form
from chaosctl.experiment.items import ItemForm, check_method
from chaosctl.experiment.lasting import all_last_ms, in_force_ms
from chaosctl.experiment.model import (
    Check,
    Experiment,
    Guards,
    Item,
    Limits,
    Phase,
    TargetSpec,
)
from chaosctl.experiment.steps import Faults, duration_form, limits_form
from chaosctl.experiment.windows import STEP_MS, baseline_needs_ms, fault_needs_ms

# What each driver can be told; the demo's names are those of its own control API.
TARGETS: Mapping[str, Mapping[str, Key]] = MappingProxyType(
    {
        "demo": {
            "size": Key(ChoiceForm("size", ("small", "normal")), "how much platform to start"),
            "switches": Key(
                MapForm(
                    "the fragility switches",
                    {
                        "no-fallback": Key(BoolForm(), "callers have no answer of their own"),
                        "no-headroom": Key(BoolForm(), "just enough capacity, none to spare"),
                        "long-timeouts": Key(BoolForm(), "callers wait longer than viewers do"),
                        "retry-storm": Key(BoolForm(), "callers repeat without a budget"),
                        "no-ttl-jitter": Key(BoolForm(), "what was cached together ends together"),
                        "no-single-flight": Key(BoolForm(), "every miss goes to the store"),
                        "no-stale-reads": Key(BoolForm(), "nothing is kept beyond its time"),
                        "no-other-zone-reads": Key(BoolForm(), "a zone asks its own cache only"),
                        "no-spill-over": Key(BoolForm(), "services never leave their own zone"),
                        "eager-scaling": Key(BoolForm(), "playback shrinks as fast as it grows"),
                        "scale-in-during-errors": Key(
                            BoolForm(), "groups shrink while many requests fail"
                        ),
                        "storming-devices": Key(BoolForm(), "members' devices know no patience"),
                        "no-load-shedding": Key(BoolForm(), "a full edge turns anybody away"),
                        "no-store-limit": Key(BoolForm(), "the store refuses nothing, and is late"),
                        "small-store": Key(BoolForm(), "the store can do little without caches"),
                        "no-bulkhead": Key(BoolForm(), "a service's calls share one pool"),
                        "no-ejection": Key(BoolForm(), "instances are chosen blindly"),
                        "no-next-server": Key(BoolForm(), "nobody asks another instance"),
                        "fallback-calls-service": Key(BoolForm(), "a fallback calls a service"),
                        "fallback-calls-catalog": Key(
                            BoolForm(), "the popular titles are asked for, not remembered"
                        ),
                        "registry-required": Key(BoolForm(), "no discovery, nobody to call"),
                        "shift-before-scaling": Key(
                            BoolForm(), "a region is left before another has room for its members"
                        ),
                        "no-leeway": Key(BoolForm(), "edges believe no clock but their own"),
                    },
                    "{no-headroom: true}",
                ),
                "weaknesses that are turned on for this run",
            ),
        },
    }
)

RECOVERY_MS = 30_000
FORECAST_SLACK_MS = 15_000
"""How much further than the method and the recovery a forecast reaches: for the looks between."""


def _build_target(fields: Fields, _notes: Notes) -> TargetSpec:
    common = ("driver", "kind")
    options = {key: value for key, value in fields.values.items() if key not in common}
    return TargetSpec(fields.values["driver"], options, fields.get("kind", ""))


def _target_form() -> MapForm:
    drivers = ChoiceForm("driver", tuple(TARGETS), f"there is: {', '.join(TARGETS)}")
    options = {name: key for keys in TARGETS.values() for name, key in keys.items()}
    keys = {
        "driver": Key(drivers, "how the target is reached", True),
        "kind": Key(
            ChoiceForm("kind", ("test", "real")),
            "what to ask before a run: test wants a y, real its name; the demo is asked nothing",
        ),
        **options,
    }
    return MapForm("a target", keys, "{driver: demo}", _build_target)


def _one_duration(what: str, key: str, summary: str) -> MapForm:
    """A mapping with the one key that holds a duration."""

    def build(fields: Fields, _notes: Notes) -> Any:
        return fields.values[key]

    keys = {key: Key(duration_form(STEP_MS), summary, True)}
    return MapForm(what, keys, f"{{{key}: 10s}}", build)


def document_form(faults: Faults) -> MapForm:
    """The whole document, given the faults that exist."""
    return MapForm(
        "an experiment",
        {
            "title": Key(
                TextForm("a title", length_max=200), "what you expect, in a sentence", True
            ),
            "target": Key(_target_form(), "what is broken, as in {driver: demo}", True),
            "baseline": Key(
                _one_duration("a baseline", "for", "how long to watch before the fault"),
                "watched before the fault, as in {for: 10s}",
                True,
            ),
            "hypothesis": Key(
                ListForm(CHECK_FORM, "checks"), "what stays true, before, during and after", True
            ),
            "method": Key(ListForm(ItemForm(faults), "method steps"), "what is done", True),
            "stop": Key(ListForm(STOP_FORM, "stop conditions", least=0), "what ends it early"),
            "limits": Key(limits_form("the limits"), "how much may be hit"),
            "guards": Key(guards_form(OUTAGE_FORM), "when nothing may be broken"),
            "recovery": Key(
                _one_duration("a recovery", "within", "how soon all is steady again"),
                "after the fault, as in {within: 20s}",
            ),
        },
        "the example in the README",
        _build_experiment,
    )


def _build_experiment(fields: Fields, notes: Notes) -> Any:
    hypothesis: tuple[Check, ...] = fields.values["hypothesis"]
    method: tuple[Item, ...] = fields.values["method"]
    before = len(notes.problems)
    _check_names(fields, hypothesis, notes)
    check_method(fields.places["method"], method, hypothesis, notes)
    _check_times(fields, hypothesis, method, notes)
    _check_phases(fields, hypothesis, notes)
    if len(notes.problems) > before:
        return WRONG
    return Experiment(
        name="",
        title=fields.values["title"],
        target=fields.values["target"],
        baseline_ms=fields.values["baseline"],
        hypothesis=hypothesis,
        method=method,
        stop=fields.get("stop", ()),
        limits=fields.get("limits", Limits()),
        guards=fields.get("guards", Guards()),
        recovery_ms=fields.get("recovery", RECOVERY_MS),
    )


def _check_names(fields: Fields, hypothesis: tuple[Check, ...], notes: Notes) -> None:
    names = [check.name for check in hypothesis]
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        what = f"two checks have the name '{name}'"
        notes.add(fields.places["hypothesis"], what, "give each its own")


def _check_times(
    fields: Fields, hypothesis: tuple[Check, ...], method: tuple[Item, ...], notes: Notes
) -> None:
    """A check that has no whole window could never pass: better said now than after the run."""
    baseline_ms: int = fields.values["baseline"]
    rest_ms = all_last_ms(method) + fields.get("recovery", RECOVERY_MS) + FORECAST_SLACK_MS
    need_ms, name = baseline_needs_ms(hypothesis, rest_ms)
    if baseline_ms < need_ms:
        what = f"the baseline of {baseline_ms / 1000:g}s is too short: "
        what += f"'{name}' needs {need_ms // 1000}s"
        notes.add(fields.places["baseline"], what, f"at least {need_ms // 1000}s")
    slowest = max(hypothesis, key=fault_needs_ms)
    need_ms, fault_ms = fault_needs_ms(slowest), in_force_ms(method)
    if fault_ms < need_ms:
        why = f"'{slowest.name}' needs {(need_ms - STEP_MS) / 1000:g}s"
        what = f"the fault of {fault_ms / 1000:g}s is too short: {why} and a step to begin"
        notes.add(fields.places["method"], what, f"at least {-(-need_ms // 1000)}s")


def _check_phases(fields: Fields, hypothesis: tuple[Check, ...], notes: Notes) -> None:
    """Without a look before, nobody could tell a sick system from one that the fault broke."""
    place = fields.places["hypothesis"]
    if not any(check.is_judged(Phase.BEFORE) for check in hypothesis):
        notes.add(place, "no check is judged before the fault", "let one be: 'when: continuous'")
    if not any(check.is_judged(p) for check in hypothesis for p in (Phase.DURING, Phase.AFTER)):
        what = "no check is judged during the fault or after it"
        notes.add(place, what, "let one be: 'when: continuous'")
