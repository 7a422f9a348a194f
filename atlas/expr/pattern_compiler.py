"""Pieces of a pattern to a program."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Values
from graphlib import TopologicalSorter

from atlas.errors import LimitExceeded
from atlas.expr.pattern_piece import (
    Chars,
    Choice,
    Edge,
    Look,
    Piece,
    Repeat,
    Sequence,
    is_nullable,
    width,
)
from atlas.expr.pattern_program import (
    ACCEPT,
    FAIL,
    AnyNode,
    CharNode,
    EdgeNode,
    LookNode,
    PlaceNode,
    Program,
)

NODES_MAX = 5_000
"""How many nodes a pattern may need."""
_VISITS_MAX = 20_000


def compiled(piece: Piece) -> Program:
    """The program of a piece; a LimitExceeded if it needs too many nodes."""
    builder = _Builder()
    entry = builder.entry(piece, ACCEPT, ACCEPT)
    # A node of a character is made after the one it leads to: the other way round is right.
    char_nodes = builder.char_nodes[::-1]
    return Program.of(list(builder.sets), char_nodes, _in_order(builder.place_nodes), entry)


def _in_order(nodes: Values[PlaceNode]) -> list[PlaceNode]:
    """The nodes, each after those that it looks at."""
    by_number = {node.node: node for node in nodes}
    looks_at: dict[int, Iterable[int]] = {}
    for node in nodes:
        match node:
            case AnyNode():
                looks_at[node.node] = node.options
            case LookNode():
                looks_at[node.node] = (node.inside, node.then)
            case EdgeNode():
                looks_at[node.node] = (node.then,)
    ordered = TopologicalSorter(looks_at).static_order()
    return [by_number[number] for number in ordered if number in by_number]


class _Builder:
    """Makes nodes from the end of a pattern to its beginning; equal nodes are made once."""

    def __init__(self) -> None:
        self.sets: dict[Chars, int] = {}
        self.char_nodes: list[CharNode] = []
        self.place_nodes: list[PlaceNode] = []
        self._node_of: dict[object, int] = {}
        self._count = 2
        self._visits = 0

    def entry(self, piece: Piece, then: int, then_empty: int) -> int:
        """The node from which `piece` and what follows it match.

        What follows is the node `then`, or `then_empty` where the piece matched no character: a
        repetition goes on only with matches that are not empty, which keeps it from looking at
        itself.
        """
        self._visits += 1
        if self._visits > _VISITS_MAX:
            raise _too_large()
        match piece:
            case Chars():
                return self._char(piece, then)
            case Edge():
                return self._edge(piece.kind == "start", then_empty)
            case Look():
                inside = self.entry(piece.piece, ACCEPT, ACCEPT)
                return self._look(inside, piece.wanted, then_empty)
            case Choice():
                return self._any(*(self.entry(p, then, then_empty) for p in piece.options))
            case Sequence():
                for part in reversed(piece.pieces):
                    then, then_empty = self._before(part, then, then_empty)
                return then_empty
            case Repeat():
                return self._repeat(piece, then, then_empty)
            case _:
                raise AssertionError(f"a query has no {piece}")

    def _before(self, piece: Piece, then: int, then_empty: int) -> tuple[int, int]:
        """The entry of a piece if something was matched before it, and if nothing was yet."""
        full = self.entry(piece, then, then)
        if then == then_empty or not is_nullable(piece):
            return full, full
        return full, self.entry(piece, then, then_empty)

    def _repeat(self, repeat: Repeat, then: int, then_empty: int) -> int:
        leave, leave_empty = then, then_empty
        if repeat.taste == "possessive" and width(repeat.piece):
            # All matches of the piece have one length, so that to take as many as there are means
            # to leave only where there is no further one.
            further = self.entry(repeat.piece, ACCEPT, ACCEPT)
            leave, leave_empty = (self._look(further, False, node) for node in (then, then_empty))
        if repeat.high is None:
            loop = self._reserved()
            once_more = self.entry(repeat.piece, loop, FAIL)
            self._set_any(loop, once_more, leave)
            full = loop
            empty = loop if leave == leave_empty else self._any(once_more, leave_empty)
        else:
            full, empty = then, then_empty
            for _ in range(repeat.high - repeat.low):
                once_more = self.entry(repeat.piece, full, FAIL)
                before = full, empty
                full, empty = self._any(once_more, leave), self._any(once_more, leave_empty)
                if (full, empty) == before:
                    break
        for _ in range(repeat.low):
            before = full, empty
            full, empty = self._before(repeat.piece, full, empty)
            if (full, empty) == before:
                break
        return empty

    def _char(self, chars: Chars, then: int) -> int:
        if then == FAIL or not (chars.members or chars.inverted):
            return FAIL
        index = self.sets.setdefault(chars, len(self.sets))
        key = ("char", index, then)
        if key not in self._node_of:
            self._node_of[key] = self._reserved()
            self.char_nodes.append(CharNode(self._node_of[key], index, then))
        return self._node_of[key]

    def _any(self, *nodes: int) -> int:
        options = tuple(dict.fromkeys(node for node in nodes if node != FAIL))
        if ACCEPT in options:
            return ACCEPT
        if len(options) < 2:
            return options[0] if options else FAIL
        key = ("any", options)
        if key not in self._node_of:
            self._node_of[key] = node = self._reserved()
            self._set_any(node, *options)
        return self._node_of[key]

    def _set_any(self, node: int, *options: int) -> None:
        self.place_nodes.append(AnyNode(node, options))

    def _look(self, inside: int, wanted: bool, then: int) -> int:
        if inside in {FAIL, ACCEPT}:
            return then if (inside == ACCEPT) is wanted else FAIL
        key = ("look", inside, wanted, then)
        if then != FAIL and key not in self._node_of:
            self._node_of[key] = node = self._reserved()
            self.place_nodes.append(LookNode(node, inside, wanted, then))
        return self._node_of.get(key, FAIL)

    def _edge(self, is_start: bool, then: int) -> int:
        key = ("edge", is_start, then)
        if then != FAIL and key not in self._node_of:
            self._node_of[key] = node = self._reserved()
            self.place_nodes.append(EdgeNode(node, is_start, then))
        return self._node_of.get(key, FAIL)

    def _reserved(self) -> int:
        if self._count == NODES_MAX:
            raise _too_large()
        self._count += 1
        return self._count - 1


def _too_large() -> LimitExceeded:
    return LimitExceeded(
        f"the pattern needs more than {NODES_MAX} nodes",
        fix="count to less, as in {1,9} for {1,999}, or use * and + where the number is no matter",
    )
