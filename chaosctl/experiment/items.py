"""What a method is made of: faults, and what puts them in order and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chaosctl.experiment import nodes, units
from chaosctl.experiment.forms import (
    WRONG,
    ChoiceForm,
    Fields,
    Form,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
    UnitForm,
    did_you_mean,
)
from chaosctl.experiment.lasting import lanes_of, walk
from chaosctl.experiment.model import (
    Branch,
    Check,
    Item,
    Load,
    Manual,
    Parallel,
    Serial,
    Step,
    Wait,
)
from chaosctl.experiment.nodes import Node, Place
from chaosctl.experiment.steps import Faults, StepForm, duration_form

ITEMS_MAX = 200
"""Of one method, whatever they are nested in."""

KINDS = ("fault", "parallel", "serial", "when", "load", "wait", "manual")
SCHEMA_NAME = "item"

_TIMES_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "number", "exclusiveMinimum": 0, "maximum": units.TIMES_MAX, "examples": [2]},
)
_TIMES = MapForm(
    "a load",
    {"times": Key(UnitForm(units.parse_times, _TIMES_SHAPES), "of the usual traffic", True)},
    "{times: 2}",
    lambda fields, _notes: fields.values["times"],
)


@dataclass(frozen=True, slots=True)
class ItemForm:
    """One item of the method, told by the key that names its kind."""

    faults: Faults

    def read(self, node: Node, notes: Notes) -> Any:
        """The Item."""
        kind = self._kind(node, notes)
        return WRONG if kind is WRONG else self.form(kind).read(node, notes)

    def schema(self) -> dict[str, Any]:
        """A reference, because an item may hold others; `definition` is what it refers to."""
        return {"$ref": f"#/$defs/{SCHEMA_NAME}"}

    def definition(self) -> dict[str, Any]:
        """Any of the kinds, told by the key that each of them must have."""
        return {"oneOf": [{"required": [kind], **self._schema_of(kind)} for kind in KINDS]}

    def form(self, kind: str) -> Form:
        """The form of one kind of item."""
        if kind == "fault":
            return StepForm(self.faults)
        what, keys, example, build = self._table()[kind]
        return MapForm(what, keys, example, build)

    def _schema_of(self, kind: str) -> dict[str, Any]:
        schema = self.form(kind).schema()
        return {**schema, "required": sorted({kind, *schema.get("required", [])})}

    def _table(self) -> dict[str, tuple[str, dict[str, Key], str, Callable[[Fields, Notes], Any]]]:
        items = ListForm(self, "method steps")
        lanes = ListForm(self, "method steps", least=2)
        time = duration_form(1000)
        return {
            "parallel": (
                "a parallel",
                {"parallel": Key(lanes, "these begin at once", True)},
                "{parallel: [{fault: …}, {fault: …}]}",
                lambda fields, _notes: Parallel(fields.values["parallel"]),
            ),
            "serial": (
                "a serial",
                {"serial": Key(items, "these follow each other", True)},
                "{serial: [{wait: 5s}, {fault: …}]}",
                lambda fields, _notes: Serial(fields.values["serial"]),
            ),
            "when": (
                "a branch",
                _branch_keys(items),
                "{when: {check: …, is: broken}, then: [{fault: …}]}",
                _build_branch,
            ),
            "load": (
                "a load step",
                {
                    "load": Key(_TIMES, "the traffic, as in {times: 2}", True),
                    "for": Key(time, "how long it lasts, as in 20s", True),
                    "after": Key(duration_form(0), "how long to wait before it"),
                },
                "{load: {times: 2}, for: 20s}",
                _build_load,
            ),
            "wait": (
                "a wait",
                {"wait": Key(time, "how long nothing is done, as in 10s", True)},
                "{wait: 10s}",
                lambda fields, _notes: Wait(fields.values["wait"]),
            ),
            "manual": (
                "a manual step",
                {
                    "manual": Key(TextForm("what to do", length_max=500), "what to do", True),
                    "within": Key(time, "how long a person has for it, as in 2m", True),
                },
                "{manual: Pull the plug, within: 2m}",
                _build_manual,
            ),
        }

    def _kind(self, node: Node, notes: Notes) -> Any:
        """The kind that the node names; a fault if it names none, which then says what lacks."""
        if not isinstance(node, nodes.Mapping):
            return "fault"
        keys = [key for key, _ in node.entries]
        named = [key for key in keys if key.text in KINDS]
        if len(named) > 1:
            what = f"a method step is both '{named[0].text}' and '{named[1].text}'"
            return notes.add(named[1].place, what, "make two steps of it, each with its own '- '")
        if named:
            return named[0].text
        for key in keys:
            near = did_you_mean(key.text, KINDS)
            if near and not did_you_mean(key.text, ("fault",)):
                fix = f"{near}a step has one of: {', '.join(KINDS)}"
                return notes.add(key.place, f"unknown key '{key.text}' in a method step", fix)
        return "fault"


_WHEN = MapForm(
    "the condition of a branch",
    {
        "check": Key(TextForm("the name of a check", length_max=120), "of the hypothesis", True),
        "is": Key(ChoiceForm("state", ("holding", "broken")), "how it stands by then", True),
    },
    "{check: starts succeed, is: broken}",
)


def _branch_keys(items: Form) -> dict[str, Key]:
    return {
        "when": Key(_WHEN, "a check, as in {check: starts succeed, is: broken}", True),
        "then": Key(items, "done if it is so", True),
        "else": Key(items, "done if it is not"),
    }


def _build_branch(fields: Fields, _notes: Notes) -> Branch:
    when = fields.values["when"]
    then, otherwise = fields.values["then"], fields.get("else", ())
    return Branch(when["check"], when["is"] == "holding", then, otherwise)


def _build_load(fields: Fields, _notes: Notes) -> Load:
    return Load(fields.values["load"], fields.values["for"], fields.get("after", 0))


def _build_manual(fields: Fields, _notes: Notes) -> Manual:
    return Manual(fields.values["manual"], fields.values["within"])


def check_method(
    place: Place, method: tuple[Item, ...], hypothesis: tuple[Check, ...], notes: Notes
) -> None:
    """Note what only the whole method shows: that nothing is done, too much is, or a check is not.

    place: of the method in the document.
    """
    items = list(walk(method))
    if len(items) > ITEMS_MAX:
        what = f"the method has {len(items)} steps, counting those inside of others"
        notes.add(place, what, f"at most {ITEMS_MAX}; make several experiments of it")
    if not any(isinstance(item, Step | Load) for item in items):
        notes.add(place, "the method injects nothing", "add a step with 'fault' or 'load'")
    names = [check.name for check in hypothesis]
    for item in items:
        loads = [any(isinstance(one, Load) for one in walk([lane])) for lane in lanes_of(item)]
        if sum(loads) > 1:
            what = "two loads may be on at the same time, and each sets all of the traffic"
            notes.add(place, what, "put one after the other, or make one of them")
        if isinstance(item, Branch) and item.check not in names:
            what = f"the method branches on the unknown check '{item.check}'"
            notes.add(place, what, f"{did_you_mean(item.check, names)}checks: {', '.join(names)}")
