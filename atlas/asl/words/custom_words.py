"""Words that a server's settings add."""

from __future__ import annotations

from atlas.asl.word import Vocabulary
from atlas.asl.words.style_words import STYLE

CUSTOM = Vocabulary("custom", before=STYLE)
