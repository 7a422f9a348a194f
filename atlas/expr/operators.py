"""What each operator computes from numbers, with the rules for NaN: the definition.

`atlas.eval.operators` says the same of arrays; a property test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

NEARLY_ZERO = 1e-12
"""Numbers closer to zero than this are false."""


@dataclass(frozen=True, slots=True)
class UnaryOperator:
    """A function of one number."""

    summary: str
    of_numbers: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class BinaryOperator:
    """A function of two numbers."""

    summary: str
    of_numbers: Callable[[float, float], float]


def _add(a: float, b: float) -> float:
    if math.isnan(a):
        return b
    return a if math.isnan(b) else a + b


def _div(a: float, b: float) -> float:
    if b == 0:
        return 0.0 if a == 0 else math.nan
    return a / b


def _fdiv(a: float, b: float) -> float:
    if b == 0:
        sign = math.copysign(1.0, a) * math.copysign(1.0, b)
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, sign)
    return a / b


def _pow(a: float, b: float) -> float:
    """As Java has it, which differs from C: 1 to the power of what is no number is none either."""
    if b == 0:
        return 1.0
    if math.isnan(a) or math.isnan(b) or (abs(a) == 1 and math.isinf(b)):
        return math.nan
    try:
        return math.pow(a, b)
    except ValueError:  # a zero to a negative power, or a root of a negative number
        is_odd = abs(b) % 2 == 1
        return math.nan if a else math.copysign(math.inf, a) if is_odd else math.inf
    except OverflowError:
        return -math.inf if a < 0 and abs(b) % 2 == 1 else math.inf


def _sin(a: float) -> float:
    return math.nan if math.isinf(a) else math.sin(a)


def _sqrt(a: float) -> float:
    return math.nan if a < 0 else math.sqrt(a)


def _is_true(value: float) -> bool:
    return abs(value) >= NEARLY_ZERO  # false for NaN


UNARY: Mapping[str, UnaryOperator] = MappingProxyType(
    {
        "abs": UnaryOperator("Each value without its sign.", abs),
        "neg": UnaryOperator("Each value with its sign turned.", lambda a: -a),
        "sin": UnaryOperator("The sine of each value, in radians.", _sin),
        "sqrt": UnaryOperator("The square root; a gap for negative values.", _sqrt),
    }
)

BINARY: Mapping[str, BinaryOperator] = MappingProxyType(
    {
        "add": BinaryOperator("Sum; a gap on one side counts as nothing.", _add),
        "sub": BinaryOperator("Difference; a gap counts as nothing.", lambda a, b: _add(a, -b)),
        "mul": BinaryOperator("Product.", lambda a, b: a * b),
        "div": BinaryOperator("Quotient; 0/0 is 0, and anything else over 0 a gap.", _div),
        "pow": BinaryOperator("Left to the power of right.", _pow),
        "gt": BinaryOperator("1 where left is greater, else 0.", lambda a, b: float(a > b)),
        "ge": BinaryOperator("1 where left is not smaller, else 0.", lambda a, b: float(a >= b)),
        "lt": BinaryOperator("1 where left is smaller, else 0.", lambda a, b: float(a < b)),
        "le": BinaryOperator("1 where left is not greater, else 0.", lambda a, b: float(a <= b)),
        "fadd": BinaryOperator("Sum; a gap on either side is a gap.", lambda a, b: a + b),
        "fsub": BinaryOperator("Difference; a gap on either side is a gap.", lambda a, b: a - b),
        "fmul": BinaryOperator("Product; a gap on either side is a gap.", lambda a, b: a * b),
        "fdiv": BinaryOperator("Quotient as IEEE 754 has it.", _fdiv),
        "and": BinaryOperator(
            "1 where neither side is 0 or a gap, else 0.",
            lambda a, b: float(_is_true(a) and _is_true(b)),
        ),
        "or": BinaryOperator(
            "1 where a side is neither 0 nor a gap, else 0.",
            lambda a, b: float(_is_true(a) or _is_true(b)),
        ),
    }
)
