"""Programs to what a caller wants of them: lines to draw, or a single query."""

from __future__ import annotations

from atlas.asl.datatypes import as_series
from atlas.asl.interpreter import run_program
from atlas.asl.words import MATH, QUERY
from atlas.errors import AslError
from atlas.expr.math_expr import TimeSeriesExpr
from atlas.expr.query_expr import Query


def parse_exprs(program: str) -> tuple[TimeSeriesExpr, ...]:
    """The expressions of a graph's program, first written first."""
    return tuple(_expr(item) for item in run_program(program, MATH))


def parse_query(program: str) -> Query:
    """The one query that `program` leaves. Raises AslError if it leaves anything else."""
    stack = run_program(program, QUERY)
    if len(stack) == 1 and isinstance(stack[0], Query):
        return stack[0]
    raise AslError(
        "expected a single query on the stack",
        fix="join queries with :and, as in 'a,1,:eq,b,:has,:and'",
    )


def _expr(item: object) -> TimeSeriesExpr:
    expr = as_series(item)
    if expr is None:
        raise AslError(
            f"expecting time series expr, found {_found(item)}",
            fix="every item of the program must end as an expression",
            original_class="IllegalArgumentException",
        )
    return expr


def _found(item: object) -> str:
    # The class names of Scala's lists are part of the text that clients have seen.
    if isinstance(item, tuple):
        return f"{'$colon$colon' if item else 'Nil$'} 'List({', '.join(item)})'"
    return f"String '{item}'"
