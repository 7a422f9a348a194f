"""An expression over a store for a window: leaves from the store, the rest on arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import atlas.eval.arithmetic  # registers its kinds of expressions, as do the next
import atlas.eval.filters
import atlas.eval.generators
import atlas.eval.sketches
import atlas.eval.stateful  # noqa: F401
from atlas.eval.evaluation import Evaluation
from atlas.eval.fetch import fetch_leaves
from atlas.eval.lines import Lines, sorted_by_label
from atlas.expr.data_expr import data_exprs
from atlas.expr.tree import TimeSeriesExpr
from atlas.model import EvalContext
from atlas.store.budget import Budget
from atlas.store.memory import MemoryStore


def evaluate(
    store: MemoryStore,
    exprs: Sequence[TimeSeriesExpr],
    context: EvalContext,
    budget: Budget | None = None,
) -> list[Lines]:
    """The lines of each expression, sorted by label. All see the same state of the store.

    Raises LimitExceeded for too many lines, or when the budget is used up.
    """
    budget = budget or Budget()
    leaves = fetch_leaves(
        store, [leaf for expr in exprs for leaf in data_exprs(expr)], context, budget
    )
    evaluation = Evaluation(context, leaves, exprs, budget)
    with np.errstate(all="ignore"):
        return [sorted_by_label(evaluation.lines(expr)) for expr in exprs]
