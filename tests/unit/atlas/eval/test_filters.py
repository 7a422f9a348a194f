"""What filters say of themselves, and what they leave of the lines."""

from __future__ import annotations

import numpy as np
import pytest

from atlas.asl import parse_exprs
from atlas.eval.evaluation import Evaluation
from atlas.eval.lines import Lines, sorted_by_label
from atlas.expr.data_expr import data_exprs
from atlas.model import EvalContext
from atlas.store.budget import Budget

GROUPS = "name,x,:eq,(,k,),:by"


def evaluated(program, *, is_rate=()):
    """The lines of a program over three lines: b is 1 2, a is 3 4, c is 5 6."""
    names = ("b", "a", "c")
    lines = Lines(
        tuple({"name": "x", "k": name} for name in names),
        tuple(f"(k={name})" for name in names),
        tuple((name,) for name in names),
        np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]),
        is_rate,
    )
    expr = parse_exprs(program)[0].expr
    leaves = dict.fromkeys(data_exprs(expr), lines)
    evaluation = Evaluation(EvalContext(60_000, 180_000, 60_000), leaves, [expr], Budget())
    return sorted_by_label(evaluation.lines(expr))


@pytest.mark.parametrize(
    ("condition", "notice"),
    [
        (":stat-max,4,:ge", "2 of 3 lines matched filter"),
        (":stat-max,9,:gt", "0 of 3 lines matched filter"),
        ("1,:const", "3 of 3 lines matched filter"),
    ],
)
def test_filter_says_how_many_lines_it_keeps(condition, notice):
    assert evaluated(f"{GROUPS},{condition},:filter").notices == (notice,)


@pytest.mark.parametrize("word", [":neg", ":integral", "max,:stat", ":sum", "max,9,:topk"])
def test_what_comes_after_a_filter_does_not_repeat_it(word):
    assert evaluated(f"{GROUPS},1,:filter,{word}").notices == ()


def test_lines_remain_rates_whatever_is_picked_of_them():
    rates = (True, False, True)  # of b, a, c; shown by label
    assert evaluated(GROUPS, is_rate=rates).is_rate == (False, True, True)
    assert evaluated(f"{GROUPS},max,2,:topk", is_rate=rates).is_rate == (False, True)
    assert evaluated(f"{GROUPS},:stat-max,5,:lt,:filter", is_rate=rates).is_rate == (False, True)
    assert evaluated(f"{GROUPS},5,:rolling-max,:neg", is_rate=rates).is_rate == (False, True, True)
    assert evaluated(f"{GROUPS},max,2,:topk-others-sum", is_rate=rates).is_rate == (
        (False, True, True)
    )


def test_a_statistic_of_a_rate_is_none():
    assert evaluated(f"{GROUPS},max,:stat", is_rate=(True,) * 3).is_rate == ()
