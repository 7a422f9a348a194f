"""The part of a document that says which instances: `all`, `one`, keys, how many, exclude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chaosctl.experiment import units
from chaosctl.experiment.forms import (
    WRONG,
    CountForm,
    Fields,
    Key,
    ListForm,
    MapForm,
    Notes,
    TextForm,
    UnitForm,
    did_you_mean,
    kind_of,
)
from chaosctl.experiment.model import Select
from chaosctl.experiment.nodes import Node, Scalar

RATIO_SHAPES: tuple[dict[str, Any], ...] = (
    {"type": "string", "pattern": units.SHARE_PATTERN, "examples": ["30%"]},
    {"type": "number", "minimum": 0, "maximum": 1, "examples": [0.3]},
)
_NAMES = ListForm(TextForm("a name", length_max=200), "names", or_one=True)
WHERE_KEYS: dict[str, Key] = {
    "service": Key(_NAMES, "instances of these services"),
    "region": Key(_NAMES, "instances in these regions"),
    "zone": Key(_NAMES, "instances in these zones"),
    "group": Key(_NAMES, "instances of these scaling groups"),
    "id": Key(_NAMES, "these instances"),
    "label.<key>": Key(_NAMES, "instances whose label <key> has one of these values"),
}

HOW_MANY = ("all", "one", "count", "percent", "per-zone")


@dataclass(frozen=True, slots=True)
class FlagForm:
    """A key that is there or not: no value, or `true`."""

    def read(self, node: Node, notes: Notes) -> Any:
        """True."""
        if isinstance(node, Scalar) and node.value in (None, True):
            return True
        what = f"expected no value, found {kind_of(node)}"
        return notes.add(node.place, what, "leave the value or the key out")

    def schema(self) -> dict[str, Any]:
        """True or nothing."""
        return {"enum": [True, None]}


def where_form(what: str) -> MapForm:
    """Keys that instances must match, each with one name or several."""

    def build(fields: Fields, notes: Notes) -> Any:
        if not fields.values:
            return notes.add(fields.place, f"{what} is empty", "as in {zone: us-east-1a}")
        return dict(fields.values)

    return MapForm(what, WHERE_KEYS, "{zone: us-east-1a}", build, prefix="label.")


def _build(fields: Fields, notes: Notes) -> Any:
    if not fields.values:
        return notes.add(fields.place, "the selection is empty", "write 'all' to mean everything")
    own = (*HOW_MANY, "exclude")
    where = {key: names for key, names in fields.values.items() if key not in own}
    ratio = fields.get("percent", 0.0)
    count = 1 if "one" in fields.values else fields.get("count", 0)
    per_zone = fields.get("per-zone", 0)
    take_all = not (count or ratio or per_zone)
    return Select(where, fields.get("exclude", {}), count, ratio, take_all, per_zone)


_SELECTION = MapForm(
    "a selection",
    {
        **WHERE_KEYS,
        "all": Key(FlagForm(), "all that match (the default)"),
        "one": Key(FlagForm(), "one of those that match"),
        "count": Key(CountForm(1, 100_000), "so many of those that match"),
        "percent": Key(
            UnitForm(units.parse_share, RATIO_SHAPES, least=1e-9, least_text="more than 0"),
            "this share of those that match, rounded down, at least one",
        ),
        "per-zone": Key(CountForm(1, 100_000), "so many of those that match, in each zone"),
        "exclude": Key(where_form("an exclusion"), "never these; wins over everything"),
    },
    "{zone: us-east-1a}",
    _build,
    at_most_one_of=HOW_MANY,
    prefix="label.",
)


class SelectForm:
    """`all`, `one`, or a mapping."""

    def read(self, node: Node, notes: Notes) -> Any:
        """The Select."""
        if not isinstance(node, Scalar):
            return _SELECTION.read(node, notes)
        if node.text == "all":
            return Select()
        if node.text == "one":
            return Select(count=1, take_all=False)
        fix = did_you_mean(node.text, ("all", "one")) + "'all', 'one', or as in {zone: us-east-1a}"
        what = f"expected a selection, found {kind_of(node)}"
        notes.add(node.place, what, fix)
        return WRONG

    def schema(self) -> dict[str, Any]:
        """A word or an object."""
        return {"anyOf": [{"enum": ["all", "one"]}, _SELECTION.schema()]}
