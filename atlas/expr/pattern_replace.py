"""Search and replace as Java does it, with a bound on the work for each text.

What a group matched depends on which way was tried first, so here ways are tried one after the
other, and steps are counted: a pattern that tries too many is refused, as by the original.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from atlas.errors import LimitExceeded
from atlas.expr.pattern_java import LINE_ENDS, JavaParser
from atlas.expr.pattern_piece import (
    WORD,
    Back,
    Chars,
    Choice,
    Edge,
    Group,
    Look,
    Piece,
    Repeat,
    Sequence,
    is_nullable,
)

STEPS_MAX = 250_000
"""How many steps a pattern may take in one text: 0.1 to 0.2 s."""
INSTRUCTIONS_MAX = 5_000
SIZE_MAX = 4_000
"""How many characters a pattern may have."""

TEXT_SIZE_MAX = 50_000
"""How many characters all replacements in a text may have."""

Slots = tuple[int, ...]


class Char(NamedTuple):
    """Go on if the next character is of a set."""

    chars: Chars


class At(NamedTuple):
    """Go on at a place of some kind."""

    edge: Edge


class Fork(NamedTuple):
    """Go on at the first instruction, and if that fails at the second."""

    first: int
    second: int


class Jump(NamedTuple):
    """Go on elsewhere."""

    to: int


class Keep(NamedTuple):
    """Write down the place."""

    slot: int


class Advance(NamedTuple):
    """Leave a repetition whose last round matched no character."""

    slot: int
    leave: int


class Again(NamedTuple):
    """Go on if the text of a group comes once more."""

    number: int


class Inside(NamedTuple):
    """Match what follows up to its Done by itself, then go on at `leave`.

    `look` is None for a group that is matched in one way, which goes on behind its match.
    """

    leave: int
    look: Look | None


class Done(NamedTuple):
    """The end of the pattern, or of what is matched by itself."""


Instruction = Char | At | Fork | Jump | Keep | Advance | Again | Inside | Done


@dataclass(frozen=True, slots=True)
class Search:
    """A pattern that is ready for use; `names` are the groups that have one."""

    pattern: str
    code: tuple[Instruction, ...]
    group_count: int
    names: Mapping[str, int]
    slot_count: int

    def find_all(self, text: str) -> Iterator[tuple[int, int, Mapping[str, str]]]:
        """Each match from left to right: where it starts and ends, and groups by number and name.

        A group that took no part is "null". A LimitExceeded if it takes too many steps.
        """
        run = _Run(self, text)
        at = 0
        while at <= len(text):
            found = run.match(0, at, (-1,) * self.slot_count)
            if found is None:
                at += 1
                continue
            end, slots = found
            groups = {str(n): _group(text, slots, n) for n in range(1, self.group_count + 1)}
            groups |= {name: groups[str(n)] for name, n in self.names.items()}
            yield at, end, {"0": text[at:end], **groups}
            at = end if end > at else end + 1


def replace_all(pattern: str, replacement: Callable[[Mapping[str, str]], str], text: str) -> str:
    """The text with each match of the pattern replaced by what is said for its groups."""
    parts = []
    kept = size = 0
    for start, end, groups in search_of(pattern).find_all(text):
        parts += [text[kept:start], replacement(groups)]
        kept = end
        size += len(parts[-1])
        if size > TEXT_SIZE_MAX:
            raise LimitExceeded(
                f"replacing '{pattern}' makes a text of more than {TEXT_SIZE_MAX} characters",
                fix="replace less often, or by less",
            )
    return "".join([*parts, text[kept:]])


@lru_cache(maxsize=64)
def search_of(pattern: str) -> Search:
    """The search for a pattern; an AtlasError if it is malformed or too large."""
    if len(pattern) > SIZE_MAX:
        raise _too_expensive(pattern)
    parser = JavaParser(pattern)
    piece = parser.parse()
    builder = _Builder(pattern, 2 * (parser.group_count + 1))
    builder.add(piece)
    builder.code.append(Done())
    names = dict(parser.number_of_name)
    return Search(pattern, tuple(builder.code), parser.group_count, names, builder.slot_count)


def _too_expensive(pattern: str) -> LimitExceeded:
    return LimitExceeded(
        f"regex is too expensive to evaluate: '{pattern}'",
        fix="do not repeat what is itself a repetition, as (a+)+ does, and count to less",
    )


def _group(text: str, slots: Slots, number: int) -> str:
    start, end = slots[2 * number : 2 * number + 2]
    return text[start:end] if end >= 0 else "null"


class _Builder:
    """Writes the instructions of pieces one after the other."""

    def __init__(self, pattern: str, slot_count: int) -> None:
        self.code: list[Instruction] = []
        self.slot_count = slot_count
        self._pattern = pattern
        self._visits = 0

    def add(self, piece: Piece) -> None:
        """Append the instructions of a piece."""
        self._visits += 1
        if self._visits > INSTRUCTIONS_MAX or len(self.code) > INSTRUCTIONS_MAX:
            raise _too_expensive(self._pattern)
        match piece:
            case Chars():
                self.code.append(Char(piece))
            case Edge():
                self.code.append(At(piece))
            case Back():
                self.code.append(Again(piece.number))
            case Sequence():
                for part in piece.pieces:
                    self.add(part)
            case Choice():
                self._add_choice(piece.options)
            case Group(number=None) | Look():
                self._add_inside(piece.piece, piece if isinstance(piece, Look) else None)
            case Group():
                self.code.append(Keep(2 * (piece.number or 0)))
                self.add(piece.piece)
                self.code.append(Keep(2 * (piece.number or 0) + 1))
            case Repeat(taste="possessive"):
                self._add_inside(Repeat(piece.piece, piece.low, piece.high), None)
            case Repeat():
                self._add_repeat(piece)

    def _reserve(self) -> int:
        self.code.append(Done())
        return len(self.code) - 1

    def _add_choice(self, options: tuple[Piece, ...]) -> None:
        jumps = []
        for option in options[:-1]:
            fork = self._reserve()
            self.add(option)
            jumps.append(self._reserve())
            self.code[fork] = Fork(fork + 1, len(self.code))
        self.add(options[-1])
        for jump in jumps:
            self.code[jump] = Jump(len(self.code))

    def _add_inside(self, piece: Piece, look: Look | None) -> None:
        inside = self._reserve()
        self.add(piece)
        self.code.append(Done())
        self.code[inside] = Inside(len(self.code), look)

    def _add_repeat(self, repeat: Repeat) -> None:
        for _ in range(repeat.low):
            self.add(repeat.piece)
        forks = []
        if repeat.high is None:
            forks.append(self._reserve())
            if is_nullable(repeat.piece):
                self._add_round_that_may_be_empty(repeat.piece)
            else:
                self.add(repeat.piece)
            self.code.append(Jump(forks[0]))
        else:
            for _ in range(repeat.high - repeat.low):
                forks.append(self._reserve())
                self.add(repeat.piece)
        leave = len(self.code)
        for fork in forks:
            stay = fork + 1
            self.code[fork] = Fork(leave, stay) if repeat.taste == "lazy" else Fork(stay, leave)

    def _add_round_that_may_be_empty(self, piece: Piece) -> None:
        slot = self.slot_count
        self.slot_count += 1
        self.code.append(Keep(slot))
        self.add(piece)
        self.code.append(Advance(slot, len(self.code) + 2))


class _Run:
    """The search in one text; steps are counted over all its matches."""

    def __init__(self, search: Search, text: str) -> None:
        self._search = search
        self._text = text
        self._steps_left = STEPS_MAX

    def match(
        self, pc: int, at: int, slots: Slots, must_end: int | None = None
    ) -> tuple[int, Slots] | None:
        """Where the first way that leads to a match ends, and what it kept; None if none does."""
        code = self._search.code
        text = self._text
        ways: list[tuple[int, int, Slots]] = []
        while True:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise _too_expensive(self._search.pattern)
            goes_on: tuple[int, int, Slots] | None = None
            match code[pc]:
                case Char(chars):
                    if at < len(text) and chars.has(text[at]):
                        goes_on = pc + 1, at + 1, slots
                case Fork(first, second):
                    ways.append((second, at, slots))
                    goes_on = first, at, slots
                case Done():
                    if must_end is None or at == must_end:
                        return at, slots
                case other:
                    goes_on = self._step(other, pc, at, slots)
            if goes_on is None:
                if not ways:
                    return None
                goes_on = ways.pop()
            pc, at, slots = goes_on

    def _step(
        self, instruction: Instruction, pc: int, at: int, slots: Slots
    ) -> tuple[int, int, Slots] | None:
        """The next instruction, the place and the slots; None if this way leads nowhere."""
        after: tuple[int, int, Slots] | None = None
        match instruction:
            case Jump(to):
                after = to, at, slots
            case Keep(slot):
                self._steps_left -= len(slots) // 4  # each way that was not taken holds its own
                after = pc + 1, at, (*slots[:slot], at, *slots[slot + 1 :])
            case Advance(slot, leave):
                after = (leave if slots[slot] == at else pc + 1), at, slots
            case At(edge) if self._is_at(edge, at):
                after = pc + 1, at, slots
            case Again(number):
                start, end = slots[2 * number : 2 * number + 2]
                if end >= 0 and self._text.startswith(self._text[start:end], at):
                    after = pc + 1, at + end - start, slots
            case Inside(leave, look):
                found = self._inside(pc + 1, at, slots, look)
                if look is not None and not look.wanted:
                    after = (leave, at, slots) if found is None else None
                elif found is not None:
                    after = leave, (found[0] if look is None else at), found[1]
        return after

    def _inside(
        self, pc: int, at: int, slots: Slots, look: Look | None
    ) -> tuple[int, Slots] | None:
        if look is None or not look.is_behind:
            return self.match(pc, at, slots)
        found = (self.match(pc, start, slots, must_end=at) for start in range(at, -1, -1))
        return next((match for match in found if match is not None), None)

    def _is_at(self, edge: Edge, at: int) -> bool:
        text = self._text
        match edge.kind:
            case "start":
                return at == 0
            case "end":
                return at == len(text)
            case "last line":
                rest = text[at:]
                return rest == "\r\n" or (len(rest) < 2 and LINE_ENDS.issuperset(rest))
            case kind:
                is_edge = (text[at : at + 1] in WORD) is not (at > 0 and text[at - 1] in WORD)
                return is_edge is (kind == "word")
