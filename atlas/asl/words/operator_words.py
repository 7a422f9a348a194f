"""Words that apply a function to the values of lines, or to the lines at each step."""

from __future__ import annotations

from collections.abc import Callable

from atlas.asl.word import Context
from atlas.asl.words.math_words import MATH
from atlas.expr.math_expr import Clamp, Constant, PerStep
from atlas.expr.operations import applied, combined, paired_up
from atlas.expr.operators import BINARY, UNARY
from atlas.expr.style_expr import StyleExpr
from atlas.expr.tree import TimeSeriesExpr

_UNARY_SIGNATURE = "TimeSeriesExpr -- TimeSeriesExpr"
_BINARY_SIGNATURE = "t1:TimeSeriesExpr t2:TimeSeriesExpr -- TimeSeriesExpr"
_UNARY_EXAMPLES = ("name,sps,:eq", "-1.5")
_BINARY_EXAMPLES = ("name,sps,:eq,42", "1,2,:const", "a,:has,(,k,),:by,b,:has,:max")
_CLAMP_EXAMPLES = ("name,sps,:eq,:sum,200e3", "name,sps,:eq,NaN")
_RIGHT_ANGLE = Constant(1.5707963267948966)


@MATH.word(
    "clamp-min",
    "TimeSeriesExpr min:Double -- TimeSeriesExpr",
    examples=_CLAMP_EXAMPLES,
    keeps_style=True,
)
def _clamp_min(expr: TimeSeriesExpr, bound: float) -> TimeSeriesExpr:
    """Values below the bound are raised to it."""
    return Clamp("clamp-min", expr, bound)


@MATH.word(
    "clamp-max",
    "TimeSeriesExpr max:Double -- TimeSeriesExpr",
    examples=_CLAMP_EXAMPLES,
    keeps_style=True,
)
def _clamp_max(expr: TimeSeriesExpr, bound: float) -> TimeSeriesExpr:
    """Values above the bound are lowered to it."""
    return Clamp("clamp-max", expr, bound)


def _unary_word(name: str) -> None:
    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        return applied(name, expr)

    run.__doc__ = UNARY[name].summary
    MATH.word(name, _UNARY_SIGNATURE, examples=_UNARY_EXAMPLES, keeps_style=True)(run)


def _binary_word(name: str) -> None:
    def run(left: TimeSeriesExpr, right: TimeSeriesExpr) -> TimeSeriesExpr:
        return paired_up(name, left, right)

    run.__doc__ = BINARY[name].summary
    MATH.word(name, _BINARY_SIGNATURE, examples=_BINARY_EXAMPLES, keeps_style=True)(run)


for _name in UNARY:
    _unary_word(_name)
for _name in BINARY:
    _binary_word(_name)


@MATH.word("per-step", _UNARY_SIGNATURE, examples=_UNARY_EXAMPLES, keeps_style=True)
def _per_step(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    """Makes rates per second rates per step of the graph, so counts of events."""
    return PerStep(expr)


def _aggregate_word(function: str, summary: str) -> None:
    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        return combined(function, expr)

    run.__doc__ = summary
    examples = ("name,sps,:eq,(,k,),:by", "name,sps,:eq,:max")
    MATH.word(function, _UNARY_SIGNATURE, examples=examples, keeps_style=True)(run)


_aggregate_word("sum", "The lines of an expression added up; one aggregate stays as it is.")
_aggregate_word("count", "How many lines of an expression have a value.")
_aggregate_word("min", "The smallest of the lines; one aggregate stays as it is.")
_aggregate_word("max", "The largest of the lines; one aggregate stays as it is.")


def _sine(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    return applied("sin", expr)


def _cosine(expr: TimeSeriesExpr) -> TimeSeriesExpr:
    return _sine(paired_up("sub", _RIGHT_ANGLE, expr))


def _quotient(left: TimeSeriesExpr, right: TimeSeriesExpr) -> TimeSeriesExpr:
    return paired_up("div", left, right)


def _angle_word(name: str, function: Callable[[TimeSeriesExpr], TimeSeriesExpr], text: str) -> None:
    def run(expr: TimeSeriesExpr) -> TimeSeriesExpr:
        return function(expr)

    run.__doc__ = text
    MATH.word(name, _UNARY_SIGNATURE, examples=_UNARY_EXAMPLES, keeps_style=True)(run)


def _two_sided_word(
    name: str, function: Callable[[TimeSeriesExpr], TimeSeriesExpr], text: str
) -> None:
    # Both sides of the quotient have the style of the operand, and of two styles none is kept.
    def run(context: Context, styled: StyleExpr) -> Context:
        return context.push(function(styled.expr))

    run.__doc__ = text
    MATH.context_word(name, _UNARY_SIGNATURE, takes="StyleExpr", examples=_UNARY_EXAMPLES)(run)


_angle_word("cos", _cosine, "The cosine of each value, in radians.")
_two_sided_word(
    "tan", lambda x: _quotient(_sine(x), _cosine(x)), "The tangent of each value, in radians."
)
_two_sided_word(
    "cot", lambda x: _quotient(_cosine(x), _sine(x)), "The cotangent of each value, in radians."
)
_angle_word(
    "sec", lambda x: _quotient(Constant(1.0), _cosine(x)), "The secant of each value, in radians."
)
_angle_word(
    "csc", lambda x: _quotient(Constant(1.0), _sine(x)), "The cosecant of each value, in radians."
)
