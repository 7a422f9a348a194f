"""What a regular expression consists of: frozen pieces, and what can be said of one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Taste = Literal["greedy", "lazy", "possessive"]
EdgeKind = Literal["start", "end", "last line", "word", "no word"]

ASCII = frozenset(map(chr, range(128)))
DIGIT = frozenset("0123456789")
LOWER = frozenset("abcdefghijklmnopqrstuvwxyz")
UPPER = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
PUNCT = frozenset("-!\"#$%&'()*+,./:;<=>?@[\\]^_`{|}~")
SPACE = frozenset(" \t\n\x0b\f\r")
WORD = LOWER | UPPER | DIGIT | {"_"}
GRAPH = LOWER | UPPER | DIGIT | PUNCT
CLASS_OF_LETTER = {"d": DIGIT, "s": SPACE, "w": WORD}
CLASS_OF_NAME = {
    "Lower": LOWER,
    "Upper": UPPER,
    "ASCII": ASCII,
    "Alpha": LOWER | UPPER,
    "Digit": DIGIT,
    "Alnum": LOWER | UPPER | DIGIT,
    "Punct": PUNCT,
    "Graph": GRAPH,
    "Print": GRAPH | {" "},
    "Blank": frozenset(" \t"),
    "Cntrl": frozenset(map(chr, [*range(32), 127])),
    "XDigit": DIGIT | frozenset("abcdefABCDEF"),
    "Space": SPACE,
}


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set, or one that is not of it."""

    members: frozenset[str]
    inverted: bool = False

    def has(self, char: str) -> bool:
        """Whether the character is one of those meant."""
        return (char in self.members) is not self.inverted

    def __invert__(self) -> Chars:
        return Chars(self.members, not self.inverted)

    def __and__(self, other: Chars) -> Chars:
        match self.inverted, other.inverted:
            case False, False:
                return Chars(self.members & other.members)
            case False, True:
                return Chars(self.members - other.members)
            case True, False:
                return Chars(other.members - self.members)
            case _:
                return Chars(self.members | other.members, inverted=True)

    def __or__(self, other: Chars) -> Chars:
        return ~(~self & ~other)


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between characters: before the first, after the last …"""

    kind: EdgeKind


@dataclass(frozen=True, slots=True)
class Sequence:
    """Pieces one after the other."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of several pieces; earlier ones are tried first."""

    options: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A piece several times; `high` is None where there is no upper bound."""

    piece: Piece
    low: int
    high: int | None
    taste: Taste = "greedy"


@dataclass(frozen=True, slots=True)
class Look:
    """A condition on what follows here, or on what comes before."""

    piece: Piece
    wanted: bool = True
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A piece whose match is kept under a number; without one, a piece that is matched in one way.

    Queries have no use for groups, and have none.
    """

    piece: Piece
    number: int | None


@dataclass(frozen=True, slots=True)
class Back:
    """The text that a group matched, once more; queries have none."""

    number: int


Piece = Chars | Edge | Sequence | Choice | Repeat | Look | Group | Back

ANY = Chars(frozenset(), inverted=True)


def width(piece: Piece) -> int | None:
    """How many characters each match of the piece has; None if that differs or is not known."""
    match piece:
        case Chars():
            return 1
        case Edge() | Look():
            return 0
        case Sequence():
            widths = [width(part) for part in piece.pieces]
            known = [w for w in widths if w is not None]
            return sum(known) if len(known) == len(widths) else None
        case Choice():
            first, *others = {width(option) for option in piece.options}
            return None if others else first
        case Repeat():
            one = width(piece.piece)
            return one * piece.low if one is not None and piece.low == piece.high else None
        case _:
            return None


def is_nullable(piece: Piece) -> bool:
    """Whether the piece may match no character at all."""
    match piece:
        case Chars():
            return False
        case Edge() | Look() | Group() | Back():
            return True
        case Sequence():
            return all(map(is_nullable, piece.pieces))
        case Choice():
            return any(map(is_nullable, piece.options))
        case Repeat():
            return piece.low == 0 or is_nullable(piece.piece)
