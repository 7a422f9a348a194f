"""A pattern as a network of nodes, followed from the end of a value to its beginning.

A node says of a place in a value whether the rest of the value can be matched from there. A node of
a character looks at the next place, all others at the same place; so one walk from the end to the
beginning, visiting each node once for each place, decides, whatever the pattern is. Nothing is ever
tried twice, and the cost is known beforehand: places times nodes.

All values are walked at once, a row of truths for each node. The longest value stands first, so
that the values to which a place belongs are always the first ones.
"""

from __future__ import annotations

from collections.abc import Sequence as Values
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atlas.expr.pattern_piece import ASCII, Chars

BoolArray = npt.NDArray[np.bool_]
Lengths = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

FAIL, ACCEPT = 0, 1
"""The nodes that never hold, and always."""
_CELLS_AT_ONCE = 1 << 20
_CHUNK_SIZE_MIN = 4096
_VISITS_OF_CALL = 3_000  # calling numpy takes as long as visiting so many nodes


@dataclass(frozen=True, slots=True)
class CharNode:
    """Holds where the next character is of a set and `then` holds after it."""

    node: int
    chars: int
    then: int


@dataclass(frozen=True, slots=True)
class AnyNode:
    """Holds where any of the others does."""

    node: int
    options: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LookNode:
    """Holds where `then` does and `inside` does too, or does not if it is not wanted."""

    node: int
    inside: int
    wanted: bool
    then: int


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """Holds at one edge of the value, if `then` does."""

    node: int
    is_start: bool
    then: int


PlaceNode = AnyNode | LookNode | EdgeNode


@dataclass(frozen=True, slots=True)
class Alphabet:
    """Characters as codes; those that no set of a pattern tells apart have the same one.

    `points` are the characters that have a code of their own, ascending, ASCII first and whole;
    `codes` has one entry more, for all others.
    """

    points: npt.NDArray[np.uint32]
    codes: npt.NDArray[np.uint16]
    codes_of_set: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, sets: Values[Chars]) -> Alphabet:
        """The alphabet in which the sets can be told apart."""
        named = {char for chars in sets for char in chars.members} | ASCII
        ordered = [*sorted(named), ""]
        kinds = [tuple(chars.has(char) for chars in sets) for char in ordered]
        code_of = {kind: code for code, kind in enumerate(dict.fromkeys(kinds))}
        return cls(
            np.array([ord(char) for char in ordered[:-1]], np.uint32),
            np.array([code_of[kind] for kind in kinds], np.uint16),
            tuple(
                tuple(code for kind, code in code_of.items() if kind[index])
                for index in range(len(sets))
            ),
        )

    def encoded(self, text: str) -> Codes:
        """The code of each character."""
        if text.isascii():
            table = self.codes[: len(ASCII)].astype(np.uint8).tobytes().ljust(256)
            return np.frombuffer(text.encode("ascii").translate(table), np.uint8)
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        index = np.searchsorted(self.points, points)
        is_known = self.points[np.minimum(index, len(self.points) - 1)] == points
        return self.codes[np.where(is_known, index, len(self.points))]


@dataclass(frozen=True, slots=True)
class Program:
    """The nodes of a pattern; two more, FAIL and ACCEPT, have no description.

    `char_nodes` stand before the nodes they lead to, `place_nodes` after those they look at.
    """

    sets: tuple[Chars, ...]
    char_nodes: tuple[CharNode, ...]
    place_nodes: tuple[PlaceNode, ...]
    entry: int
    alphabet: Alphabet
    visits_per_place: int

    @classmethod
    def of(
        cls,
        sets: Values[Chars],
        char_nodes: Values[CharNode],
        place_nodes: Values[PlaceNode],
        entry: int,
    ) -> Program:
        """The program of these nodes, which are in their orders."""
        alphabet = Alphabet.of(sets)
        option_count = sum(len(n.options) for n in place_nodes if isinstance(n, AnyNode))
        visits = len(char_nodes) + len(place_nodes) + option_count
        visits += sum(map(len, alphabet.codes_of_set))
        return cls(tuple(sets), tuple(char_nodes), tuple(place_nodes), entry, alphabet, visits)

    @property
    def node_count(self) -> int:
        """How many nodes there are."""
        return 2 + len(self.char_nodes) + len(self.place_nodes)

    def accepts(self, value: str) -> bool:
        """Whether the value matches: the plain definition, one place after the other."""
        holds = [False] * self.node_count
        holds[ACCEPT] = True
        for at in range(len(value), -1, -1):
            is_end = at == len(value)
            fits = [False if is_end else chars.has(value[at]) for chars in self.sets]
            for char_node in self.char_nodes:
                holds[char_node.node] = fits[char_node.chars] and holds[char_node.then]
            for node in self.place_nodes:
                match node:
                    case AnyNode():
                        holds[node.node] = any(holds[option] for option in node.options)
                    case LookNode():
                        holds[node.node] = holds[node.inside] is node.wanted and holds[node.then]
                    case EdgeNode():
                        is_there = at == 0 if node.is_start else is_end
                        holds[node.node] = is_there and holds[node.then]
        return holds[self.entry]

    def cost(self, lengths: Lengths) -> int:
        """What `accepts_many` of values so long costs, in nodes visited; some 0.2 ns each."""
        places = (1 + int(lengths.max(initial=0))) * -(-len(lengths) // self._chunk_size)
        return self.visits_per_place * (places * _VISITS_OF_CALL + int(lengths.sum()))

    def accepts_many(self, values: Values[str], lengths: Lengths) -> BoolArray:
        """Whether each of the values, which are so long, matches: the same answers, faster."""
        accepted = np.zeros(len(values), np.bool_)
        for start in range(0, len(values), self._chunk_size):
            chunk = slice(start, start + self._chunk_size)
            accepted[chunk] = _walk(self, values[chunk], lengths[chunk])
        return accepted

    @property
    def _chunk_size(self) -> int:
        return max(_CELLS_AT_ONCE // self.node_count, _CHUNK_SIZE_MIN)


def _walk(program: Program, values: Values[str], lengths: Lengths) -> BoolArray:
    codes = program.alphabet.encoded("".join(values))
    order = np.argsort(-lengths, kind="stable")
    starts = (np.cumsum(lengths) - lengths)[order]
    # How many values have 0, 1, 2 … characters or more; none has more than the longest.
    counts = np.append(np.cumsum(np.bincount(lengths)[::-1])[::-1], 0).tolist()
    holds = np.zeros((program.node_count, len(values)), np.bool_)
    holds[ACCEPT] = True
    fits = np.zeros((len(program.sets), len(values)), np.bool_)
    for at in range(len(counts) - 2, -1, -1):
        longer, count = counts[at + 1], counts[at]
        here = codes[starts[:longer] + at]
        for row, members in zip(fits, program.alphabet.codes_of_set, strict=True):
            _fit(here, members, row[:longer])
        for char_node in program.char_nodes:
            row = holds[char_node.node]
            np.logical_and(
                fits[char_node.chars, :longer], holds[char_node.then, :longer], out=row[:longer]
            )
            row[longer:count] = False
        present = holds[:, :count]
        for node in program.place_nodes:
            _visit(node, present, longer, at == 0)
    accepted = np.empty(len(values), np.bool_)
    accepted[order] = holds[program.entry]
    return accepted


def _visit(node: PlaceNode, holds: BoolArray, longer: int, is_start: bool) -> None:
    """Work out a node at a place that the first `longer` values have a character after."""
    row = holds[node.node]
    match node:
        case AnyNode():
            np.logical_or(holds[node.options[0]], holds[node.options[1]], out=row)
            for option in node.options[2:]:
                np.logical_or(row, holds[option], out=row)
        case LookNode():
            compare = np.logical_and if node.wanted else np.greater
            compare(holds[node.then], holds[node.inside], out=row)
        case EdgeNode(is_start=True):
            if is_start:
                row[:] = holds[node.then]
        case EdgeNode():
            row[:longer] = False
            row[longer:] = holds[node.then, longer:]


def _fit(codes: Codes, members: tuple[int, ...], row: BoolArray) -> None:
    """Write which codes are among the members."""
    if not members:
        row[:] = False
        return
    np.equal(codes, members[0], out=row)
    for member in members[1:]:
        np.logical_or(row, codes == member, out=row)
