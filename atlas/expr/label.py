"""Labels: what a line is called when it has no legend. Source: Atlas `Query.labelString`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from atlas.expr.data_expr import Aggregate
from atlas.expr.query_expr import (
    And,
    Compare,
    Equal,
    FalseQuery,
    HasKey,
    In,
    Not,
    Or,
    Query,
    Regex,
)

_SIGNS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}


def query_label(query: Query) -> str:  # noqa: PLR0911 (a return for each kind of query)
    """A query as a reader sees it: `(name=sps) and (status~/^5/)`."""
    match query:
        case And():
            return f"({query_label(query.left)}) and ({query_label(query.right)})"
        case Or():
            return f"({query_label(query.left)}) or ({query_label(query.right)})"
        case Not():
            return f"not({query_label(query.query)})"
        case HasKey():
            return f"has({query.key})"
        case Equal():
            return f"{query.key}={query.value}"
        case Compare():
            return f"{query.key}{_SIGNS[query.word]}{query.value}"
        case In():
            return f"{query.key} in ({','.join(query.values)})"
        case Regex():
            return f"{query.key}~/^{query.pattern}/{'i' if query.ignore_case else ''}"
        case _:
            return "false" if isinstance(query, FalseQuery) else "true"


def aggregate_label(aggregate: Aggregate) -> str:
    """An aggregate of a query: `sum(name=sps)`."""
    return f"{aggregate.function}({query_label(aggregate.query)})"


def tag_label(tags: Mapping[str, str]) -> str:
    """The label of a line that has no other: its tags."""
    return ", ".join(f"{k}={v}" for k, v in sorted(tags.items())) or "NO TAGS"


def group_labels(keys: Sequence[str], groups: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """The label of each group: `(k=v k2=v2)`, in the order of the keys."""
    pattern = f"({' '.join(key.replace('%', '%%') + '=%s' for key in keys)})"
    return tuple(pattern % values for values in groups)
