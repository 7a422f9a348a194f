"""Words that say how a line is drawn."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.filter_words import FILTER

STYLE = Vocabulary("style", before=FILTER)
