"""What counts as an Int, a Query, a TimeSeriesExpr …: the types of words' parameters.

A type is a name and a coercion. A coercion returns `NOT_ONE` for an item that it cannot take, which
is how overloads are told apart. Source: Atlas `ModelDataTypes.scala`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from atlas.expr.data_expr import Aggregate, All, GroupBy
from atlas.expr.math_expr import (
    Binary,
    Constant,
    LineAggregate,
    LineGroupBy,
    NamedRewrite,
    TimeSeriesExpr,
    Unary,
)
from atlas.expr.query_expr import Compare, Query, Regex
from atlas.expr.text import decode, parse_number

NOT_ONE: Final = object()
"""What a coercion returns for an item of another type."""

AslList = tuple[str, ...]
"""A list on the stack: tokens, neither run nor unescaped."""


@dataclass(frozen=True, slots=True)
class DataType:
    """A type of a word's parameter."""

    name: str
    coerce: Callable[[object], object]


def _string(item: object) -> object:
    return item if isinstance(item, str) else NOT_ONE


def _list(item: object) -> object:
    return item if isinstance(item, tuple) else NOT_ONE


def _string_list(item: object) -> object:
    return tuple(decode(s) for s in item) if isinstance(item, tuple) else NOT_ONE


def _double(item: object) -> object:
    if isinstance(item, Constant):
        return item.value
    if isinstance(item, str):
        number = parse_number(item)
        return NOT_ONE if number is None else number
    return NOT_ONE


def _query(item: object) -> object:
    return item if isinstance(item, Query) else NOT_ONE


def _aggregate(item: object) -> object:
    if isinstance(item, Query):
        return Aggregate("sum", item)
    return item if isinstance(item, Aggregate) else NOT_ONE


def as_series(item: object) -> TimeSeriesExpr | None:
    """The item as an expression: a query is summed, a number is a constant; None for others."""
    if isinstance(item, TimeSeriesExpr):
        return item
    if isinstance(item, Query):
        return Aggregate("sum", item)
    number = _double(item)
    return Constant(number) if isinstance(number, float) else None


def _series(item: object) -> object:
    expr = as_series(item)
    return NOT_ONE if expr is None else expr


TYPES: Mapping[str, DataType] = MappingProxyType(
    {
        t.name: t
        for t in (
            DataType("AggregateFunction", _aggregate),
            DataType("Any", lambda item: item),
            DataType("Double", _double),
            DataType("List", _list),
            DataType("Query", _query),
            DataType("String", _string),
            DataType("StringList", _string_list),
            DataType("TimeSeriesExpr", _series),
        )
    }
)

_COMPARE_NAMES = {
    "lt": "LessThan",
    "le": "LessThanEqual",
    "gt": "GreaterThan",
    "ge": "GreaterThanEqual",
}
_OPERATOR_NAMES = _COMPARE_NAMES | {
    "abs": "Abs",
    "neg": "Negate",
    "add": "Add",
    "sub": "Subtract",
    "mul": "Multiply",
    "div": "Divide",
    "fadd": "FAdd",
    "fsub": "FSubtract",
    "fmul": "FMultiply",
    "fdiv": "FDivide",
    "and": "And",
    "or": "Or",
}


def type_name(item: object) -> str:  # noqa: PLR0911 (a return for each kind of item)
    """The class name under which the original reports an item of the stack."""
    match item:
        case str():
            return "String"
        case tuple():
            return "List"
        case Compare():
            return _COMPARE_NAMES[item.word]
        case Regex():
            return "RegexIgnoreCase" if item.ignore_case else "Regex"
        case Aggregate() | LineAggregate():
            return item.function.capitalize()
        case Unary() | Binary():
            return _OPERATOR_NAMES.get(item.word, item.word)
        case LineGroupBy() | GroupBy():
            return "GroupBy"
        case All() | NamedRewrite() | Constant():
            return type(item).__name__
        case _:
            return type(item).__name__.removesuffix("Query")
