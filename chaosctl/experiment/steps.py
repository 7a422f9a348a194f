"""A step of the method: a fault, its selection, and parameters checked by the fault's own table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chaosctl.experiment import nodes, units
from chaosctl.experiment.forms import (
    WRONG,
    ChoiceForm,
    Fields,
    Form,
    Key,
    MapForm,
    Notes,
    UnitForm,
)
from chaosctl.experiment.model import Step
from chaosctl.experiment.nodes import Node, Scalar
from chaosctl.experiment.selecting import SelectForm, where_form
from monkeys.parameters import BadParameter, Parameter, ParameterType, parameters_of
from monkeys.target import Fault

Faults = Mapping[str, type[Fault]]

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


def parameters_form(fault: type[Fault]) -> MapForm:
    """What stands under `with:` for a fault, by the fault's own declaration."""
    keys = {
        parameter.name: Key(_form_of(parameter), parameter.summary, parameter.is_required)
        for parameter in parameters_of(fault)
    }
    if not keys:
        return MapForm(f"'with' of {fault.name}", {}, "nothing: it has none")

    def build(fields: Fields, notes: Notes) -> Any:
        named = {p.name: p.field for p in parameters_of(fault)}
        values = {named[name]: value for name, value in fields.values.items()}
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
            },
            "{fault: instance-kill, select: {service: api, one}, for: 20s}",
        )

    def read(self, node: Node, notes: Notes) -> Any:
        """The Step."""
        values = self._inner().read(node, notes)
        parameters = self._parameters(node, notes)
        if values is WRONG or parameters is WRONG:
            return WRONG
        return Step(values["fault"], values["select"], parameters, values["for"])

    def _parameters(self, node: Node, notes: Notes) -> Any:
        """Read apart from the rest, so that errors here show even when the rest is wrong."""
        name = node.get("fault") if isinstance(node, nodes.Mapping) else None
        if not isinstance(node, nodes.Mapping) or not isinstance(name, Scalar):
            return WRONG
        fault = self.faults.get(name.text)
        if fault is None:
            return WRONG
        given = node.get("with") or nodes.Mapping(name.place, ())
        return parameters_form(fault).read(given, notes)

    def schema(self) -> dict[str, Any]:
        """An object, and for each fault what its parameters look like."""
        schema = self._inner().schema()
        schema["allOf"] = [
            {"if": _is_fault(name), "then": _with(parameters_form(fault))}
            for name, fault in self.faults.items()
        ]
        return schema


def _is_fault(name: str) -> dict[str, Any]:
    return {"required": ["fault"], "properties": {"fault": {"const": name}}}


def _with(form: MapForm) -> dict[str, Any]:
    inner = form.schema()
    then: dict[str, Any] = {"properties": {"with": inner}}
    if inner.get("required"):
        then["required"] = ["with"]
    return then
