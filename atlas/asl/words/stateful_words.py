"""Words whose value at a step depends on the steps before it."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.math_words import MATH

STATEFUL = Vocabulary("stateful", before=MATH)
