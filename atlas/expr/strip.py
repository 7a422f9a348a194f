"""Taking parts of an expression away: clauses on some keys, filters, looks, lists of offsets."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from atlas.errors import AslError
from atlas.expr.filter_expr import Filter, PriorityFilter, Stat
from atlas.expr.query_expr import Query, on_keys
from atlas.expr.style_expr import StyleExpr
from atlas.expr.text import duration_text
from atlas.expr.tree import Node, rewritten


def without_keys(node: Node, keys: Collection[str]) -> Node:
    """Without the clauses of queries on some keys; a query of which nothing is left is true."""
    return rewritten(
        node, lambda n: on_keys(n, lambda k: k not in keys) if isinstance(n, Query) else None
    )


def without_family(node: Node, family: str) -> Node:
    """Without what the words of a family did, `filter` or `style`."""
    if family == "filter":
        is_filter = Filter | PriorityFilter | Stat
        return rewritten(node, lambda n: n.inner if isinstance(n, is_filter) else None)
    if family == "style":
        return node.expr if isinstance(node, StyleExpr) else node
    raise AslError(
        f"vocabulary '{family}' not supported",
        fix="use 'filter' or 'style'",
        original_class="IllegalArgumentException",
    )


def stripped(styled: StyleExpr, keys: Collection[str], families: Iterable[str]) -> str:
    """The text of what is left of an expression."""
    node = without_keys(styled, keys)
    for family in families:
        node = without_family(node, family)
    return str(node)


def with_plain_offsets(styled: StyleExpr, index: int) -> str:
    """A program with a duration for each `:offset`, where there was a list of them.

    Of several, the expression is set as the variable `Query<index>`.
    """
    offsets = styled.offsets_ms
    plain = styled.without("offset")
    if not offsets:
        return str(styled)
    if len(offsets) == 1:
        return _shifted_text(str(plain), offsets[0])
    name = f"Query{index}"
    shown = [_shifted_text(f"{name},:get", offset_ms) for offset_ms in offsets]
    return ",".join([f"{name},{plain},:set", *shown])


def _shifted_text(text: str, offset_ms: int) -> str:
    return f"{text},{duration_text(offset_ms)},:offset" if offset_ms else text
