"""The operators of `atlas.expr.operators` on arrays, both sides of the same shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from atlas.expr.operators import NEARLY_ZERO
from atlas.store.block import FloatArray

BoolArray = npt.NDArray[np.bool_]


def _add(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where(np.isnan(a), b, np.where(np.isnan(b), a, a + b))


def _div(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where(b == 0, np.where(a == 0, 0.0, np.nan), a / b)


def _pow(a: FloatArray, b: FloatArray) -> FloatArray:
    # To the power of NaN, and 1 to the power of infinity, C says 1.
    is_unknown = np.isnan(b) | (np.isinf(b) & (np.abs(a) == 1))
    return np.where(is_unknown, np.nan, np.power(a, b))


def _is_true(a: FloatArray) -> BoolArray:
    return np.asarray(np.abs(a) >= NEARLY_ZERO)


def _truth(a: npt.NDArray[np.bool_] | np.bool_) -> FloatArray:
    return np.asarray(a).astype(np.float64)


UNARY_ARRAYS: Mapping[str, Callable[[FloatArray], FloatArray]] = MappingProxyType(
    {"abs": np.abs, "neg": np.negative, "sin": np.sin, "sqrt": np.sqrt}
)

BINARY_ARRAYS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = MappingProxyType(
    {
        "add": _add,
        "sub": lambda a, b: _add(a, -b),
        "mul": np.multiply,
        "div": _div,
        "pow": _pow,
        "gt": lambda a, b: _truth(a > b),
        "ge": lambda a, b: _truth(a >= b),
        "lt": lambda a, b: _truth(a < b),
        "le": lambda a, b: _truth(a <= b),
        "fadd": np.add,
        "fsub": np.subtract,
        "fmul": np.multiply,
        "fdiv": np.divide,
        "and": lambda a, b: _truth(_is_true(a) & _is_true(b)),
        "or": lambda a, b: _truth(_is_true(a) | _is_true(b)),
    }
)
