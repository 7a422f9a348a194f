"""Help while an expression is written: what the word at the cursor does, and what can follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.text import Text

from atlas.asl import parse_exprs
from atlas.asl.explain import completions
from atlas.asl.words import STYLE
from atlas.errors import AtlasError
from chaosctl.errors import ChaosctlError

OFFERED_MAX = 40

Tags = Callable[[str | None], Sequence[str]]
"""The store's tag keys, or the values of one. May raise ChaosctlError."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said under an expression. offered: whole pieces that could stand at the cursor."""

    text: str
    cursor: int
    offered: tuple[str, ...]
    about: str
    is_wrong: bool = False

    def line(self) -> Text:
        """What the word at hand does, or what is wrong."""
        return Text(f"  {self.about}", style="yellow" if self.is_wrong else "dim", no_wrap=True)


def piece_at(text: str, cursor: int) -> tuple[int, int]:
    """Where the piece between commas stands that the cursor is in or at the end of."""
    start = text.rfind(",", 0, cursor) + 1
    end = text.find(",", cursor)
    return start, len(text) if end < 0 else end


def advise(text: str, cursor: int, tags: Tags) -> Advice:
    """What can stand at the cursor, and what the word there does."""
    start, end = piece_at(text, cursor)
    typed = text[start:cursor].strip()
    offered = [piece for piece in _candidates(text[:start], typed, tags) if piece != typed]
    about, is_wrong = _about(text, text[start:end].strip())
    return Advice(text, cursor, tuple(offered[:OFFERED_MAX]), about, is_wrong)


def completed(advice: Advice) -> tuple[str, int]:
    """The text with the first offered piece at the cursor, and where the cursor is then."""
    if not advice.offered:
        return advice.text, advice.cursor
    start, end = piece_at(advice.text, advice.cursor)
    piece, rest = advice.offered[0], advice.text[end:]
    # A comma follows at once: another piece nearly always does.
    tail = rest if rest else ","
    return f"{advice.text[:start]}{piece}{tail}", start + len(piece) + 1


def _candidates(before: str, typed: str, tags: Tags) -> list[str]:
    """Pieces that begin with what is typed: words, tag keys, or the values of the key before."""
    literals: list[str] = []
    previous = before.rstrip(",").rpartition(",")[2].strip()
    if not typed.startswith(":"):
        try:
            keys = tags(None)
            is_value = previous in keys
            literals = list(tags(previous) if is_value else keys)
        except ChaosctlError:
            literals = []  # the store is silent, which the chart says
        if literals and previous in keys:
            return [value for value in literals if value.startswith(typed)]
    words = [f":{name}" for name in _words(before)]
    found = [piece for piece in (*words, *literals) if piece.startswith(typed)]
    return list(dict.fromkeys(found)) if typed or before else literals


def _words(before: str) -> list[str]:
    try:
        return sorted({word.name for word in completions(before.rstrip(","), STYLE)})
    except AtlasError:
        return []  # what stands before does not run, which is said elsewhere


def _about(text: str, piece: str) -> tuple[str, bool]:
    if piece.startswith(":"):
        words = STYLE.overloads(piece[1:])
        if words:
            more = f"  (+{len(words) - 1} more forms)" if len(words) > 1 else ""
            return f"{piece}  {words[0].signature}  {words[0].summary}{more}", False
    if not text.strip():
        return "an expression, as name,playback.starts,:eq,:sum", False
    try:
        parse_exprs(text)
    except AtlasError as error:
        return f"{error.what}{f'; {error.fix}' if error.fix else ''}", True
    return "enter asks the store", False
