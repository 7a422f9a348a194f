"""What counts as an Int, a Query, a TimeSeriesExpr …: the types of words' parameters.

A type is a name and a coercion. A coercion returns `NOT_ONE` for an item that it cannot take, which
is how overloads are told apart. Source: Atlas `ModelDataTypes.scala`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from atlas.errors import AtlasError
from atlas.expr.data_expr import CONSOLIDATIONS, Aggregate, All, GroupBy, data_exprs
from atlas.expr.math_expr import Constant
from atlas.expr.query_expr import Query
from atlas.expr.style_expr import StyleExpr, list_text
from atlas.expr.text import decode, duration_text, parse_duration, parse_number
from atlas.expr.tree import Node, TimeSeriesExpr

NOT_ONE: Final = object()
"""What a coercion returns for an item of another type."""

AslList = tuple[object, ...]
"""A list on the stack. What a program writes in brackets are tokens, neither run nor unescaped."""

_INT = re.compile(r"[+-]?0*\d{1,10}")
_COLOR = re.compile(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}|[a-zA-Z]+\d*")
_INT_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class DataType:
    """A type of a word's parameter."""

    name: str
    coerce: Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time on the stack."""

    duration_ms: int

    def __str__(self) -> str:
        return duration_text(self.duration_ms)


def _string(item: object) -> object:
    return item if isinstance(item, str) else NOT_ONE


def _list(item: object) -> object:
    return item if isinstance(item, tuple) else NOT_ONE


def _string_list(item: object) -> object:
    if not isinstance(item, tuple) or not all(isinstance(part, str) for part in item):
        return NOT_ONE
    return tuple(map(decode, item))


def _double_list(item: object) -> object:
    if not isinstance(item, tuple):
        return NOT_ONE
    numbers = tuple(map(_double, item))
    return NOT_ONE if NOT_ONE in numbers else numbers


def _int(item: object) -> object:
    if isinstance(item, Constant):
        return int(item.value) if abs(item.value) <= _INT_MAX else NOT_ONE
    if isinstance(item, str) and _INT.fullmatch(item) and -_INT_MAX <= int(item) + 1 <= 2**31:
        return int(item)
    return NOT_ONE


def _double(item: object) -> object:
    if isinstance(item, Constant):
        return item.value
    if isinstance(item, str):
        number = parse_number(item)
        return NOT_ONE if number is None else number
    return NOT_ONE


def _duration(item: object) -> object:
    if isinstance(item, Duration):
        return item.duration_ms
    if not isinstance(item, str):
        return NOT_ONE
    try:
        return parse_duration(item)
    except AtlasError:
        return NOT_ONE


def _color(item: object) -> object:
    """A colour by its name, or as hex digits; which names there are depends on the theme."""
    return item if isinstance(item, str) and _COLOR.fullmatch(item) else NOT_ONE


def _palette(item: object) -> object:
    return list_text(item) if isinstance(item, tuple) else _string(item)


def _consolidation(item: object) -> object:
    return item if isinstance(item, str) and item in CONSOLIDATIONS else NOT_ONE


def _query(item: object) -> object:
    return item if isinstance(item, Query) else NOT_ONE


def _aggregate(item: object) -> object:
    if isinstance(item, Query):
        return Aggregate("sum", item)
    return item if isinstance(item, Aggregate) else NOT_ONE


def _aggregated(item: object) -> object:
    """An aggregate that may be grouped."""
    expr = _data_expr(item)
    return NOT_ONE if isinstance(expr, All) else expr


def _data_expr(item: object) -> object:
    if isinstance(item, Query):
        return Aggregate("sum", item)
    return item if isinstance(item, Aggregate | GroupBy | All) else NOT_ONE


def as_series(item: object) -> TimeSeriesExpr | None:
    """The item as an expression: a query is summed, a number is a constant; None for others."""
    if isinstance(item, TimeSeriesExpr):
        return item
    if isinstance(item, Query):
        return Aggregate("sum", item)
    number = _double(item)
    return Constant(number) if isinstance(number, float) else None


def as_styled(item: object) -> StyleExpr | None:
    """The item as an expression with settings, of which there may be none; None for others."""
    if isinstance(item, StyleExpr):
        return item
    expr = as_series(item)
    return None if expr is None else StyleExpr(expr)


def _series(item: object) -> object:
    expr = as_series(item)
    return NOT_ONE if expr is None else expr


def _stored(item: object) -> object:
    """A series computed from aggregates of the store."""
    expr = as_series(item)
    leaves = list(data_exprs(expr)) if expr is not None else []
    return NOT_ONE if not leaves or any(isinstance(leaf, All) for leaf in leaves) else expr


def _stored_item(item: object) -> object:
    """The same for a macro: a query remains one, so that it prints as it was written."""
    return NOT_ONE if _stored(item) is NOT_ONE else item


def _expr(item: object) -> object:
    """What a macro takes: a query remains one, so that it prints as it was written."""
    return item if isinstance(item, Query | StyleExpr) else _series(item)


def _styled(item: object) -> object:
    styled = as_styled(item)
    return NOT_ONE if styled is None else styled


TYPES: Mapping[str, DataType] = MappingProxyType(
    {
        t.name: t
        for t in (
            DataType("AggregateFunction", _aggregate),
            DataType("AggregatedExpr", _aggregated),
            DataType("Any", lambda item: item),
            DataType("Color", _color),
            DataType("ConsolidationFunction", _consolidation),
            DataType("DataExpr", _data_expr),
            DataType("Double", _double),
            DataType("DoubleList", _double_list),
            DataType("Duration", _duration),
            DataType("Expr", _expr),
            DataType("Int", _int),
            DataType("List", _list),
            DataType("Palette", _palette),
            DataType("Query", _query),
            DataType("StoredExpr", _stored),
            DataType("StoredItem", _stored_item),
            DataType("String", _string),
            DataType("StringList", _string_list),
            DataType("Styled", lambda item: item if isinstance(item, StyleExpr) else NOT_ONE),
            DataType("StyleExpr", _styled),
            DataType("TimeSeriesExpr", _series),
        )
    }
)


def type_name(item: object) -> str:
    """The class name under which the original reports an item of the stack."""
    if isinstance(item, Node):
        return item.original_name
    return "List" if isinstance(item, tuple) else type(item).__name__.replace("str", "String")


def item_text(item: object) -> str:
    """An item of the stack as the original prints it: lists as `List(a, b)`."""
    return f"List({', '.join(map(item_text, item))})" if isinstance(item, tuple) else str(item)
