"""YAML text to a tree in which everything knows its place. Bounded in size, depth and expansion.

Built from the parser's events, not from its values: so that a duplicate key, an alias or a tag is
seen where it stands, and `no`, `1:30` or `2026-01-01` stay what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from chaosctl.errors import Problem

DEPTH_MAX = 32
NODES_MAX = 50_000
SIZE_BYTES_MAX = 1_000_000

_INT = re.compile(r"^[-+]?[0-9]{1,18}$")
_FLOAT = re.compile(r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?$")
_BOOLS = {"true": True, "True": True, "false": False, "False": False}
_NULLS = ("", "~", "null", "Null", "NULL")
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Text:
    """Where a tree came from: the name of its file (or option), and its lines."""

    name: str
    lines: tuple[str, ...]
    is_option: bool = False

    @classmethod
    def of(cls, name: str, text: str, *, is_option: bool = False) -> Text:
        """The text under its name."""
        return cls(name, tuple(text.splitlines()), is_option)


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line; line and column count from 1."""

    text: Text
    line: int = 0
    column: int = 0
    length: int = 1

    def problem(self, what: str, fix: str = "") -> Problem:
        """A problem found here."""
        if self.text.is_option or not self.line:
            return Problem(what, where=self.text.name, fix=fix)
        lines = self.text.lines
        source = lines[self.line - 1] if self.line <= len(lines) else ""
        where = f"{self.text.name}:{self.line}:{self.column}"
        return Problem(what, where, fix, self.line, self.column, self.length, source)

    def inside(self, offset: int, length: int) -> Place:
        """A stretch that begins `offset` characters into this one."""
        return Place(self.text, self.line, self.column + offset, max(1, length))


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `value` is what plain YAML means (number, bool, None, text); `text` as written."""

    place: Place
    text: str
    value: str | int | float | bool | None
    is_quoted: bool = False
    is_block: bool = False
    size: int = 1


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]
    size: int = 1


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in order of the document; a duplicate key was a problem already."""

    place: Place
    entries: tuple[tuple[Scalar, Node], ...]
    size: int = 1

    def get(self, name: str) -> Node | None:
        """The value of a key."""
        return next((node for key, node in self.entries if key.text == name), None)


Node = Scalar | Sequence | Mapping


class Unreadable(Exception):
    """The text is no YAML tree that we take; there is no more to be found in it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


def compose(text: Text, content: str) -> tuple[Node | None, list[Problem]]:
    """The tree of the only document in `content` (None: there is none), and its problems.

    Raises Unreadable for what is no YAML, or too large or deep.
    """
    if len(content) > SIZE_BYTES_MAX:
        what = f"the document is larger than {SIZE_BYTES_MAX // 1_000_000} MB"
        raise Unreadable(Place(text).problem(what, "split it into several experiments"))
    try:
        return _Composer(text, yaml.parse(content, Loader=_LOADER)).document()
    except yaml.MarkedYAMLError as error:
        raise Unreadable(_syntax_problem(text, error)) from error
    except yaml.reader.ReaderError as error:
        line = content.count("\n", 0, error.position) + 1
        column = error.position - (content.rfind("\n", 0, error.position) + 1) + 1
        place = Place(text, line, column)
        what = f"a control character does not belong here (#x{_code(error):04x})"
        raise Unreadable(place.problem(what, "remove it, or write an escape in quotes")) from error


def _code(error: yaml.reader.ReaderError) -> int:
    return error.character if isinstance(error.character, int) else ord(error.character[:1])


def _syntax_problem(text: Text, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(text, mark.line + 1, mark.column + 1) if mark else Place(text)
    what = str(error.problem or error.context or "not YAML")
    source = place.problem("").source
    if "\t" in source[: place.column]:
        column = source.index("\t") + 1
        place = Place(text, place.line, column)
        return place.problem("a tab cannot indent YAML", "use spaces")
    if "mapping values are not allowed" in what:
        return place.problem("a ':' does not belong here", "quote the text that contains it")
    if "undefined alias" in what:
        return place.problem(what, "an alias needs its anchor (&name) above it")
    hints = ("could not find", "did not find")
    if error.context_mark and not text.is_option and any(hint in what for hint in hints):
        fix = f"look at what begins in line {error.context_mark.line + 1}"
        return place.problem(f"not YAML: {what}", fix)
    return place.problem(f"not YAML: {what}", "check indentation, quotes and brackets")


class _Composer:
    """Builds one tree from the parser's events, following them by recursion of bounded depth."""

    def __init__(self, text: Text, events: Iterator[Any]) -> None:
        self._text, self._events = text, events
        self._anchors: dict[str, Node | None] = {}
        self._problems: list[Problem] = []

    def document(self) -> tuple[Node | None, list[Problem]]:
        """The only document of the stream."""
        root: Node | None = None
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    what = "a second document begins here"
                    self._note(event, what, "a file holds one experiment")
                    break
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, 1)
        return root, self._problems

    def _node(self, event: Any, depth: int) -> Node:
        if depth > DEPTH_MAX:
            place = self._place(event)
            what = f"nested deeper than {DEPTH_MAX} levels"
            raise Unreadable(place.problem(what, "an experiment needs no more than six"))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.tag not in (None, "!"):
            what = f"tag '{event.tag}' has no meaning here"
            is_include = event.tag.startswith("!incl")
            fix = "a document stands alone: write the content here"
            self._note(event, what, fix if is_include else "write the value alone")
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._inner(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        if node.size > NODES_MAX:
            what = f"more than {NODES_MAX} values, counting what aliases repeat"
            raise Unreadable(self._place(event).problem(what, "write less, or fewer aliases"))
        return node

    def _inner(self, event: Any, depth: int) -> Node:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(inner := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(inner, depth + 1))
            size = 1 + sum(item.size for item in items)
            return Sequence(self._place(event), tuple(items), size)
        return self._mapping(event, depth)

    def _mapping(self, event: Any, depth: int) -> Mapping:
        own: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(key_event := next(self._events), yaml.MappingEndEvent):
            key = self._node(key_event, depth + 1)
            node = self._node(next(self._events), depth + 1)
            if not isinstance(key, Scalar):
                problem = key.place.problem("a key must be plain text", "write 'key: value'")
                self._problems.append(problem)
            elif key.text == "<<" and not key.is_quoted:
                self._merge(merged, node)
            elif key.text in own:
                first = own[key.text][0].place.line
                what = f"key '{key.text}' stands here twice"
                fix = f"remove one; the first is in line {first}"
                self._problems.append(key.place.problem(what, fix))
            else:
                own[key.text] = (key, node)
        entries = tuple((merged | own).values())
        size = 1 + sum(1 + node.size for _, node in entries)
        return Mapping(self._place(event), entries, size)

    def _merge(self, merged: dict[str, tuple[Scalar, Node]], node: Node) -> None:
        for source in node.items if isinstance(node, Sequence) else (node,):
            if not isinstance(source, Mapping):
                what = "'<<' takes keys from a mapping, or a list of mappings"
                self._problems.append(source.place.problem(what, "as in '<<: *anchor'"))
                continue
            for key, value in source.entries:
                merged.setdefault(key.text, (key, value))

    def _alias(self, event: Any) -> Node:
        place = self._place(event)
        if event.anchor not in self._anchors:
            what = f"alias '*{event.anchor}' has no anchor"
            raise Unreadable(place.problem(what, f"put '&{event.anchor}' above it"))
        node = self._anchors[event.anchor]
        if node is None:
            what = f"alias '*{event.anchor}' stands inside its own anchor"
            raise Unreadable(place.problem(what, "write the value out"))
        return node

    def _scalar(self, event: Any) -> Scalar:
        is_quoted = event.style in ("'", '"')
        is_block = event.style in ("|", ">")
        text = event.value
        is_plain = not (is_quoted or is_block)
        value = _plain_value(text) if is_plain else text
        return Scalar(self._place(event), text, value, is_quoted, is_block)

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        is_one_line = start.line == end.line and isinstance(event, yaml.ScalarEvent)
        length = max(1, end.column - start.column) if is_one_line else 1
        return Place(self._text, start.line + 1, start.column + 1, length)

    def _note(self, event: Any, what: str, fix: str) -> None:
        self._problems.append(self._place(event).problem(what, fix))


def _plain_value(text: str) -> str | int | float | bool | None:
    if text in _BOOLS:
        return _BOOLS[text]
    if text in _NULLS:
        return None
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
