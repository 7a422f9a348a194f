"""Words that a server's settings add: programs under a name, and averages over another metric."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import cast

from atlas.asl.interpreter import VocabularyInterpreter
from atlas.asl.lexer import tokens_of
from atlas.asl.word import Context, Vocabulary
from atlas.asl.words.query_words import QUERY
from atlas.asl.words.style_words import STYLE
from atlas.errors import BadData
from atlas.expr.data_expr import Aggregate, GroupBy
from atlas.expr.math_expr import Binary, NamedRewrite
from atlas.expr.query_expr import Query, both, on_keys
from atlas.expr.tree import Node, TimeSeriesExpr
from atlas.model import AVERAGES_DEFAULT, CustomAverage, CustomWord


def custom_vocabulary(
    averages: Iterable[CustomAverage] = AVERAGES_DEFAULT, words: Iterable[CustomWord] = ()
) -> Vocabulary:
    """All words, and those of a server's settings. Raises AtlasError for what cannot be parsed."""
    vocabulary = Vocabulary("custom", before=STYLE)
    for word in words:
        _add_word(vocabulary, word)
    for average in averages:
        _add_average(vocabulary, average)
    return vocabulary


def _add_word(vocabulary: Vocabulary, word: CustomWord) -> None:
    body = [token.text for token in tokens_of(word.body)]

    def run(context: Context) -> Context:
        return context.call(body)

    run.__doc__ = word.summary or f"The same as `{word.body}`."
    vocabulary.context_word(word.name, "? -- ?", examples=word.examples)(run)


def _add_average(vocabulary: Vocabulary, average: CustomAverage) -> None:
    base = _single_query(average)
    expand = partial(_quotient, base, average.keys)

    def run(query: Query) -> TimeSeriesExpr:
        return NamedRewrite(average.name, query, expand, expand_grouped=expand)

    run.__doc__ = f"The sum of a query divided by that of `{average.base_query}`."
    examples = ("name,sps,:eq,nf.app,www,:eq,:and",)
    vocabulary.word(average.name, "Query -- TimeSeriesExpr", examples=examples)(run)


def _single_query(average: CustomAverage) -> Query:
    stack = VocabularyInterpreter(QUERY).run(average.base_query)
    if len(stack) == 1 and isinstance(stack[0], Query):
        return stack[0]
    raise BadData(
        f"the base query of ':{average.name}' is no query: {average.base_query}",
        fix="write one query, as in 'name,poller.asg.instance,:eq'",
    )


def _quotient(
    base: Query, known_keys: tuple[str, ...], of: Node, keys: tuple[str, ...] = ()
) -> TimeSeriesExpr:
    """Sum over sum. The divisor is restricted and grouped only by keys that its metric has."""
    query = cast(Query, of)
    restriction = on_keys(query, lambda key: key in known_keys)
    divisor = Aggregate("sum", both(base, restriction))
    shared = tuple(key for key in keys if key in known_keys)
    return Binary(
        "div",
        _grouped(Aggregate("sum", query), keys),
        _grouped(divisor, shared),
    )


def _grouped(aggregate: Aggregate, keys: tuple[str, ...]) -> TimeSeriesExpr:
    return GroupBy(aggregate, keys) if keys else aggregate


CUSTOM = custom_vocabulary()
"""The vocabulary of a server that sets nothing."""
