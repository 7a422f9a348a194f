"""Checks and stop conditions of a document: their keys, and what they must be together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from chaosctl.experiment import units
from chaosctl.experiment.forms import (
    WRONG,
    ChoiceForm,
    Fields,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
    UnitForm,
)
from chaosctl.experiment.model import (
    ALL_PHASES,
    Check,
    Comparison,
    Condition,
    Limit,
    NoData,
    Phase,
    Population,
    StopCondition,
)
from chaosctl.experiment.nodes import Node
from chaosctl.experiment.probes import PROBE_FORM
from chaosctl.experiment.queries import check_query
from chaosctl.experiment.steps import DURATION_SHAPES, duration_form
from chaosctl.experiment.windows import STEP_MS

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
_CONFIDENCE = UnitForm(
    units.parse_confidence,
    (
        {"type": "string", "pattern": units.SHARE_PATTERN, "examples": ["95%"]},
        {"type": "number", "minimum": 0.5, "maximum": 0.999},
    ),
)
_COMPARISONS = tuple(c.value for c in Comparison if c is not Comparison.COMPARE)
_QUERY = TextForm("a query", check_query)
_NAME = TextForm("a name", length_max=120)


def _build_condition(fields: Fields, notes: Notes) -> Any:
    comparison = next(c for c in Comparison if c.value in fields.values)
    written = fields.values[comparison.value]
    confidence = fields.get("confidence", 0.95)
    has_confidence = comparison in (Comparison.WITHIN, Comparison.COMPARE)
    if "confidence" in fields.values and not has_confidence:
        what = f"'{comparison.value}' has no confidence"
        return notes.add(fields.places["confidence"], what, "leave 'confidence' out")
    if comparison is Comparison.COMPARE:
        for key in ("over", "for"):
            if key in fields.values:
                what = f"a comparison of populations has no '{key}'"
                fix = f"leave '{key}' out: it looks at all the values of the fault's time"
                return notes.add(fields.places[key], what, fix)
        return Condition(comparison, (), population=written, confidence=confidence)
    limits: tuple[Limit, ...] = written if isinstance(written, tuple) else (written,)
    if comparison is Comparison.BETWEEN and _are_reversed(*limits):
        low, high = limits
        what = f"'between' has its limits in the wrong order: {low.text}, {high.text}"
        fix = f"did you mean [{high.text}, {low.text}]?"
        return notes.add(fields.places["between"], what, fix)
    over_ms, for_steps = fields.get("over", 0), fields.get("for", 1)
    return Condition(comparison, limits, over_ms, for_steps, confidence=confidence)


def _are_reversed(low: Limit, high: Limit) -> bool:
    """Whether the limits are the wrong way round, whatever the baseline may be."""
    is_same_kind = low.of_baseline == high.of_baseline
    if low.offset or high.offset:
        return is_same_kind and low.value == high.value and low.offset > high.offset
    return is_same_kind and low.value > high.value


@dataclass(frozen=True, slots=True)
class _ForecastForm:
    """The one word `forecast`."""

    def read(self, node: Node, notes: Notes) -> Any:
        """A limit that is worked out for each step."""
        word = ChoiceForm("band", ("forecast",)).read(node, notes)
        return word if word is WRONG else Limit(math.nan, of_baseline=False, text=word)

    def schema(self) -> dict[str, Any]:
        """An enumeration of one."""
        return ChoiceForm("band", ("forecast",)).schema()


def _build_population(fields: Fields, notes: Notes) -> Any:
    tolerance: Limit | None = fields.get("tolerance")
    if tolerance is None:
        return Population(fields.values["with"], fields.get("worse", "either"))
    place = fields.places["tolerance"]
    if tolerance.of_baseline or tolerance.value < 0:
        return notes.add(place, f"'{tolerance.text}' is no tolerance", "as in 10% or 5")
    is_ratio = tolerance.text.endswith("%")
    return Population(
        fields.values["with"],
        fields.get("worse", "either"),
        tolerance=0.0 if is_ratio else tolerance.value,
        tolerance_ratio=tolerance.value if is_ratio else 0.0,
    )


_POPULATION = MapForm(
    "a comparison of populations",
    {
        "with": Key(_QUERY, "the values to compare with, those of a control group", True),
        "worse": Key(ChoiceForm("direction", ("higher", "lower", "either")), "either unless said"),
        "tolerance": Key(_LIMIT, "the shift that does not matter: 5, or 10% of the other's median"),
    },
    "{with: QUERY, worse: higher, tolerance: 10%}",
    _build_population,
)


def _condition_form(what: str, *, has_populations: bool) -> MapForm:
    keys = {
        "at-least": Key(_LIMIT, "the value is this or more"),
        "at-most": Key(_LIMIT, "the value is this or less"),
        "above": Key(_LIMIT, "the value is more than this"),
        "below": Key(_LIMIT, "the value is less than this"),
        "between": Key(ListForm(_LIMIT, "limits", least=2, most=2), "the value lies between these"),
        "within": Key(_ForecastForm(), "the value lies in the band of a forecast"),
        "over": Key(
            UnitForm(_parse_over, DURATION_SHAPES), "the value is the mean over this window"
        ),
        "for": Key(UnitForm(_parse_lasting, _LASTING_SHAPES), "how long on end before it counts"),
        "confidence": Key(_CONFIDENCE, "of a forecast or a comparison of populations: 95%"),
    }
    if has_populations:
        keys["compare"] = Key(_POPULATION, "the values are no worse than those of another query")
    names = (*_COMPARISONS, *(["compare"] if has_populations else []))
    example = "{at-least: 97%, over: 10s}"
    return MapForm(what, keys, example, _build_condition, one_of=names)


_WEIGHT_SHAPES: tuple[dict[str, Any], ...] = (
    {"enum": list(units.WEIGHTS), "examples": ["critical"]},
    {"type": "number", "exclusiveMinimum": 0, "maximum": units.WEIGHT_MAX},
)
_WEIGHT = UnitForm(units.parse_weight, _WEIGHT_SHAPES)
_SPOKEN_PHASES: Mapping[str, tuple[Phase, ...]] = MappingProxyType(
    {
        **{phase.value: (phase,) for phase in Phase},
        "edge": (Phase.BEFORE, Phase.AFTER),
        "continuous": ALL_PHASES,
    }
)
_WHEN = ListForm(ChoiceForm("time", tuple(_SPOKEN_PHASES)), "times", or_one=True)


_YES = Condition(Comparison.AT_LEAST, (Limit(1.0, of_baseline=False, text="1"),))
"""What a probe must hold that says yes or no."""


def probe_key(name: str) -> str:
    """Where the answers of a check's probe stand among the samples."""
    return f"probe:{name}"


def _build_check(fields: Fields, notes: Notes) -> Any:
    name, probe = fields.values["name"], fields.get("probe")
    if "hold" not in fields.values and (probe is None or "take" in probe.parameters):
        what = "a check lacks 'hold'"
        return notes.add(fields.place, what, "add 'hold': what the value must be")
    hold: Condition = fields.get("hold", _YES)
    is_compared = hold.population is not None
    spoken = fields.get("when", ("during",) if is_compared else ("continuous",))
    phases = tuple(dict.fromkeys(p for word in spoken for p in _SPOKEN_PHASES[word]))
    if is_compared and not set(phases) <= {Phase.DURING, Phase.ON_FAULT}:
        what = "populations are compared over the time of the fault only"
        return notes.add(fields.places["when"], what, "'when: during', or leave it out")
    return Check(
        name,
        fields.values["query"] if probe is None else probe_key(name),
        hold,
        NoData(fields.get("no-data", NoData.INCONCLUSIVE)),
        fields.get("gap", 3000),
        fields.get("weight", units.WEIGHTS["normal"]),
        probe,
        phases,
        fields.get("grace", 0),
    )


CHECK_FORM = MapForm(
    "a check",
    {
        "name": Key(_NAME, "what must be true, in a few words", True),
        "query": Key(_QUERY, "an expression over the store, giving one line"),
        "probe": Key(PROBE_FORM, "a question to the system itself"),
        "hold": Key(_condition_form("a condition", has_populations=True), "what the value must be"),
        "when": Key(_WHEN, "when it is judged: continuous unless said"),
        "grace": Key(duration_form(0), "for so long after the injection it is not judged"),
        "no-data": Key(ChoiceForm("policy", tuple(p.value for p in NoData)), "what silence means"),
        "gap": Key(duration_form(STEP_MS), "the longest silence allowed, as in 3s"),
        "weight": Key(_WEIGHT, "how much it counts in the score: 2 unless said"),
    },
    "{name: …, query: …, hold: {at-least: 97%}}",
    _build_check,
    one_of=("query", "probe"),
    one_of_what="question",
)


_NO = Condition(Comparison.BELOW, (Limit(1.0, of_baseline=False, text="1"),))
"""When a probe that says yes or no stops a run."""


def _build_stop(fields: Fields, notes: Notes) -> Any:
    name, probe = fields.get("name", ""), fields.get("probe")
    if probe is None:
        if "when" not in fields.values:
            what = "a stop condition lacks 'when'"
            return notes.add(fields.place, what, "add 'when': when the fault ends early")
        return StopCondition(fields.values["query"], fields.values["when"], name)
    if not name:
        what = "a stop condition with a probe lacks 'name'"
        return notes.add(fields.place, what, "add 'name': what went too far, in a few words")
    if "when" not in fields.values and "take" in probe.parameters:
        what = "a probe that takes a number needs 'when'"
        return notes.add(fields.places["probe"], what, "add 'when': when the fault ends early")
    return StopCondition(probe_key(f"stop {name}"), fields.get("when", _NO), name, probe)


def _build_outage(fields: Fields, _notes: Notes) -> StopCondition:
    values = fields.values
    return StopCondition(values["query"], values["when"], fields.get("name", ""))


_STOP_NAME = Key(_NAME, "what went too far, in a few words")
_STOP_QUERY = Key(_QUERY, "an expression over the store, giving one line")
_STOP_WHEN = Key(_condition_form("a condition", has_populations=False), "when the fault ends early")
_STOP_EXAMPLE = "{query: …, when: {below: 50% of baseline, for: 3 steps}}"

STOP_FORM = MapForm(
    "a stop condition",
    {
        "name": _STOP_NAME,
        "query": _STOP_QUERY,
        "probe": Key(PROBE_FORM, "a question to the system itself; stops when it says no"),
        "when": _STOP_WHEN,
    },
    _STOP_EXAMPLE,
    _build_stop,
    one_of=("query", "probe"),
    one_of_what="question",
)

OUTAGE_FORM = MapForm(
    "a condition of a guard",
    {
        "name": _STOP_NAME,
        "query": replace(_STOP_QUERY, is_required=True),
        "when": replace(_STOP_WHEN, is_required=True),
    },
    _STOP_EXAMPLE,
    _build_outage,
)
