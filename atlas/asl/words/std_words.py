"""Words that move items of the stack about, and run lists as programs."""

from __future__ import annotations

from atlas.asl.word import Vocabulary

STD = Vocabulary("std")
