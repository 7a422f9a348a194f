"""Programs to what a caller wants of them: lines to draw, or a single query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from atlas.asl.datatypes import as_styled, item_text, type_name
from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.word import Vocabulary
from atlas.asl.words import CUSTOM, EVENT, QUERY
from atlas.errors import AslError
from atlas.expr.event_expr import EventExpr, RawEvents
from atlas.expr.query_expr import Query, narrowed
from atlas.expr.style_expr import StyleExpr
from atlas.expr.tree import Node


def parse_exprs(
    program: str,
    *,
    vocabulary: Vocabulary = CUSTOM,
    variables: Mapping[str, object] | None = None,
    common_query: Query | None = None,
) -> tuple[StyleExpr, ...]:
    """The expressions of a graph's program, first written first.

    Each is narrowed to the common query, if there is one, also those that are frozen.
    """
    stack = VocabularyInterpreter(vocabulary).run(program, variables or {})
    if common_query is not None:
        stack = with_common_query(stack, common_query)
    return tuple(_expr(item) for item in stack)


def parse_events(program: str) -> tuple[EventExpr, ...]:
    """What a program wants of events, first written first; a query wants them as they are."""
    return tuple(map(_events, VocabularyInterpreter(EVENT).run(program)))


def parse_query(program: str) -> Query:
    """The one query that `program` leaves. Raises AslError if it leaves anything else."""
    return _single_query(program, "expected a single query on the stack")


def parse_common_query(program: str) -> Query:
    """The query of the parameter `cq`. Raises AslError if it is not exactly one."""
    return _single_query(program, f"invalid cq parameter: {program}")


def with_common_query(items: Iterable[object], query: Query) -> tuple[object, ...]:
    """Items of a stack with every query narrowed; what is no expression stays as it is."""
    return tuple(narrowed(item, query) if isinstance(item, Node) else item for item in items)


def exprs_of(items: Iterable[object]) -> list[StyleExpr]:
    """Those items of a stack that are expressions; the others are passed over."""
    return [styled for item in items if (styled := as_styled(item)) is not None]


def _single_query(program: str, otherwise: str) -> Query:
    stack = VocabularyInterpreter(QUERY).run(program)
    if len(stack) == 1 and isinstance(stack[0], Query):
        return stack[0]
    raise AslError(otherwise, fix="join queries with :and, as in 'a,1,:eq,b,:has,:and'")


def _events(item: object) -> EventExpr:
    if isinstance(item, Query):
        return RawEvents(item)
    if isinstance(item, EventExpr):
        return item
    raise AslError(
        f"expecting event expr, found {_found(item)}",
        fix="every item of the program must end as a query, or what :table and :sample make of one",
        original_class="IllegalArgumentException",
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
