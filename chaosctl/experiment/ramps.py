"""The part of a step that lets a parameter grow or shrink: from, to, over what time, in levels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chaosctl.experiment import nodes
from chaosctl.experiment.forms import WRONG, CountForm, Fields, Form, Key, MapForm, Notes
from chaosctl.experiment.model import Ramp
from chaosctl.experiment.nodes import Node, Place
from monkeys.parameters import BadParameter, Parameter, ParameterType, parameters_of
from monkeys.target import Fault

LEVELS_MAX = 100
LEVELS = 4
LEVEL_MS_MIN = 1000


def can_ramp(parameter: Parameter) -> bool:
    """Whether it is a quantity, so that there is something between two of its values."""
    return parameter.type in (ParameterType.DURATION, ParameterType.QUANTITY)


def ramped_parameter(node: Node | None, fault: type[Fault]) -> str:
    """The parameter that a `ramp:` names, as the user calls it; empty if none is."""
    if not isinstance(node, nodes.Mapping):
        return ""
    names = {p.name for p in parameters_of(fault) if can_ramp(p)}
    return next((key.text for key, _ in node.entries if key.text in names), "")


def ramp_form(
    fault: type[Fault], form_of: Callable[[Parameter], Form], over: Form
) -> MapForm | None:
    """What stands under `ramp:` for a fault; None if none of its parameters can grow.

    form_of: the form of one value of a parameter; over: of the time.
    """
    able = {p.name: p for p in parameters_of(fault) if can_ramp(p)}
    if not able:
        return None

    def build(fields: Fields, notes: Notes) -> Any:
        name = next(name for name in able if name in fields.values)
        first, last = fields.values[name]
        count, over_ms = fields.get("steps", LEVELS), fields.values["over"]
        if over_ms < count * LEVEL_MS_MIN:
            what = f"{count} levels in {over_ms / 1000:g}s would last less than a second each"
            fix = f"at least {count * LEVEL_MS_MIN // 1000}s, or fewer steps"
            return notes.add(fields.places["over"], what, fix)
        grown = (last - first) / (count - 1)
        levels = tuple(first + grown * number for number in range(count))
        return Ramp(able[name].field, levels, over_ms)

    keys = {name: Key(_ends_form(p, form_of(p)), p.summary) for name, p in able.items()}
    keys["over"] = Key(over, "how long all levels take together, as in 20s", True)
    keys["steps"] = Key(CountForm(2, LEVELS_MAX), f"how many levels: {LEVELS} unless said")
    return MapForm(
        f"'ramp' of {fault.name}",
        keys,
        "{delay: {from: 50ms, to: 400ms}, over: 20s}",
        build,
        one_of=tuple(able),
        one_of_what="parameter",
    )


def _ends_form(parameter: Parameter, value: Form) -> MapForm:
    def build(fields: Fields, notes: Notes) -> Any:
        first, last = fields.values["from"], fields.values["to"]
        if first == last:
            what = f"'{parameter.name}' does not change: it begins and ends at the same value"
            return notes.add(fields.places["to"], what, "put it under 'with', without a ramp")
        return first, last

    keys = {"from": Key(value, "at the first level", True)}
    keys["to"] = Key(value, "at the last level", True)
    return MapForm(f"the ramp of '{parameter.name}'", keys, "{from: 50ms, to: 400ms}", build)


def refuse_levels(
    fault: type[Fault], parameters: Mapping[str, Any], ramp: Ramp, place: Place, notes: Notes
) -> bool:
    """Whether some level does not go with the other parameters; then that is noted."""
    for level in ramp.levels:
        try:
            fault(**parameters, **{ramp.field: level})
        except BadParameter as bad:
            return notes.add(place, f"at {level:g}: {bad.what}", bad.fix) is WRONG
    return False
