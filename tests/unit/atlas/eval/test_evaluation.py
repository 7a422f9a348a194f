"""How expressions are evaluated, whatever they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from atlas.eval.evaluation import Evaluation, evaluates
from atlas.eval.lines import Lines, one_line
from atlas.expr.math_expr import Binary
from atlas.expr.tree import TimeSeriesExpr
from atlas.model import EvalContext
from atlas.store.budget import Budget, TimedOut

CONTEXT = EvalContext(0, 180_000, 60_000)


@dataclass(frozen=True)
class Counted(TimeSeriesExpr):
    """An expression that notes each time it is evaluated."""

    calls: list[int]

    def __str__(self) -> str:
        return "counted"


@evaluates(Counted)
def _counted(expr: Counted, evaluation: Evaluation) -> Lines:
    expr.calls.append(1)
    return one_line({"name": "x"}, "x", np.ones(evaluation.context.step_count))


def test_node_that_stands_in_two_places_is_evaluated_once():
    node = Counted([])
    expr = Binary("add", Binary("mul", node, node), node)
    assert Evaluation(CONTEXT, {}, [expr], Budget()).lines(expr).values.tolist() == [[2, 2, 2]]
    assert len(node.calls) == 1


def test_evaluation_ends_when_the_time_is_up():
    now_s = iter([0.0, 0.5, 2.0])
    budget = Budget(timeout_s=1, clock_s=lambda: next(now_s))
    expr = Binary("add", Counted([]), Counted([]))
    with pytest.raises(TimedOut, match="query timed out after 1 s"):
        Evaluation(CONTEXT, {}, [expr], budget).lines(expr)
