"""A YAML file as a tree in which every value knows its place, for errors at file:line:column."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import yaml

from atlas.errors import AtlasError

DEPTH_MAX = 20
SIZE_BYTES_MAX = 1_000_000
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}


class BadFile(AtlasError):
    """A file that cannot be used; `where` is its name, or file:line:column."""


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a file. Every method that reads it raises BadFile if it is another sort."""

    file: str
    node: yaml.Node

    def wrong(self, what: str, fix: str) -> BadFile:
        """The error to raise for what stands here."""
        mark = self.node.start_mark
        return BadFile(what, where=f"{self.file}:{mark.line + 1}:{mark.column + 1}", fix=fix)

    def text(self, expected: str) -> str:
        """The one value here, as it is written."""
        if not isinstance(self.node, yaml.ScalarNode):
            found = "a list" if isinstance(self.node, yaml.SequenceNode) else "a mapping"
            raise self.wrong(f"expected {expected}, found {found}", "write one value")
        if not self.node.value.strip():
            raise self.wrong(f"expected {expected}, found nothing", "write it, or remove its key")
        return str(self.node.value)

    def items(self, expected: str) -> tuple[Place, ...]:
        """The places of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong(f"expected {expected}", "write a list, as in [a, b]")
        return tuple(self._plain(item) for item in self.node.value)

    def entries(
        self, known: Collection[str] | None = None, required: Collection[str] = ()
    ) -> dict[str, Place]:
        """The places of a mapping by key: all that are `required`, none but `known` if given."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("expected a mapping", "write 'key: value', a key a line")
        found: dict[str, Place] = {}
        for key_node, value_node in self.node.value:
            key = self._plain(key_node)
            name = key.text("a key")
            if known is not None and name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f"did you mean '{near[0]}'? " if near else ""
                raise key.wrong(f"unknown key '{name}'", f"{hint}there is: {', '.join(known)}")
            if name in found:
                raise key.wrong(f"'{name}' stands here twice", "remove one")
            found[name] = self._plain(value_node)
        missing = [name for name in required if name not in found]
        if missing:
            raise self.wrong(f"'{missing[0]}' is missing", f"add '{missing[0]}: …'")
        return found

    def key(self, name: str) -> Place:
        """Where a key of the mapping here stands."""
        return next(Place(self.file, key) for key, _ in self.node.value if key.value == name)

    def _plain(self, node: yaml.Node) -> Place:
        place = Place(self.file, node)
        if node.tag not in _PLAIN_TAGS:
            raise place.wrong(f"tag '{node.tag}' has no meaning here", "write the value alone")
        return place


def _refuse_deep(text: str, path: Path) -> None:
    """Raises BadFile before anything recurses as deep as the text is nested."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_MAX:
            raise BadFile("nested too deeply", where=str(path), fix="write less brackets")


def read_tree(path: Path) -> Place | None:
    """The root of a file's only document, or None if there is nothing in it. Raises BadFile."""
    text = _text_of(path)
    try:
        _refuse_deep(text, path)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        what = f"not YAML: {error.problem or error.context}"
        raise BadFile(what, where=where, fix="check indentation, quotes and brackets") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"not YAML: {error.reason}"
        raise BadFile(what, where=f"{path}:{line}", fix="remove the character") from error
    if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
        return None
    return Place(str(path), root)


def _text_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_BYTES_MAX + 1)
    except OSError as error:
        what = f"cannot read the file: {(error.strerror or 'unknown error').lower()}"
        raise BadFile(what, where=str(path), fix="give a YAML file") from error
    if len(data) > SIZE_BYTES_MAX:
        raise BadFile(f"larger than {SIZE_BYTES_MAX} bytes", where=str(path), fix="write less")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise BadFile(what, where=f"{path}:{line}", fix="save the file as UTF-8") from error
