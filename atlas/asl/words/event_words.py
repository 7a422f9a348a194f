"""Words about events, apart from those about lines: a program is of one kind or the other."""

from __future__ import annotations

from atlas.asl.word import Context, Vocabulary
from atlas.asl.words.query_words import QUERY
from atlas.expr.event_expr import Sample, Table
from atlas.expr.query_expr import Query

EVENT = Vocabulary("event", before=QUERY)


@EVENT.context_word(
    "sample",
    "q:Query sampleBy:List projectionKeys:List -- EventExpr",
    takes="Query StringList StringList",
    examples=("level,ERROR,:eq,(,fingerprint,),(,message,)",),
)
def _sample(
    context: Context, query: Query, sample_by: tuple[str, ...], columns: tuple[str, ...]
) -> Context:
    """Counts events by the values of some fields at each step, with a few of them as examples."""
    return context.push(Sample(query, sample_by, columns))


@EVENT.context_word(
    "table",
    "q:Query columns:List -- EventExpr",
    takes="Query StringList",
    examples=("level,ERROR,:eq,(,message,)",),
)
def _table(context: Context, query: Query, columns: tuple[str, ...]) -> Context:
    """Makes a row of some fields of each event."""
    return context.push(Table(query, columns))
