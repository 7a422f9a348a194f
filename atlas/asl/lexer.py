"""Program text to tokens, each knowing the characters it came from.

There is no quoting: comments go first, then every comma separates, then blanks around a piece and
empty pieces are dropped. Source: Atlas `Interpreter.splitAndTrim`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from atlas.errors import AslError


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a program; `span` is where it stands in the text, end exclusive.

    A list that was put together by words may hold finished items: then `value` is one.
    """

    text: str
    span: tuple[int, int] = field(compare=False)
    value: object = None


def tokens_of(program: str) -> tuple[Token, ...]:
    """The tokens of `program`. Raises AslError if a comment is not closed."""
    kept = _without_comments(program)
    tokens: list[Token] = []
    piece: list[int] = []
    for i in [*kept, len(program)]:
        if i < len(program) and program[i] != ",":
            piece.append(i)
            continue
        while piece and program[piece[-1]] <= " ":
            piece.pop()
        first = next((n for n, at in enumerate(piece) if program[at] > " "), len(piece))
        if first < len(piece):
            text = "".join(program[at] for at in piece[first:])
            tokens.append(Token(text, (piece[first], piece[-1] + 1)))
        piece.clear()
    return tuple(tokens)


def _without_comments(program: str) -> list[int]:
    """Positions of the characters outside of `/* */`, which may be nested."""
    if "*" not in program:
        return list(range(len(program)))
    kept: list[int] = []
    opened: list[int] = []
    i = 0
    while i < len(program):
        pair = program[i : i + 2]
        if pair == "/*":
            opened.append(i)
            i += 2
        elif pair == "*/":
            if not opened:
                raise AslError("unclosed comment", span=(i, i + 2), fix="remove the stray '*/'")
            opened.pop()
            i += 2
        else:
            if not opened:
                kept.append(i)
            i += 1
    if opened:
        raise AslError("unclosed comment", span=(opened[0], len(program)), fix="close it with '*/'")
    return kept
