"""The text of a Chaos Toolkit document as a tree with places, and back to plain values."""

from __future__ import annotations

import json
import re
from typing import Any

from chaosctl.errors import InvalidExperiment, Problem
from chaosctl.experiment import nodes
from chaosctl.experiment.forms import Notes
from chaosctl.experiment.nodes import Mapping, Node, Scalar, Text, Unreadable, compose
from chaosctl.experiment.settings import override

OWN_KEYS = ("target", "hypothesis", "baseline", "stop", "limits", "recovery", "guards")
ITS_KEYS = (
    "description",
    "steady-state-hypothesis",
    "rollbacks",
    "configuration",
    "secrets",
    "controls",
    "extensions",
    "contributions",
    "runtime",
)
# What YAML 1.1 takes for true and false, and so does the tool whose documents these are.
_BOOLS = {"yes": True, "on": True, "no": False, "off": False, "TRUE": True, "FALSE": False}
_NUMBERS = {".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf"), "NaN": float("nan")}
_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")


def read_tree(text: str, source: str, settings: tuple[str, ...], notes: Notes) -> Node:
    """The tree, with settings applied. Raises InvalidExperiment if there is none to go on with."""
    try:
        root, problems = compose(Text.of(source, text), _as_yaml(text))
    except Unreadable as error:
        raise InvalidExperiment([error.problem]) from error
    if root is None:
        raise InvalidExperiment([Problem("the document is empty", source, "give a document")])
    notes.problems += problems
    return override(root, settings, notes)


def is_toolkit(text: str, source: str) -> bool:
    """Whether the text is a Chaos Toolkit document rather than an experiment of our own."""
    try:
        root, _ = compose(Text.of(source, text), _as_yaml(text))
    except Unreadable:
        return False
    if not isinstance(root, Mapping):
        return False
    names = {key.text for key, _ in root.entries}
    if names & set(OWN_KEYS):
        return False
    method = root.get("method")
    items = method.items if isinstance(method, nodes.Sequence) else ()
    keys = {key.text for item in items if isinstance(item, Mapping) for key, _ in item.entries}
    return bool(names & set(ITS_KEYS) or keys & {"type", "provider", "ref"})


def plain(node: Node) -> Any:
    """The plain value of a node."""
    if isinstance(node, nodes.Sequence):
        return [plain(item) for item in node.items]
    if isinstance(node, Mapping):
        return {key.text: plain(value) for key, value in node.entries}
    if not (node.is_quoted or node.is_block):
        if node.text in _NUMBERS:
            return _NUMBERS[node.text]
        return _BOOLS.get(node.text, node.value)
    return node.value


def near(root: Node, *path: str | int) -> nodes.Place:
    """The place of what stands under the path; of the last that is there."""
    place, node = root.place, root
    for step in path:
        inner: Node | None = None
        if isinstance(node, Mapping) and isinstance(step, str):
            inner = node.get(step)
        elif isinstance(node, nodes.Sequence) and isinstance(step, int):
            inner = node.items[step] if step < len(node.items) else None
        if inner is None:
            break
        node, place = inner, inner.place
    return place


def key_place(node: Mapping, name: str) -> nodes.Place:
    """The place of a key."""
    return next((key.place for key, _ in node.entries if key.text == name), node.place)


def without_literals(text: str, root: Node) -> str:
    """The text with the secrets that stand in it blotted out."""
    block = root.get("secrets") if isinstance(root, Mapping) else None
    for scalar in _literals(block) if block else ():
        if len(scalar.text) > 2:
            for written in (scalar.text, json.dumps(scalar.text)[1:-1]):
                text = text.replace(written, "[secret]")
    return text


def _literals(node: Node) -> list[Scalar]:
    if isinstance(node, Scalar):
        return [node]
    if isinstance(node, nodes.Sequence):
        return [one for item in node.items for one in _literals(item)]
    kind = node.get("type")
    if isinstance(kind, Scalar) and kind.text in ("env", "vault"):
        default = node.get("default")
        return _literals(default) if default else []
    return [one for _, value in node.entries for one in _literals(value)]


def _as_yaml(text: str) -> str:
    """JSON as YAML reads it: it knows neither tabs between values nor halves of characters."""
    if not text.lstrip("\ufeff \t\r\n").startswith("{"):
        return text
    return _PAIR.sub(_joined, text.replace("\t", " ").replace("\\/", "/"))


def _joined(found: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(chr(34) + found[0] + chr(34))):08x}"
