"""The vocabularies, each upon the one before: lookup of overloads goes in this order."""

from __future__ import annotations

from atlas.asl.words.data_words import DATA
from atlas.asl.words.math_words import MATH
from atlas.asl.words.query_words import QUERY

VOCABULARIES = {v.name: v for v in (QUERY, DATA, MATH)}

__all__ = ["DATA", "MATH", "QUERY", "VOCABULARIES"]
