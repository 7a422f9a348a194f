"""Words that keep or drop whole lines."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.stateful_words import STATEFUL

FILTER = Vocabulary("filter", before=STATEFUL)
