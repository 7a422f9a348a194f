"""The legend of a line: a pattern made up from what tells expressions apart, then filled with tags.

Source: Atlas `SimpleLegends.scala`, `Strings.substitute`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from atlas.expr.data_expr import data_exprs
from atlas.expr.query_expr import Compare, Equal, Not, Query, Regex, clauses
from atlas.expr.tree import TimeSeriesExpr

_VARIABLE = re.compile(r"\$(?:\(([^)]*)\)|([a-zA-Z0-9._-]+)|(\())")
_ESCAPED = re.compile(r"\\(\W)")
_UNSIMPLE = re.compile(r"(?<!\\)[.^$?*+\[\](){}|]|\\\w")


def simple_legends(exprs: Sequence[TimeSeriesExpr]) -> list[str | None]:
    """A pattern for each expression; None where its default label says more."""
    pairs = [_shared_pairs(expr) for expr in exprs]
    common = set.intersection(*map(set, (p.items() for p in pairs))) if pairs else set()
    return [_pattern(expr, own, common) for expr, own in zip(exprs, pairs, strict=True)]


def substitute(pattern: str, tags: Mapping[str, str]) -> str:
    """The pattern with `$name` and `$(name)` replaced by tags; unknown names stay."""

    def value(match: re.Match[str]) -> str:
        if match.group(3):
            return "$"
        name = match.group(1) if match.group(1) is not None else match.group(2)
        return tags.get(name, name) if name else "$"

    return _VARIABLE.sub(value, pattern)


def _pattern(
    expr: TimeSeriesExpr, own: Mapping[str, str], common: set[tuple[str, str]]
) -> str | None:
    pairs = {k: v for k, v in own.items() if (k, v) not in common} or dict(sorted(common))
    if not pairs:
        return None
    if expr.grouping is not None:
        return "$(" + ") $(".join(expr.grouping) + ")"
    return pairs["name"] if "name" in pairs else " ".join(v for _, v in sorted(pairs.items()))


def _shared_pairs(expr: TimeSeriesExpr) -> dict[str, str]:
    """What all queries of an expression agree on."""
    per_leaf = [_query_pairs(leaf.query) for leaf in data_exprs(expr)]
    if not per_leaf:
        return {}
    first, *others = per_leaf
    return {k: v for k, v in first.items() if all(other.get(k) == v for other in others)}


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
