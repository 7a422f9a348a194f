"""Programs to what a caller wants of them: lines to draw, or a single query."""

from __future__ import annotations

from collections.abc import Mapping

from atlas.asl.datatypes import as_styled, item_text, type_name
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.word import Vocabulary
from atlas.asl.words import CUSTOM, QUERY
from atlas.errors import AslError
from atlas.expr.query_expr import Query
from atlas.expr.style_expr import StyleExpr


def parse_exprs(
    program: str,
    *,
    vocabulary: Vocabulary = CUSTOM,
    variables: Mapping[str, object] | None = None,
) -> tuple[StyleExpr, ...]:
    """The expressions of a graph's program, first written first."""
    stack = VocabularyInterpreter(vocabulary).run(program, variables or {})
    return tuple(_expr(item) for item in stack)


def parse_query(program: str) -> Query:
    """The one query that `program` leaves. Raises AslError if it leaves anything else."""
    stack = VocabularyInterpreter(QUERY).run(program)
    if len(stack) == 1 and isinstance(stack[0], Query):
        return stack[0]
    raise AslError(
        "expected a single query on the stack",
        fix="join queries with :and, as in 'a,1,:eq,b,:has,:and'",
    )


def _expr(item: object) -> StyleExpr:
    expr = as_styled(item)
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
        return f"{'$colon$colon' if item else 'Nil$'} '{item_text(item)}'"
    return f"{type_name(item)} '{item}'"
