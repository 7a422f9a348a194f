"""Patterns of queries: which values they accept, in a time that is known before it is spent.

A pattern is looked for as `^` and the pattern, as text: `a|b` is therefore anchored only by half.
See docs/adr/0006-patterns-bounded-in-time.md for why the engine is our own and what it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress, takewhile
from operator import methodcaller

import numpy as np

from atlas.errors import LimitExceeded
from atlas.expr.pattern_compiler import compiled
from atlas.expr.pattern_parser import parse_query_pattern
from atlas.expr.pattern_piece import ANY, Chars, Edge, Piece, Repeat
from atlas.expr.pattern_piece import Sequence as Pieces
from atlas.expr.pattern_program import BoolArray, Lengths, Program

SIZE_MAX = 4_000
"""How many characters a pattern may have."""
COST_MAX = 2_000_000_000
"""How much work a pattern may be for the values of a key, in nodes visited: about 0.4 s."""
_PART_SIZE = 1 << 16
_FEW = 8  # so many values are judged faster one by one
PlainTest = Callable[[str], bool]
_START, _END = Edge("start"), Edge("end")
_ANY_NUMBER = (Repeat(ANY, 0, None, "greedy"), Repeat(ANY, 0, None, "lazy"))


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is ready for use.

    `could_accept` is a cheap test that every accepted value passes, if there is one; `program`
    judges those that pass, unless all of them are accepted.
    """

    text: str
    could_accept: PlainTest | None
    program: Program | None

    def accepts(self, value: str) -> bool:
        """Whether the value matches."""
        return bool(self.accepts_many([value])[0])

    def accepts_many(self, values: Sequence[str]) -> BoolArray:
        """Whether each value matches; a LimitExceeded if that would take too long."""
        accepted = np.ones(len(values), np.bool_)
        cost = 0
        # Other threads get their turn between the parts.
        for start in range(0, len(values), _PART_SIZE):
            part = values[start : start + _PART_SIZE]
            here = accepted[start : start + _PART_SIZE]
            if self.could_accept is not None:
                here[:] = np.fromiter(map(self.could_accept, part), np.bool_, len(part))
                part = list(compress(part, here))
            if self.program is None or not part:
                continue
            lengths = np.fromiter(map(len, part), np.int64, len(part))
            cost += self.program.cost(lengths)
            if cost > COST_MAX:
                raise self._is_too_much_for(len(values))
            here[here] = _judged(self.program, part, lengths)
        return accepted

    def _is_too_much_for(self, value_count: int) -> LimitExceeded:
        return LimitExceeded(
            f"pattern '{self.text}' is too much work for {value_count} values",
            fix="let it begin with plain text, count to less than in {100}, or shorten it",
        )


def _judged(program: Program, values: Sequence[str], lengths: Lengths) -> BoolArray:
    if len(values) <= _FEW:
        return np.fromiter(map(program.accepts, values), np.bool_, len(values))
    return program.accepts_many(values, lengths)


@lru_cache(maxsize=128)
def compile_pattern(pattern: str, ignore_case: bool) -> Pattern:
    """The pattern of a `:re` or `:reic`; an AtlasError if it is malformed or too large."""
    if len(pattern) > SIZE_MAX:
        raise LimitExceeded(
            f"a pattern has {len(pattern)} characters, and may have {SIZE_MAX}",
            fix="split the query with :or, or use :in for a list of values",
        )
    pieces = _trimmed(parse_query_pattern(pattern, ignore_case=ignore_case))
    could_accept, is_exact = _plain_test(pieces)
    return Pattern(pattern, could_accept, None if is_exact else compiled(Pieces(pieces)))


def _trimmed(piece: Piece) -> tuple[Piece, ...]:
    """The pieces one after the other, without what says nothing."""
    pieces = tuple(_flat(piece))
    # As `.` is any character at all, what is left of a value always matches.
    while len(pieces) > 1 and _is_any_number(pieces[-2]) and pieces[-1] == _END:
        pieces = pieces[:-2]
    while pieces[:1] == pieces[2:3] == (_START,) and _is_any_number(pieces[1]):
        pieces = pieces[2:]
    return pieces


def _flat(piece: Piece) -> list[Piece]:
    if not isinstance(piece, Pieces):
        return [piece]
    return [part for inside in piece.pieces for part in _flat(inside)]


def _is_any_number(piece: Piece) -> bool:
    """Whether the piece is `.*`, greedy or not."""
    return isinstance(piece, Repeat) and piece in _ANY_NUMBER


def _plain_test(pieces: tuple[Piece, ...]) -> tuple[PlainTest | None, bool]:
    """A test that every match passes, if there is one without an engine; and if it says all."""
    if pieces[:1] != (_START,):
        return None, False
    floats = len(pieces) > 1 and _is_any_number(pieces[1])
    rest = pieces[2 if floats else 1 :]
    literal = "".join(takewhile(bool, map(_plain_char, rest)))
    rest = rest[len(literal) :]
    if rest == (_END,):
        return methodcaller("endswith" if floats else "__eq__", literal), True
    if not literal and not rest:
        return None, True
    if not rest:
        return methodcaller("__contains__" if floats else "startswith", literal), True
    return methodcaller("startswith", literal) if literal and not floats else None, False


def _plain_char(piece: Piece) -> str:
    """The only character that the piece matches; none if there are others."""
    is_one = isinstance(piece, Chars) and len(piece.members) == 1 and not piece.inverted
    return next(iter(piece.members)) if isinstance(piece, Chars) and is_one else ""
