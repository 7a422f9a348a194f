"""How expressions find who evaluates them: one function for each kind of expression.

    @evaluates(Constant)
    def _constant(expr: Constant, evaluation: Evaluation) -> Lines: …

The functions of a family live in a module of their own; `atlas.eval.evaluate` imports them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from atlas.eval.lines import Lines
from atlas.expr.data_expr import DataExpr
from atlas.expr.tree import TimeSeriesExpr
from atlas.model import EvalContext

E = TypeVar("E", bound=TimeSeriesExpr)

_EVALUATORS: dict[type[TimeSeriesExpr], Callable[[Any, Evaluation], Lines]] = {}


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One evaluation: the window, and the lines of every data expression in it."""

    context: EvalContext
    leaves: Mapping[DataExpr, Lines]

    def lines(self, expr: TimeSeriesExpr) -> Lines:
        """The lines of an expression. Whoever calls has silenced numpy's warnings."""
        if isinstance(expr, DataExpr):
            return self.leaves[expr]
        return _EVALUATORS[type(expr)](expr, self)


def evaluates(
    kind: type[E],
) -> Callable[[Callable[[E, Evaluation], Lines]], Callable[[E, Evaluation], Lines]]:
    """Have the decorated function evaluate expressions of a kind."""

    def register(function: Callable[[E, Evaluation], Lines]) -> Callable[[E, Evaluation], Lines]:
        _EVALUATORS[kind] = function
        return function

    return register
