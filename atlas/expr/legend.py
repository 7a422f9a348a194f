"""The legend of a line: a pattern made up from what tells expressions apart, then filled with tags.

Source: Atlas `SimpleLegends.scala`, `Strings.substitute`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from atlas.errors import BadData
from atlas.expr.data_expr import Aggregate, data_exprs
from atlas.expr.math_expr import NamedRewrite
from atlas.expr.pattern_replace import replace_all
from atlas.expr.query_expr import Compare, Equal, Not, Query, Regex, clauses
from atlas.expr.style_expr import StyleExpr
from atlas.expr.text import decode
from atlas.expr.tree import Node, TimeSeriesExpr, rewritten_expr

_VARIABLE = re.compile(r"\$(?:\(([^)]*)\)|([a-zA-Z0-9._-]+)|(\())")
_STATISTICS = ("avg", "last", "max", "min", "total")
_HEX_BYTE = re.compile(r"_([0-9a-fA-F]{2})")
_ESCAPED = re.compile(r"\\(\W)")
_UNSIMPLE = re.compile(r"(?<!\\)[.^$?*+\[\](){}|]|\\\w")


@dataclass(frozen=True, slots=True)
class _Name:
    """A place that a tag's value is put into."""

    key: str


def with_simple_legends(exprs: Sequence[StyleExpr]) -> tuple[StyleExpr, ...]:
    """The expressions with a legend made up for each that has none and is told apart by tags."""
    pairs = [_shared_pairs(styled.expr) for styled in exprs]
    # A constant has nothing in common with anything, and nothing that would tell it apart.
    known = [set(own.items()) for own in pairs if own]
    common = set.intersection(*known) if known else set()
    return tuple(
        _with_simple_legend(styled, own, common) if own else styled
        for styled, own in zip(exprs, pairs, strict=True)
    )


class Legend:
    """What an expression says about the legends of its lines."""

    def __init__(self, styled: StyleExpr) -> None:
        self._pattern = styled.get("legend")
        self._template = None if self._pattern is None else _template(self._pattern)
        self._suffix = " (offset=$(atlas.offset))" if styled.offset_ms else ""
        commands = styled.get("sed")
        self._commands = None if commands is None else commands.split(",")
        said = f"{self._pattern}{commands}"
        self.has_statistics = any(f"atlas.{name}" in said for name in _STATISTICS)

    def text(self, label: str, tags: Mapping[str, str]) -> str:
        """The legend of a line; `label` is what it is called if nothing was said about it."""
        template = self._template
        if template is None:
            pattern = label + self._suffix
            template = _template(pattern) if "$" in pattern else (pattern,)
        text = _filled(template, tags)
        return text if self._commands is None else _edited(text, self._commands, tags)


def _edited(text: str, tokens: Sequence[str], tags: Mapping[str, str]) -> str:
    """The text after the commands `ENCODING,:decode` and `PATTERN,REPLACEMENT,:s`."""
    arguments: list[str] = []
    for token in tokens:
        if token == ":decode":
            text = _decoded(text, arguments.pop())
        elif token == ":s":
            replacement = arguments.pop()
            text = _replaced(text, arguments.pop(), replacement, tags)
        else:
            arguments.append(decode(token))
    return text


def _replaced(text: str, pattern: str, replacement: str, tags: Mapping[str, str]) -> str:
    """The text with matches replaced; groups are variables too, before tags of the same name."""
    return replace_all(pattern, lambda groups: substitute(replacement, {**tags, **groups}), text)


def _decoded(text: str, encoding: str) -> str:
    if encoding == "none":
        return text
    if encoding == "hex":
        return _HEX_BYTE.sub(lambda match: chr(int(match.group(1), 16)), text)
    raise BadData(f"unknown encoding '{encoding}'", fix="use 'hex' or 'none' before :decode")


def substitute(pattern: str, tags: Mapping[str, str]) -> str:
    """The pattern with `$name` and `$(name)` replaced by tags; unknown names stay."""

    return _filled(_template(pattern), tags)


def _template(pattern: str) -> tuple[str | _Name, ...]:
    """What stands in a pattern, names apart from text."""
    parts: list[str | _Name] = []
    end = 0
    for match in _VARIABLE.finditer(pattern):
        name = match.group(1) if match.group(1) is not None else match.group(2)
        parts += [pattern[end : match.start()], _Name(name) if name else "$"]
        end = match.end()
    return (*parts, pattern[end:])


def _filled(template: tuple[str | _Name, ...], tags: Mapping[str, str]) -> str:
    return "".join([tags.get(p.key, p.key) if isinstance(p, _Name) else p for p in template])


def _with_simple_legend(
    styled: StyleExpr, own: Mapping[str, str], common: set[tuple[str, str]]
) -> StyleExpr:
    pairs = {k: v for k, v in own.items() if (k, v) not in common} or dict(sorted(common))
    if not pairs or styled.get("legend") is not None:
        return styled
    grouping = styled.expr.grouping
    if grouping is not None:
        pattern = "$(" + ") $(".join(grouping) + ")"
    elif "name" in pairs:
        pattern = pairs["name"]
    else:
        pattern = " ".join(v for _, v in sorted(pairs.items()))
    suffix = " (offset=$(atlas.offset))" if styled.offset_ms else ""
    return styled.with_setting("legend", pattern + suffix)


def _shared_pairs(expr: TimeSeriesExpr) -> dict[str, str]:
    """What all queries of an expression agree on."""
    plain = rewritten_expr(expr, _as_sum)
    per_leaf = [_query_pairs(leaf.query) for leaf in data_exprs(plain)]
    if not per_leaf:
        return {}
    first, *others = per_leaf
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}


def _as_sum(node: Node) -> Node | None:
    """A custom average as a sum of its query: what it divides by says nothing about it.

    Inside of another rewrite it stays as it is.
    """
    if not isinstance(node, NamedRewrite):
        return None
    is_average = node.word.endswith("-avg") and isinstance(node.display, Query)
    return Aggregate("sum", cast(Query, node.display)) if is_average else node


def _query_pairs(query: Query) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for clause in clauses(query):
        if isinstance(clause, Not):
            inner = _clause_pair(clause.query)
            pairs |= {k: f"!{v}" for k, v in inner.items()}
        else:
            pairs |= _clause_pair(clause)
    return pairs


def _clause_pair(clause: Query) -> dict[str, str]:
    match clause:
        case Equal() | Compare():
            return {clause.key: clause.value}
        case Regex():
            return {clause.key: _plain_text(clause.pattern)}
        case _:
            return {}


def _plain_text(pattern: str) -> str:
    """The text that a pattern looks for, if it is that simple, else the pattern."""
    text = pattern.removeprefix(".*")
    return pattern if _UNSIMPLE.search(text) else _ESCAPED.sub(r"\1", text)
