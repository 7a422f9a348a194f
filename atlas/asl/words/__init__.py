"""The vocabularies, each upon the one before: lookup of overloads goes in this order."""

from __future__ import annotations

from atlas.asl.words import (  # noqa: F401 (they add to the vocabularies of others)
    des_words,
    generator_words,
    operator_words,
    statistic_words,
)
from atlas.asl.words.custom_words import CUSTOM
from atlas.asl.words.data_words import DATA
from atlas.asl.words.event_words import EVENT
from atlas.asl.words.filter_words import FILTER
from atlas.asl.words.math_words import MATH
from atlas.asl.words.query_words import QUERY
from atlas.asl.words.stateful_words import STATEFUL
from atlas.asl.words.std_words import STD
from atlas.asl.words.style_words import STYLE

VOCABULARIES = {v.name: v for v in (STD, QUERY, DATA, MATH, STATEFUL, FILTER, STYLE, CUSTOM)}
"""Those that end in lines. `EVENT` is no part of them: it comes after queries, too."""

__all__ = [
    "CUSTOM",
    "DATA",
    "EVENT",
    "FILTER",
    "MATH",
    "QUERY",
    "STATEFUL",
    "STD",
    "STYLE",
    "VOCABULARIES",
]
