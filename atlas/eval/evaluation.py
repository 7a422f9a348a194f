"""How expressions find who evaluates them: one function for each kind of expression.

    @evaluates(Constant)
    def _constant(expr: Constant, evaluation: Evaluation) -> Lines: …

The functions of a family live in a module of their own; `atlas.eval.evaluate` imports them all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from atlas.eval.lines import Lines
from atlas.expr.data_expr import DataExpr
from atlas.expr.tree import TimeSeriesExpr, walk
from atlas.model import EvalContext
from atlas.store.budget import Budget

E = TypeVar("E", bound=TimeSeriesExpr)

_EVALUATORS: dict[type[TimeSeriesExpr], Callable[[Any, Evaluation], Lines]] = {}


class Evaluation:
    """One evaluation: the window, and the lines of every data expression in it.

    A node that stands in several places, as `:dup` and `:get` put it, is evaluated once.
    """

    def __init__(
        self,
        context: EvalContext,
        leaves: Mapping[DataExpr, Lines],
        exprs: Sequence[TimeSeriesExpr],
        budget: Budget,
    ) -> None:
        self.context = context
        self.leaves = leaves
        self._budget = budget
        computed = (expr for expr in exprs if not isinstance(expr, DataExpr))
        places = Counter(id(node) for expr in computed for node in walk(expr))
        self._shared: dict[int, Lines | None] = {
            node: None for node, count in places.items() if count > 1
        }

    def lines(self, expr: TimeSeriesExpr) -> Lines:
        """The lines of an expression. Whoever calls has silenced numpy's warnings.

        Raises TimedOut when the time for the query is up.
        """
        if isinstance(expr, DataExpr):
            return self.leaves[expr]
        known = self._shared.get(id(expr))
        if known is not None:
            return known
        self._budget.check()
        lines = _EVALUATORS[type(expr)](expr, self)
        if id(expr) in self._shared:
            self._shared[id(expr)] = lines
        return lines


def evaluates(
    kind: type[E],
) -> Callable[[Callable[[E, Evaluation], Lines]], Callable[[E, Evaluation], Lines]]:
    """Have the decorated function evaluate expressions of a kind."""

    def register(function: Callable[[E, Evaluation], Lines]) -> Callable[[E, Evaluation], Lines]:
        _EVALUATORS[kind] = function
        return function

    return register
