"""The programs of requests: `q`, narrowed by `cq`, in the words that the server knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from atlas.asl import parse_common_query, parse_exprs, parse_query
from atlas.asl.word import Vocabulary
from atlas.asl.words import VOCABULARIES
from atlas.errors import AtlasError
from atlas.expr.query_expr import Query
from atlas.expr.style_expr import StyleExpr
from atlas.server.parameters import Parameters
from atlas.server.state import ServerState


def requested_exprs(parameters: Parameters, state: ServerState, zone: str) -> tuple[StyleExpr, ...]:
    """What a request draws; times in the program are of a zone, unless they say so."""
    common = parameters.text("cq", "") if parameters.has("cq") else None
    return _parsed(parameters.required("q"), common, zone, state.vocabulary)


# Dashboards ask the same again and again, and expressions never change.
@lru_cache(maxsize=512)
def _parsed(
    program: str, common: str | None, zone: str, vocabulary: Vocabulary
) -> tuple[StyleExpr, ...]:
    return parse_exprs(
        program,
        vocabulary=vocabulary,
        variables={"tz": zone},
        common_query=None if common is None else parse_common_query(common),
    )


@lru_cache(maxsize=512)
def requested_query(program: str) -> Query:
    """The series that a listing is of."""
    return parse_query(program)


def vocabulary_of(parameters: Parameters, state: ServerState) -> Vocabulary:
    """The vocabulary that the parameter `vocab` names; without it, all words of the server."""
    known: Mapping[str, Vocabulary] = {**VOCABULARIES, state.vocabulary.name: state.vocabulary}
    name = parameters.text("vocab", state.vocabulary.name)
    if name not in known:
        raise AtlasError(
            f"key not found: {name}",
            where="parameter 'vocab'",
            fix=f"use one of {' '.join(known)}",
            original_class="NoSuchElementException",
        )
    return known[name]
