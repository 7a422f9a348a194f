"""`--set KEY=VALUE`: single values of a document replaced before it is checked.

KEY is a dotted path (`target.switches.no-headroom`, `method.0.for`); VALUE is YAML. The new value
carries the option as its place, so that what is wrong with it is said of the option.
"""

from __future__ import annotations

from chaosctl.experiment import nodes
from chaosctl.experiment.forms import Notes
from chaosctl.experiment.nodes import Node, Place, Scalar, Text, Unreadable, compose

_LABEL = "label."


def override(root: Node, settings: tuple[str, ...], notes: Notes) -> Node:
    """The tree with the settings in place; what cannot be set is noted."""
    for setting in settings:
        root = _override(root, setting, notes)
    return root


def _override(root: Node, setting: str, notes: Notes) -> Node:
    key, equals, written = setting.partition("=")
    text = Text.of(f"--set {setting}", written, is_option=True)
    place = Place(text)
    path = key.strip().split(".")
    if not equals or not all(path):
        notes.add(place, "expected KEY=VALUE", "as in --set method.0.for=10s")
        return root
    try:
        value, problems = compose(text, written)
    except Unreadable as error:
        notes.problems.append(error.problem)
        return root
    notes.problems += problems
    return _put(root, path, value or Scalar(place, "", None), notes, place)


def _put(node: Node, path: list[str], value: Node, notes: Notes, place: Place) -> Node:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(node, nodes.Mapping):
        if head == "label" and rest:
            head, rest = _LABEL + ".".join(rest), []
        inner = node.get(head) or nodes.Mapping(place, ())
        new = _put(inner, rest, value, notes, place)
        if any(key.text == head for key, _ in node.entries):
            entries = tuple((k, new if k.text == head else v) for k, v in node.entries)
        else:
            entries = (*node.entries, (Scalar(place, head, head), new))
        return nodes.Mapping(node.place, entries, node.size + new.size)
    if isinstance(node, nodes.Sequence):
        if not head.isdigit() or int(head) >= len(node.items):
            last = len(node.items) - 1
            what = f"'{head}' is no item of this list"
            notes.add(place, what, f"from 0 to {last}" if last >= 0 else "the list is empty")
            return node
        index = int(head)
        new = _put(node.items[index], rest, value, notes, place)
        items = (*node.items[:index], new, *node.items[index + 1 :])
        return nodes.Sequence(node.place, items, node.size + new.size)
    notes.add(place, f"'{node.text}' has no '{head}' inside", "end KEY at the value it replaces")
    return node
