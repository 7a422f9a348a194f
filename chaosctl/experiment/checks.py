"""Checks and stop conditions of a document: their keys, and what they must be together."""

from __future__ import annotations

from typing import Any

from chaosctl.experiment import units
from chaosctl.experiment.forms import (
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
    Check,
    Comparison,
    Condition,
    Limit,
    NoData,
    StopCondition,
)
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
    return Check(
        name,
        fields.values["query"] if probe is None else probe_key(name),
        fields.get("hold", _YES),
        NoData(fields.get("no-data", NoData.INCONCLUSIVE)),
        fields.get("gap", 3000),
        fields.get("weight", units.WEIGHTS["normal"]),
        probe,
    )


CHECK_FORM = MapForm(
    "a check",
    {
        "name": Key(_NAME, "what must be true, in a few words", True),
        "query": Key(_QUERY, "an expression over the store, giving one line"),
        "probe": Key(PROBE_FORM, "a question to the system itself"),
        "hold": Key(_condition_form("a condition"), "what the value must be"),
        "no-data": Key(ChoiceForm("policy", tuple(p.value for p in NoData)), "what silence means"),
        "gap": Key(duration_form(STEP_MS), "the longest silence allowed, as in 3s"),
        "weight": Key(_WEIGHT, "how much it counts in the score: 2 unless said"),
    },
    "{name: …, query: …, hold: {at-least: 97%}}",
    _build_check,
    one_of=("query", "probe"),
    one_of_what="question",
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
