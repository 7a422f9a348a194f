"""The experiment document as a table: its keys, their forms, and what they must be together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chaosctl.experiment import units
from chaosctl.experiment.forms import (
    WRONG,
    BoolForm,
    ChoiceForm,
    CountForm,
    Fields,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
    UnitForm,
)
from chaosctl.experiment.model import (
    Check,
    Comparison,
    Condition,
    Experiment,
    Limit,
    Limits,
    NoData,
    Step,
    StopCondition,
    TargetSpec,
)
from chaosctl.experiment.queries import check_query
from chaosctl.experiment.steps import DURATION_SHAPES, Faults, StepForm, duration_form
from chaosctl.experiment.windows import STEP_MS, own_window_ms

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
                    },
                    "{no-headroom: true}",
                ),
                "weaknesses that are turned on for this run",
            ),
        },
    }
)

_LIMIT_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "string", "pattern": units.LIMIT_PATTERN, "examples": ["97%", "50% of baseline"]},
    {"type": "number"},
)
_LASTING_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "string", "pattern": units.STEPS_PATTERN, "examples": ["3 steps"]},
    *DURATION_SHAPES,
)


def _parse_over(written: object) -> int:
    over_ms = units.parse_duration(written)
    if over_ms % STEP_MS or over_ms == 0:
        what = f"{written} is not a whole number of steps"
        raise units.BadUnit(what, f"a step is {STEP_MS // 1000}s")
    return over_ms


def _parse_lasting(written: object) -> int:
    return units.parse_lasting(written, STEP_MS)


_LIMIT = UnitForm(units.parse_limit, _LIMIT_SHAPES)
_COMPARISONS = tuple(comparison.value for comparison in Comparison)


def _build_condition(fields: Fields, notes: Notes) -> Any:
    comparison = next(c for c in Comparison if c.value in fields.values)
    written = fields.values[comparison.value]
    limits: tuple[Limit, ...] = written if isinstance(written, tuple) else (written,)
    if comparison is Comparison.BETWEEN:
        low, high = limits
        if low.of_baseline == high.of_baseline and low.value > high.value:
            place = fields.places["between"]
            what = f"'between' has its limits in the wrong order: {low.text}, {high.text}"
            return notes.add(place, what, f"did you mean [{high.text}, {low.text}]?")
    return Condition(comparison, limits, fields.get("over", 0), fields.get("for", 1))


def _condition_form(what: str) -> MapForm:
    return MapForm(
        what,
        {
            "at-least": Key(_LIMIT, "the value is this or more"),
            "at-most": Key(_LIMIT, "the value is this or less"),
            "above": Key(_LIMIT, "the value is more than this"),
            "below": Key(_LIMIT, "the value is less than this"),
            "between": Key(
                ListForm(_LIMIT, "limits", least=2, most=2), "the value lies between these"
            ),
            "over": Key(
                UnitForm(_parse_over, DURATION_SHAPES),
                "the value is the mean over this window",
            ),
            "for": Key(
                UnitForm(_parse_lasting, _LASTING_SHAPES), "how long on end before it counts"
            ),
        },
        "{at-least: 97%, over: 10s}",
        _build_condition,
        one_of=_COMPARISONS,
    )


_WEIGHT_SHAPES: tuple[dict[str, Any], ...] = (
    {"enum": list(units.WEIGHTS), "examples": ["critical"]},
    {"type": "number", "exclusiveMinimum": 0, "maximum": units.WEIGHT_MAX},
)
_WEIGHT = UnitForm(units.parse_weight, _WEIGHT_SHAPES)
_QUERY = TextForm("a query", check_query)
_NAME = TextForm("a name", length_max=120)


def _build_check(fields: Fields, _notes: Notes) -> Check:
    return Check(
        fields.values["name"],
        fields.values["query"],
        fields.values["hold"],
        NoData(fields.get("no-data", NoData.INCONCLUSIVE)),
        fields.get("gap", 3000),
        fields.get("weight", units.WEIGHTS["normal"]),
    )


CHECK_FORM = MapForm(
    "a check",
    {
        "name": Key(_NAME, "what must be true, in a few words", True),
        "query": Key(_QUERY, "an expression over the store, giving one line", True),
        "hold": Key(_condition_form("a condition"), "what the value must be", True),
        "no-data": Key(ChoiceForm("policy", tuple(p.value for p in NoData)), "what silence means"),
        "gap": Key(duration_form(STEP_MS), "the longest silence allowed, as in 3s"),
        "weight": Key(_WEIGHT, "how much it counts in the score: 2 unless said"),
    },
    "{name: …, query: …, hold: {at-least: 97%}}",
    _build_check,
)


def _build_stop(fields: Fields, _notes: Notes) -> StopCondition:
    values = fields.values
    return StopCondition(values["query"], values["when"], fields.get("name", ""))


STOP_FORM = MapForm(
    "a stop condition",
    {
        "name": Key(_NAME, "what went too far, in a few words"),
        "query": Key(_QUERY, "an expression over the store, giving one line", True),
        "when": Key(_condition_form("a condition"), "when the fault ends early", True),
    },
    "{query: …, when: {below: 50% of baseline, for: 3 steps}}",
    _build_stop,
)


def _build_target(fields: Fields, _notes: Notes) -> TargetSpec:
    options = {key: value for key, value in fields.values.items() if key != "driver"}
    return TargetSpec(fields.values["driver"], options)


def _target_form() -> MapForm:
    drivers = ChoiceForm("driver", tuple(TARGETS), f"there is: {', '.join(TARGETS)}")
    options = {name: key for keys in TARGETS.values() for name, key in keys.items()}
    keys = {"driver": Key(drivers, "how the target is reached", True), **options}
    return MapForm("a target", keys, "{driver: demo}", _build_target)


def _build_limits(fields: Fields, _notes: Notes) -> Limits:
    return Limits(fields.get("instances", 0), fields.get("min-healthy", 0))


def _one_duration(what: str, key: str, summary: str) -> MapForm:
    """A mapping with the one key that holds a duration."""

    def build(fields: Fields, _notes: Notes) -> Any:
        return fields.values[key]

    keys = {key: Key(duration_form(STEP_MS), summary, True)}
    return MapForm(what, keys, f"{{{key}: 10s}}", build)


def document_form(faults: Faults) -> MapForm:
    """The whole document, given the faults that exist."""
    limits = {
        "instances": Key(CountForm(1), "never hit more instances than this"),
        "min-healthy": Key(CountForm(0), "leave at least so many of each service"),
    }
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
            "method": Key(ListForm(StepForm(faults), "method steps"), "what is done", True),
            "stop": Key(ListForm(STOP_FORM, "stop conditions", least=0), "what ends it early"),
            "limits": Key(
                MapForm("the limits", limits, "{instances: 40}", _build_limits),
                "how much may be hit",
            ),
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
    method: tuple[Step, ...] = fields.values["method"]
    before = len(notes.problems)
    _check_names(fields, hypothesis, notes)
    _check_times(fields, hypothesis, method, notes)
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
        recovery_ms=fields.get("recovery", 30_000),
    )


def _check_names(fields: Fields, hypothesis: tuple[Check, ...], notes: Notes) -> None:
    names = [check.name for check in hypothesis]
    twice = sorted({name for name in names if names.count(name) > 1})
    for name in twice:
        what = f"two checks have the name '{name}'"
        notes.add(fields.places["hypothesis"], what, "give each its own")


def _check_times(
    fields: Fields, hypothesis: tuple[Check, ...], method: tuple[Step, ...], notes: Notes
) -> None:
    """A check that has no whole window could never pass: better said now than after the run."""
    slowest = max(hypothesis, key=lambda check: own_window_ms(check.hold))
    need_ms = own_window_ms(slowest.hold)
    baseline_ms: int = fields.values["baseline"]
    why = f"'{slowest.name}' needs {need_ms // 1000}s"
    if baseline_ms < need_ms:
        what = f"the baseline of {baseline_ms / 1000:g}s is too short: {why}"
        notes.add(fields.places["baseline"], what, f"at least {need_ms // 1000}s")
    fault_ms = sum(step.for_ms for step in method)
    need_ms += STEP_MS  # a fault begins in the middle of a step
    if fault_ms < need_ms:
        what = f"the fault of {fault_ms / 1000:g}s is too short: {why} and a step to begin"
        notes.add(fields.places["method"], what, f"at least {need_ms // 1000}s")
