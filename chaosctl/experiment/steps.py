"""A step of the method: a fault, its selection, and parameters checked by the fault's own table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chaosctl.experiment import nodes, units
from chaosctl.experiment.forms import (
    WRONG,
    ChoiceForm,
    CountForm,
    Fields,
    Form,
    Key,
    MapForm,
    Notes,
    UnitForm,
    kind_of,
)
from chaosctl.experiment.model import Limits, Step
from chaosctl.experiment.nodes import Node, Place, Scalar
from chaosctl.experiment.ramps import (
    LEVEL_MS_MIN,
    can_ramp,
    ramp_form,
    ramped_parameter,
    refuse_levels,
)
from chaosctl.experiment.selecting import SelectForm, where_form
from monkeys.parameters import (
    BadParameter,
    Parameter,
    ParameterType,
    parameters_of,
    read_quantity,
)
from monkeys.quantities import QUANTITIES
from monkeys.target import Fault

Faults = Mapping[str, type[Fault]]

REPEATS_MAX = 1000

DURATION_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "string", "pattern": units.DURATION_PATTERN, "examples": ["30s"]},
)


def duration_form(least_ms: int) -> UnitForm:
    """A duration that is at least so long."""
    spoken = f"{least_ms // 1000}s" if least_ms >= 1000 else f"{least_ms}ms"
    return UnitForm(units.parse_duration, DURATION_SHAPES, least_ms, spoken)


@dataclass(frozen=True, slots=True)
class _Unread:
    """Holds the node back: what it must look like depends on its neighbour."""

    def read(self, node: Node, _notes: Notes) -> Any:
        """The node itself."""
        return node

    def schema(self) -> dict[str, Any]:
        """Any object; the conditions of the step say more."""
        return {"type": "object"}


def parameters_form(
    fault: type[Fault], ramped: str = "", *, is_ramp_wrong: bool = False
) -> MapForm:
    """What stands under `with:` for a fault, by the fault's own declaration.

    ramped: the parameter that has its values from a ramp, and none here. is_ramp_wrong: there is a
    ramp that names none; so none that it could be is missed here.
    """
    keys = {
        parameter.name: Key(
            _form_of(parameter),
            parameter.summary,
            parameter.is_required and not (is_ramp_wrong and can_ramp(parameter)),
        )
        for parameter in parameters_of(fault)
        if parameter.name != ramped
    }
    if not keys:
        return MapForm(f"'with' of {fault.name}", {}, "nothing: it has none")

    def build(fields: Fields, notes: Notes) -> Any:
        named = {p.name: p.field for p in parameters_of(fault)}
        values = {named[name]: value for name, value in fields.values.items()}
        if ramped or is_ramp_wrong:
            return values  # whether they go together is known for each level only
        try:
            fault(**values)
        except BadParameter as bad:
            return notes.add(fields.places.get(bad.parameter, fields.place), bad.what, bad.fix)
        return values

    return MapForm(f"'with' of {fault.name}", keys, build=build)


def _form_of(parameter: Parameter) -> Form:
    match parameter.type:
        case ParameterType.DURATION:
            return _DurationParameter(parameter)
        case ParameterType.QUANTITY:
            return _QuantityParameter(parameter)
        case ParameterType.CHOICE:
            return ChoiceForm(parameter.name, parameter.choices)
        case ParameterType.WHERE:
            return where_form(f"'{parameter.name}'")


@dataclass(frozen=True, slots=True)
class _DurationParameter:
    """A duration within the bounds that the fault declares, in the unit of its field (ms)."""

    parameter: Parameter

    def read(self, node: Node, notes: Notes) -> Any:
        """Milliseconds as float, as faults have them."""
        if isinstance(node, Scalar) and type(node.value) in (int, float):
            what = f"a duration needs its unit: {node.text}"
            return notes.add(node.place, what, f"did you mean '{node.text}ms'?")
        value = duration_form(0).read(node, notes)
        if value is WRONG or not isinstance(node, Scalar):
            return WRONG
        low, high = self.parameter.at_least or 0, self.parameter.at_most or units.DURATION_MS_MAX
        if not low <= value <= high:
            what = f"'{self.parameter.name}' cannot be {node.text}"
            return notes.add(node.place, what, f"from {low:g}ms to {high:g}ms")
        return float(value)

    def schema(self) -> dict[str, Any]:
        """A duration."""
        return duration_form(0).schema()


@dataclass(frozen=True, slots=True)
class _QuantityParameter:
    """An amount within the bounds that the fault declares, in the unit of its field."""

    parameter: Parameter

    def read(self, node: Node, notes: Notes) -> Any:
        """The amount as float, as faults have them."""
        if not isinstance(node, Scalar) or node.value is None:
            example = QUANTITIES[self.parameter.unit].example
            return notes.add(
                node.place, f"expected one value, found {kind_of(node)}", f"as in {example}"
            )
        try:
            return read_quantity(self.parameter, node.text)
        except BadParameter as bad:
            return notes.add(node.place, bad.what, bad.fix)

    def schema(self) -> dict[str, Any]:
        """The text with its unit, and a bare number where there may be one."""
        quantity = QUANTITIES[self.parameter.unit]
        text = {"type": "string", "pattern": quantity.pattern}
        return {"anyOf": [text, {"type": "number"}]} if "" in quantity.units else text


def limits_form(what: str) -> MapForm:
    """How much may be hit: by the whole run, or by one step."""

    def build(fields: Fields, _notes: Notes) -> Limits:
        get = fields.get
        return Limits(get("instances", 0), get("min-healthy", 0), get("per-zone", 0))

    keys = {
        "instances": Key(CountForm(1), "never hit more instances than this"),
        "min-healthy": Key(CountForm(0), "leave at least so many of each service"),
        "per-zone": Key(CountForm(1), "never hit more instances of one zone than this"),
    }
    return MapForm(what, keys, "{instances: 40}", build)


def _build_repeat(fields: Fields, _notes: Notes) -> Any:
    return fields.values["times"], fields.get("pause", 0)


_REPEAT = MapForm(
    "a repeat",
    {
        "times": Key(CountForm(2, REPEATS_MAX), "how often the fault goes in", True),
        "pause": Key(duration_form(0), "how long it stays out in between"),
    },
    "{times: 3, pause: 10s}",
    _build_repeat,
)


@dataclass(frozen=True, slots=True)
class StepForm:
    """One fault of the method."""

    faults: Faults

    def _inner(self) -> MapForm:
        more = f"`chaosctl list faults` shows all {len(self.faults)}"
        return MapForm(
            "a method step",
            {
                "fault": Key(ChoiceForm("fault", tuple(self.faults), more), "what to do", True),
                "select": Key(SelectForm(), "to which instances", True),
                "with": Key(_Unread(), "the fault's own parameters"),
                "for": Key(duration_form(1000), "how long the fault lasts, as in 20s", True),
                "after": Key(duration_form(0), "how long to wait before it goes in"),
                "repeat": Key(_REPEAT, "do it again, as in {times: 3, pause: 10s}"),
                "ramp": Key(_Unread(), "a parameter that grows, level by level"),
                "limits": Key(limits_form("the limits"), "how much this step may hit"),
            },
            "{fault: instance-kill, select: {service: api, one}, for: 20s}",
        )

    def read(self, node: Node, notes: Notes) -> Any:
        """The Step."""
        values = self._inner().read(node, notes)
        told = self._told(node, notes)
        if values is WRONG or told is WRONG:
            return WRONG
        parameters, ramp = told
        if ramp is not None and ramp.over_ms > values["for"]:
            what = f"the ramp takes {ramp.over_ms / 1000:g}s, and the fault ends before that"
            fix = f"at most {values['for'] / 1000:g}s, the fault's 'for'"
            return notes.add(_place_of(node, "ramp"), what, fix)
        times, pause_ms = values.get("repeat", (1, 0))
        return Step(
            fault=values["fault"],
            select=values["select"],
            parameters=parameters,
            for_ms=values["for"],
            after_ms=values.get("after", 0),
            times=times,
            pause_ms=pause_ms,
            ramp=ramp,
            limits=values.get("limits", Limits()),
        )

    def _told(self, node: Node, notes: Notes) -> Any:
        """Parameters and ramp: read apart, so that errors here show even when others do."""
        name = node.get("fault") if isinstance(node, nodes.Mapping) else None
        if not isinstance(node, nodes.Mapping) or not isinstance(name, Scalar):
            return WRONG
        fault = self.faults.get(name.text)
        if fault is None:
            return WRONG
        ramp_node = node.get("ramp")
        given = node.get("with") or nodes.Mapping(name.place, ())
        ramped = ramped_parameter(ramp_node, fault)
        is_ramp_wrong = ramp_node is not None and not ramped
        form = parameters_form(fault, ramped, is_ramp_wrong=is_ramp_wrong)
        parameters = form.read(given, notes)
        ramp = None if ramp_node is None else _read_ramp(fault, ramp_node, notes)
        if parameters is WRONG or ramp is WRONG:
            return WRONG
        place = _place_of(node, "ramp")
        if ramp is not None and refuse_levels(fault, parameters, ramp, place, notes):
            return WRONG
        return parameters, ramp

    def schema(self) -> dict[str, Any]:
        """An object, and for each fault what its parameters look like."""
        schema = self._inner().schema()
        schema["allOf"] = [
            {"if": _is_fault(name), "then": _with(fault)} for name, fault in self.faults.items()
        ]
        return schema


def _read_ramp(fault: type[Fault], node: Node, notes: Notes) -> Any:
    form = ramp_form(fault, _form_of, duration_form(LEVEL_MS_MIN))
    if form is None:
        what = f"{fault.name} has no parameter that could grow"
        return notes.add(node.place, what, "leave 'ramp' out")
    return form.read(node, notes)


def _place_of(node: Node, key: str) -> Place:
    value = node.get(key) if isinstance(node, nodes.Mapping) else None
    return value.place if value is not None else node.place


def _is_fault(name: str) -> dict[str, Any]:
    return {"required": ["fault"], "properties": {"fault": {"const": name}}}


def _with(fault: type[Fault]) -> dict[str, Any]:
    """`with` and `ramp` of a fault; a ramp may stand in for what `with` would have to say."""
    inner = parameters_form(fault).schema()
    required = inner.pop("required", [])
    form = ramp_form(fault, _form_of, duration_form(LEVEL_MS_MIN))
    then: dict[str, Any] = {"properties": {"with": inner}}
    then["properties"]["ramp"] = form.schema() if form is not None else {"not": {}}
    if required:
        filled = {"properties": {"with": {"required": required}}, "required": ["with"]}
        then["anyOf"] = [filled, {"required": ["ramp"]}]
    return then
