"""One text for all programs that mean the same: how queries are simplified and put in order.

A query becomes a disjunction of conjunctions; clauses are ordered by their key, the keys of
infrastructure first. Source: Atlas `ExprNormalizer.scala`, `Query.scala`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from atlas.errors import AslError
from atlas.expr.filter_expr import STATISTICS, Filter, Stat
from atlas.expr.legend import substitute
from atlas.expr.query_expr import (
    And,
    Equal,
    In,
    KeyQuery,
    Not,
    Or,
    Query,
    utf16,
)
from atlas.expr.style_expr import StyleExpr
from atlas.expr.tree import Node, rewritten, rewritten_expr

FIRST_KEYS = (
    "name",
    "nf.app",
    "nf.stack",
    "nf.cluster",
    "nf.asg",
    "nf.region",
    "nf.zone",
    "nf.node",
)
LAST_KEYS = ("statistic",)
CONJUNCTIONS_MAX = 1024


class _Parenthesised(Mapping[str, str]):
    """Every variable stands for itself, in brackets."""

    def __getitem__(self, name: str) -> str:
        return f"$({name})"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def normalized(styled: StyleExpr) -> str:
    """The text of an expression, the same for all that select and show the same."""
    legend = styled.get("legend")
    if legend is not None:
        styled = styled.with_setting("legend", substitute(legend, _Parenthesised()))
    plain = rewritten(styled, lambda n: _plain_filter(n) if isinstance(n, Filter) else None)
    ordered = rewritten(plain, lambda n: _ordered(n) if isinstance(n, Query) else None)
    return str(ordered).replace(",:const", "").replace(",:line", "")


def _plain_filter(node: Filter) -> Filter:
    """The filter with `:stat-max` where its condition repeats what is filtered."""

    def change(part: Node) -> Node | None:
        if isinstance(part, Stat) and part.inner == node.inner and part.statistic in STATISTICS:
            return replace(part, is_in_condition=True)
        return None

    return replace(node, condition=rewritten_expr(node.condition, change))


def _ordered(query: Query) -> Query:
    conjunctions = [
        tuple(sorted(set(map(_one_form, _all_of(alternative))), key=_place))
        for alternative in _any_of(query)
    ]
    texts = sorted(
        (_joined(And, clauses) for clauses in _without_redundant(conjunctions)),
        key=lambda q: utf16(str(q)),
    )
    return _joined(Or, tuple(texts))


def _any_of(query: Query) -> list[Query]:
    """Conjunctions of which one must hold."""
    match query:
        case And():
            left, right = _any_of(query.left), _any_of(query.right)
            return _bounded(len(left) * len(right)) or [And(a, b) for a in left for b in right]
        case Or():
            left, right = _any_of(query.left), _any_of(query.right)
            return _bounded(len(left) + len(right)) or left + right
        case Not(And() as inner):
            return _any_of(Or(Not(inner.left), Not(inner.right)))
        case Not(Or() as inner):
            return _any_of(And(Not(inner.left), Not(inner.right)))
        case Not(Not() as inner):
            return [inner.query]
        case _:
            return [query]


def _all_of(query: Query) -> list[Query]:
    """Clauses that must all hold."""
    match query:
        case And():
            return _all_of(query.left) + _all_of(query.right)
        case Or():
            left, right = _all_of(query.left), _all_of(query.right)
            return _bounded(len(left) * len(right)) or [Or(a, b) for a in left for b in right]
        case Not(And() as inner):
            return _all_of(Or(Not(inner.left), Not(inner.right)))
        case Not(Or() as inner):
            return _all_of(And(Not(inner.left), Not(inner.right)))
        case Not(Not() as inner):
            return [inner.query]
        case _:
            return [query]


def _bounded(count: int) -> list[Query]:
    """Nothing. Raises AslError for more clauses than can be written out."""
    if count > CONJUNCTIONS_MAX:
        raise AslError(
            f"query is too complex: more than {CONJUNCTIONS_MAX} combinations of its clauses",
            fix="use :in instead of many queries joined with :or",
        )
    return []


def _one_form(clause: Query) -> Query:
    """The clause with its values in order."""
    if not isinstance(clause, In):
        return clause
    values = tuple(sorted(set(clause.values), key=utf16))
    return Equal(clause.key, values[0]) if len(values) == 1 else In(clause.key, values)


def _place(clause: Query) -> tuple[int, int, bytes]:
    key, text = _key(clause), utf16(str(clause))
    if key in FIRST_KEYS:
        return 0, FIRST_KEYS.index(key), text
    if key in LAST_KEYS:
        return 2, LAST_KEYS.index(key), text
    return 1, 0, text


def _key(query: Query) -> str:
    """The key of the first clause."""
    match query:
        case KeyQuery():
            return query.key
        case And() | Or():
            return _key(query.left)
        case Not():
            return _key(query.query)
        case _:
            return ""


def _without_redundant(conjunctions: list[tuple[Query, ...]]) -> list[tuple[Query, ...]]:
    """Those that are different, but for one that asks for all that the others do, and more."""
    different = list(dict.fromkeys(conjunctions))
    if len(different) == 1:
        return different
    asked_for = {clause for clauses in different for clause in clauses}
    return [clauses for clauses in different if not asked_for <= set(clauses)]


def _joined(kind: type[And | Or], queries: tuple[Query, ...]) -> Query:
    first, *others = queries
    for query in others:
        first = kind(first, query)
    return first
