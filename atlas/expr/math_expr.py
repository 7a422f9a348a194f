"""Arithmetic over lines: constants, unary and binary operators, aggregates of lines, rewrites.

What an operator *computes* is written in `atlas.eval`; here stands what it *is*. How lines are
paired (`grouping`) is decided when the expression is built, so that a mistake is found at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import cast

from atlas.errors import AslError, requirement_failed
from atlas.expr.data_expr import Aggregate, All, GroupBy, keys_text, offset_suffix
from atlas.expr.query_expr import Query
from atlas.expr.text import encode, number_text
from atlas.expr.tree import Node, TimeSeriesExpr, rewritten_expr

_ORIGINAL_NAMES = {
    "abs": "Abs",
    "neg": "Negate",
    "sin": "Sine",
    "clamp-min": "ClampMin",
    "clamp-max": "ClampMax",
    "add": "Add",
    "sub": "Subtract",
    "mul": "Multiply",
    "div": "Divide",
    "pow": "Power",
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
class Clamp(TimeSeriesExpr):
    """Values beyond a bound replaced by the bound; `word` says on which side."""

    word: str
    inner: TimeSeriesExpr
    bound: float

    def __post_init__(self) -> None:
        if math.isnan(self.bound):
            object.__setattr__(self, "bound", math.nan)

    @property
    def original_name(self) -> str:
        """`ClampMin` or `ClampMax`."""
        return _ORIGINAL_NAMES[self.word]

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        return f"{self.inner},{number_text(self.bound)},:{self.word}"


@dataclass(frozen=True, slots=True)
class PerStep(TimeSeriesExpr):
    """Rates per second as rates per step of the graph."""

    inner: TimeSeriesExpr

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside."""
        return self.inner.grouping

    def __str__(self) -> str:
        return f"{self.inner},:per-step"


@dataclass(frozen=True, slots=True)
class Renamed(TimeSeriesExpr):
    """Lines with one of their tag keys under another name, also for grouping."""

    inner: TimeSeriesExpr
    key: str
    new_key: str

    @property
    def original_name(self) -> str:
        """The name of the word."""
        return "As"

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of the lines inside, with the new key."""
        inner = self.inner.grouping
        return inner and tuple(self.new_key if key == self.key else key for key in inner)

    def __str__(self) -> str:
        return f"{self.inner},{encode(self.key)},{encode(self.new_key)},:as"


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

    def with_parts(self, change: Callable[[Node], Node]) -> Node:
        """The same; but of an aggregate, which is one line, only a count is not the line itself."""
        inner = cast(TimeSeriesExpr, change(self.inner))
        if isinstance(inner, Aggregate) and self.function != "count":
            return inner
        return replace(self, inner=inner)

    def __str__(self) -> str:
        return f"{self.inner},:{self.function}"


@dataclass(frozen=True, slots=True)
class LineGroupBy(TimeSeriesExpr):
    """The lines of an expression combined into one for each value of some of their keys."""

    aggregate: LineAggregate
    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        inner = self.aggregate.inner.grouping
        if inner is None:
            raise requirement_failed(
                "input expression must already be grouped with DataExpr.GroupBy"
            )
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

    What changes an expression from within changes the operand, and `expand` is asked again. A query
    has no place for a grouping and an offset that come after the name; they are kept apart, and
    printed after it. `expand_grouped` is what is asked if grouping means more than to group every
    aggregate. `parameters` stand between the operand and the name.
    """

    word: str
    display: Node
    expand: Callable[[Node], TimeSeriesExpr] = field(compare=False, repr=False)
    parameters: tuple[str, ...] = ()
    keys: tuple[str, ...] | None = None
    offset_ms: int = 0
    expand_grouped: Callable[[Node, tuple[str, ...]], TimeSeriesExpr] | None = field(
        default=None, compare=False, repr=False
    )
    expansion: TimeSeriesExpr = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.keys is None:
            expansion = self.expand(self.display)
        elif self.expand_grouped is not None:
            expansion = self.expand_grouped(self.display, self.keys)
        else:
            expansion = _regrouped(self.expand(self.display), self.keys, is_rewrite=True)
        if self.offset_ms:
            expansion = shifted(expansion, self.offset_ms)
        object.__setattr__(self, "expansion", expansion)

    @property
    def grouping(self) -> tuple[str, ...] | None:
        """That of what it stands for."""
        return self.expansion.grouping

    def parts(self) -> Iterator[Node]:
        """What it stands for."""
        yield self.expansion

    def grouped(self, keys: tuple[str, ...]) -> NamedRewrite:
        """The same with every aggregate of its meaning grouped by the keys."""
        grouped = replace(self, keys=keys)
        if not isinstance(self.display, TimeSeriesExpr) or self.display.grouping is not None:
            return grouped
        # It prints with the grouping before the name, where that means the same.
        earlier = replace(self, display=_regrouped(self.display, keys, is_rewrite=False))
        return earlier if earlier.expansion == grouped.expansion else grouped

    def __str__(self) -> str:
        name = ",".join([*self.parameters, f":{self.word}"])
        keys = "" if self.keys is None else f",{keys_text(self.keys)},:by"
        return f"{self.display},{name}{offset_suffix(self.offset_ms)}{keys}"


def grouped_by(expr: TimeSeriesExpr, keys: tuple[str, ...]) -> TimeSeriesExpr:
    """`expr,(,keys,),:by`: every aggregate gets the keys; lines grouped already are regrouped."""
    if expr.grouping is not None:
        return LineGroupBy(LineAggregate("sum", expr), keys)
    return _regrouped(expr, keys, is_rewrite=False)


def _regrouped(expr: Node, keys: tuple[str, ...], *, is_rewrite: bool) -> TimeSeriesExpr:
    """Every aggregate grouped; in the meaning of a rewrite, those of lines must be over groups."""

    def change(node: Node) -> Node | None:
        match node:
            case GroupBy():
                return node
            case Aggregate():
                return GroupBy(node, keys)
            case NamedRewrite():
                return node.grouped(keys)
            case LineAggregate() if is_rewrite or node.inner.grouping is not None:
                return LineGroupBy(node, keys)
            case _:
                return None

    return rewritten_expr(cast(TimeSeriesExpr, expr), change)


def with_common_keys(expr: TimeSeriesExpr, keys: tuple[str, ...]) -> TimeSeriesExpr:
    """`expr,(,keys,),:cg`: the keys are added to every grouping, and what has none gets them."""

    def change(node: Node) -> Node | None:
        match node:
            case NamedRewrite(display=Query()):
                return node.grouped(_merged(node.grouping or (), keys))
            case Aggregate():
                return GroupBy(node, keys)
            case GroupBy():
                return replace(node, keys=_merged(node.keys, keys))
            case LineAggregate():
                return LineGroupBy(replace(node, inner=with_common_keys(node.inner, keys)), keys)
            case LineGroupBy():
                inner = with_common_keys(node.aggregate.inner, keys)
                merged = _merged(node.keys, keys)
                return LineGroupBy(replace(node.aggregate, inner=inner), merged)
            case _:
                return None

    return rewritten_expr(expr, change)


def _merged(keys: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return (*keys, *(key for key in more if key not in keys))


def shifted(expr: TimeSeriesExpr, offset_ms: int) -> TimeSeriesExpr:
    """`expr,DURATION,:offset`: every data expression inside is moved; offsets do not add up."""

    def change(node: Node) -> Node | None:
        match node:
            case Aggregate() | All() | NamedRewrite(display=Query()):
                return replace(node, offset_ms=offset_ms)
            case _:
                return None

    return rewritten_expr(expr, change)


def consolidated_by(expr: TimeSeriesExpr, function: str) -> TimeSeriesExpr:
    """`expr,:cf-FUNCTION`: every aggregate inside is consolidated so; rewrites are spelt out."""

    def spelt_out(node: Node) -> Node | None:
        return node.expansion if isinstance(node, NamedRewrite) else None

    def change(node: Node) -> Node | None:
        return node.consolidated_by(function) if isinstance(node, Aggregate) else None

    return rewritten_expr(rewritten_expr(expr, spelt_out), change)
