"""Arithmetic over lines: constants, unary and binary operators, aggregates of lines, rewrites.

What an operator *computes* is written in `atlas.eval`; here stands what it *is*. How lines are
paired (`grouping`) is decided when the expression is built, so that a mistake is found at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from atlas.errors import AslError, requirement_failed
from atlas.expr.data_expr import Aggregate, All, GroupBy, keys_text, offset_suffix
from atlas.expr.text import number_text
from atlas.expr.tree import Node, TimeSeriesExpr, rewritten_expr

_ORIGINAL_NAMES = {
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
    "gt": "GreaterThan",
    "ge": "GreaterThanEqual",
    "lt": "LessThan",
    "le": "LessThanEqual",
    "and": "And",
    "or": "Or",
}


@dataclass(frozen=True, slots=True)
class Constant(TimeSeriesExpr):
    """The same value at every step."""

    value: float

    def __post_init__(self) -> None:
        # One NaN for all, or else a constant would not equal itself after printing and parsing.
        if math.isnan(self.value):
            object.__setattr__(self, "value", math.nan)

    def __str__(self) -> str:
        return f"{number_text(self.value)},:const"


@dataclass(frozen=True, slots=True)
class Unary(TimeSeriesExpr):
    """A function of one value, applied to each step of each line."""

    word: str
    inner: TimeSeriesExpr

    @property
    def original_name(self) -> str:
        """`Abs`, `Negate` …"""
        return _ORIGINAL_NAMES.get(self.word, self.word.capitalize())

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        return f"{self.inner},:{self.word}"


@dataclass(frozen=True, slots=True)
class Binary(TimeSeriesExpr):
    """A function of two values, applied to pairs of lines."""

    word: str
    left: TimeSeriesExpr
    right: TimeSeriesExpr

    def __post_init__(self) -> None:
        left, right = self.left.grouping, self.right.grouping
        if left is None or right is None:
            return
        if not (set(left) <= set(right) or set(right) <= set(left)):
            raise AslError(
                "both sides of binary operation must have the same grouping or one side must be"
                f" a subset of the other [{keys_text(left)} ⊈ {keys_text(right)}]",
                fix="group both sides by the same keys",
                original_class="IllegalArgumentException",
            )

    @property
    def original_name(self) -> str:
        """`Add`, `GreaterThan` …"""
        return _ORIGINAL_NAMES.get(self.word, self.word.capitalize())

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the more finely grouped side."""
        left, right = self.left.grouping, self.right.grouping
        if left is None or right is None:
            return left if right is None else right
        return left if set(right) <= set(left) else right

    def __str__(self) -> str:
        return f"{self.left},{self.right},:{self.word}"


@dataclass(frozen=True, slots=True)
class LineAggregate(TimeSeriesExpr):
    """The lines of an expression combined into one."""

    function: str
    inner: TimeSeriesExpr

    @property
    def original_name(self) -> str:
        """`Sum`, `Max` …"""
        return self.function.capitalize()

    def __str__(self) -> str:
        return f"{self.inner},:{self.function}"


@dataclass(frozen=True, slots=True)
class LineGroupBy(TimeSeriesExpr):
    """The lines of an expression combined into one for each value of some of their keys."""

    aggregate: LineAggregate
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        inner = self.aggregate.inner.grouping or ()
        if not set(self.keys) <= set(inner):
            raise requirement_failed(
                f"{keys_text(self.keys)} is not a subset of {keys_text(inner)}"
            )

    @property
    def original_name(self) -> str:
        """The same as of a data expression's."""
        return "GroupBy"

    @property
    def grouping(self) -> tuple[str, ...]:
        """The keys."""
        return self.keys

    def __str__(self) -> str:
        return f"{self.aggregate},{keys_text(self.keys)},:by"


@dataclass(frozen=True, slots=True)
class NamedRewrite(TimeSeriesExpr):
    """A macro that keeps its name in print: `display` is its operand, `expansion` its meaning.

    What changes an expression from within changes the operand, and `expand` is asked again; but a
    grouping and an offset that come after the name are kept apart, and printed after it.
    """

    word: str
    display: Node
    expand: Callable[[Node], TimeSeriesExpr] = field(compare=False, repr=False)
    keys: tuple[str, ...] | None = None
    offset_ms: int = 0
    expansion: TimeSeriesExpr = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        expansion = self.expand(self.display)
        if self.offset_ms:
            expansion = shifted(expansion, self.offset_ms)
        if self.keys is not None:
            expansion = grouped_by(expansion, self.keys)
        object.__setattr__(self, "expansion", expansion)

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of what it stands for."""
        return self.expansion.grouping

    def parts(self) -> Iterator[Node]:
        """What it stands for."""
        yield self.expansion

    def __str__(self) -> str:
        keys = "" if self.keys is None else f",{keys_text(self.keys)},:by"
        return f"{self.display},:{self.word}{offset_suffix(self.offset_ms)}{keys}"


def grouped_by(expr: TimeSeriesExpr, keys: tuple[str, ...]) -> TimeSeriesExpr:
    """`expr,(,keys,),:by`: every aggregate gets the keys; lines grouped already are regrouped."""

    def change(node: Node) -> Node | None:
        match node:
            case LineAggregate() if node.inner.grouping is not None:
                return LineGroupBy(node, keys)
            case Aggregate():
                return GroupBy(node, keys)
            case NamedRewrite():
                return replace(node, keys=keys)
            case _:
                return None

    if expr.grouping is not None:
        return LineGroupBy(LineAggregate("sum", expr), keys)
    return rewritten_expr(expr, change)


def shifted(expr: TimeSeriesExpr, offset_ms: int) -> TimeSeriesExpr:
    """`expr,DURATION,:offset`: every data expression inside is moved; offsets do not add up."""

    def change(node: Node) -> Node | None:
        match node:
            case Aggregate() | All() | NamedRewrite():
                return replace(node, offset_ms=offset_ms)
            case _:
                return None

    return rewritten_expr(expr, change)
