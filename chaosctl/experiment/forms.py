"""Forms: what a part of a document may look like. A form reads a node, and describes itself.

One table of forms is both the strict reader and the JSON Schema, so that the two cannot differ.
A form returns its value, or `WRONG` after noting what is wrong; the whole document is always read,
so that every error is found at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from chaosctl.errors import Problem
from chaosctl.experiment import nodes, units
from chaosctl.experiment.nodes import Node, Place, Scalar

PROBLEMS_MAX = 100


class Wrong(Enum):
    """The one value that says: noted as wrong."""

    WRONG = "wrong"


WRONG = Wrong.WRONG


class Notes:
    """Collects the problems of one document."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def add(self, place: Place, what: str, fix: str = "") -> Wrong:
        """Note a problem at a place."""
        problem = place.problem(what, fix)
        if problem not in self.problems:  # an alias may be read twice
            self.problems.append(problem)
        return WRONG

    def sorted(self) -> list[Problem]:
        """The problems by place; those of options, which have none, first."""
        return sorted(self.problems, key=lambda p: (p.line, p.column))[:PROBLEMS_MAX]


class Form(Protocol):
    """One shape of a node."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The value of the node, or WRONG."""

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the shape."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The start of a fix: the nearest known word, or nothing.

    >>> did_you_mean("network-latnecy", ["network-latency", "zone-outage"])
    "did you mean 'network-latency'? "
    """
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'? " if near else ""


def kind_of(node: Node) -> str:
    """What a node is, as a person says it."""
    if isinstance(node, nodes.Sequence):
        return "a list"
    if isinstance(node, nodes.Mapping):
        return "a mapping"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"'{node.text}'"
    if isinstance(node.value, int | float):
        return f"the number {node.text}"
    return f"'{node.text}'" if len(node.text) <= 40 else f"'{node.text[:37]}…'"


@dataclass(frozen=True, slots=True)
class TextForm:
    """Text that says something. `check` may note problems of its own (a query)."""

    what: str
    check: Callable[[str, Scalar, Notes], bool] | None = None
    length_max: int = 4000

    def read(self, node: Node, notes: Notes) -> Any:
        """The text without the blanks around it."""
        if not isinstance(node, Scalar) or node.value is None:
            return notes.add(node.place, f"expected {self.what}, found {kind_of(node)}", "write it")
        if isinstance(node.value, bool | int | float):
            fix = f"put it in quotes: '{node.text}'"
            return notes.add(node.place, f"expected {self.what}, found {kind_of(node)}", fix)
        text = node.text.strip()
        if not text:
            return notes.add(node.place, f"expected {self.what}, found nothing", "write it")
        if len(text) > self.length_max:
            what = f"{self.what} is longer than {self.length_max} characters"
            return notes.add(node.place, what, "shorten it")
        if self.check is not None and not self.check(text, node, notes):
            return WRONG
        return text

    def schema(self) -> dict[str, Any]:
        """A string that is not empty."""
        return {"type": "string", "minLength": 1, "maxLength": self.length_max}


@dataclass(frozen=True, slots=True)
class UnitForm:
    """A value with a unit, read by a function of `units`; schema: its alternatives."""

    parse: Callable[[object], Any]
    shapes: tuple[dict[str, Any], ...]
    least: float | None = None
    least_text: str = ""

    def read(self, node: Node, notes: Notes) -> Any:
        """The value in our units."""
        if not isinstance(node, Scalar) or node.value is None or isinstance(node.value, bool):
            fix = f"as in {self.shapes[0]['examples'][0]}"
            return notes.add(node.place, f"expected one value, found {kind_of(node)}", fix)
        try:
            value = self.parse(node.text if isinstance(node.value, str) else node.value)
        except units.BadUnit as bad:
            return notes.add(node.place, bad.what, bad.fix)
        if self.least is not None and value < self.least:
            what = f"'{node.text}' is too little"
            return notes.add(node.place, what, f"at least {self.least_text}")
        return value

    def schema(self) -> dict[str, Any]:
        """One shape, or any of several."""
        return self.shapes[0] if len(self.shapes) == 1 else {"anyOf": list(self.shapes)}


@dataclass(frozen=True, slots=True)
class CountForm:
    """A whole number from `least` to `most`."""

    least: int
    most: int = 1_000_000

    def read(self, node: Node, notes: Notes) -> Any:
        """The number."""
        is_whole = isinstance(node, Scalar) and type(node.value) is int
        if not is_whole or not isinstance(node, Scalar):
            fix = f"from {self.least} to {self.most}"
            return notes.add(node.place, f"expected a whole number, found {kind_of(node)}", fix)
        value = int(node.text)
        if not self.least <= value <= self.most:
            fix = f"from {self.least} to {self.most}"
            return notes.add(node.place, f"{value} is not a possible number here", fix)
        return value

    def schema(self) -> dict[str, Any]:
        """A bounded integer."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


@dataclass(frozen=True, slots=True)
class NumberForm:
    """Any finite number."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The number as float."""
        if isinstance(node, Scalar) and type(node.value) in (int, float):
            value = float(node.text)
            if abs(value) != float("inf"):
                return value
        return notes.add(node.place, f"expected a number, found {kind_of(node)}", "as in 1.5")

    def schema(self) -> dict[str, Any]:
        """A number."""
        return {"type": "number"}


@dataclass(frozen=True, slots=True)
class BoolForm:
    """true or false."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The boolean."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        guess = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        word = guess.get(node.text.lower()) if isinstance(node, Scalar) else None
        fix = f"did you mean '{word}'?" if word else "one of true, false"
        return notes.add(node.place, f"expected true or false, found {kind_of(node)}", fix)

    def schema(self) -> dict[str, Any]:
        """A boolean."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class ChoiceForm:
    """One word of several; `what` names their kind."""

    what: str
    choices: tuple[str, ...]
    more: str = ""

    def read(self, node: Node, notes: Notes) -> Any:
        """The word."""
        if not isinstance(node, Scalar) or node.value is None:
            fix = f"one of {', '.join(self.choices)}"
            return notes.add(node.place, f"expected a {self.what}, found {kind_of(node)}", fix)
        if node.text not in self.choices:
            rest = self.more or f"one of {', '.join(self.choices)}"
            fix = did_you_mean(node.text, self.choices) + rest
            return notes.add(node.place, f"unknown {self.what} '{node.text}'", fix)
        return node.text

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class ListForm:
    """A list of one form. `or_one`: a single item may stand without its list."""

    item: Form
    what: str
    least: int = 1
    most: int = 100
    or_one: bool = False

    def read(self, node: Node, notes: Notes) -> Any:
        """The items as a tuple."""
        if not isinstance(node, nodes.Sequence):
            if self.or_one and isinstance(node, Scalar) and node.value is not None:
                value = self.item.read(node, notes)
                return WRONG if value is WRONG else (value,)
            fix = "as in [a, b]" if isinstance(self.item, UnitForm) else "begin each with '- '"
            what = f"expected a list of {self.what}, found {kind_of(node)}"
            return notes.add(node.place, what, fix)
        count = len(node.items)
        if count < self.least:
            what = f"expected at least {self.least} of {self.what}, found {count or 'none'}"
            return notes.add(node.place, what, "add what is missing")
        if count > self.most:
            what = f"expected at most {self.most} of {self.what}, found {count}"
            return notes.add(node.place, what, "leave some out")
        values = tuple(self.item.read(item, notes) for item in node.items)
        return WRONG if WRONG in values else values

    def schema(self) -> dict[str, Any]:
        """An array, or one item."""
        inner = self.item.schema()
        array = {"type": "array", "items": inner, "minItems": self.least, "maxItems": self.most}
        return {"anyOf": [inner, array]} if self.or_one else array


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping."""

    form: Form
    summary: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Fields:
    """What a mapping held, read: values by key (absent keys are absent), and where they stand."""

    place: Place
    values: dict[str, Any]
    places: dict[str, Place] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key, or the default."""
        return self.values.get(key, default)


def _plain(fields: Fields, _notes: Notes) -> Any:
    return fields.values


@dataclass(frozen=True, slots=True)
class MapForm:
    """A mapping with a table of keys.

    build: makes the value from the fields and may note problems that need several of them; it is
    called only if every field is right. groups: of the keys of a group exactly one must be there,
    or (at_most_one_of) at most one; one_of_what: what they are. prefix: keys `label.<anything>`
    take the form under `label.`.
    example: the smallest right one, for the fix when it is no mapping or lacks a key.
    """

    what: str
    keys: dict[str, Key]
    example: str = ""
    build: Callable[[Fields, Notes], Any] = _plain
    one_of: tuple[str, ...] = ()
    one_of_what: str = "comparison"
    at_most_one_of: tuple[str, ...] = ()
    prefix: str = ""

    def read(self, node: Node, notes: Notes) -> Any:
        """What `build` makes of the fields."""
        if not isinstance(node, nodes.Mapping):
            fix = f"as in {self.example}" if self.example else f"keys: {', '.join(self.keys)}"
            what = f"expected {self.what}, found {kind_of(node)}"
            return notes.add(node.place, what, fix)
        before = len(notes.problems)
        fields = Fields(node.place, {}, {})
        for key, value_node in node.entries:
            form = self._form(key.text)
            if form is None:
                listing = f"keys here: {', '.join(self.keys)}"
                fix = did_you_mean(key.text, self.keys) + listing
                notes.add(key.place, f"unknown key '{key.text}' in {self.what}", fix)
                continue
            fields.places[key.text] = value_node.place
            value = form.read(value_node, notes)
            if value is not WRONG:
                fields.values[key.text] = value
        self._check_presence(node, fields, notes)
        if len(notes.problems) > before:
            return WRONG
        return self.build(fields, notes)

    def _form(self, key: str) -> Form | None:
        if key in self.keys:
            return self.keys[key].form
        if self.prefix and key.startswith(self.prefix) and len(key) > len(self.prefix):
            return self.keys[f"{self.prefix}<key>"].form
        return None

    def _check_presence(self, node: nodes.Mapping, fields: Fields, notes: Notes) -> None:
        for name, known in self.keys.items():
            if not known.is_required or name in fields.places:
                continue
            # A misspelt key has its own, better error.
            unknown = (key for key, _ in node.entries if self._form(key.text) is None)
            if not any(did_you_mean(k.text, [name]) for k in unknown):
                fix = f"add '{name}': {known.summary}"
                notes.add(node.place, f"{self.what} lacks '{name}'", fix)
        listing = ", ".join(self.one_of or self.at_most_one_of)
        present = [k for k in (self.one_of or self.at_most_one_of) if k in fields.places]
        if len(present) > 1:
            place = fields.places[present[1]]
            what = f"{self.what} has both '{present[0]}' and '{present[1]}'"
            notes.add(place, what, f"only one of {listing}")
        elif self.one_of and not present and not self._has_misspelt(node):
            notes.add(node.place, f"{self.what} lacks its {self.one_of_what}", f"one of {listing}")

    def _has_misspelt(self, node: nodes.Mapping) -> bool:
        return any(key.text not in self.keys for key, _ in node.entries)

    def schema(self) -> dict[str, Any]:
        """An object without further keys."""
        named = {n: k for n, k in self.keys.items() if not (self.prefix and "<" in n)}
        properties = {n: {**k.form.schema(), "description": k.summary} for n, k in named.items()}
        schema: dict[str, Any] = {"type": "object", "properties": properties}
        schema["additionalProperties"] = False
        required = [n for n, k in named.items() if k.is_required]
        if required:
            schema["required"] = required
        if self.one_of:
            schema["oneOf"] = [{"required": [name]} for name in self.one_of]
        if self.prefix:
            pattern = "^" + self.prefix.replace(".", "\\.") + ".+$"
            schema["patternProperties"] = {pattern: self.keys[f"{self.prefix}<key>"].form.schema()}
        return schema
