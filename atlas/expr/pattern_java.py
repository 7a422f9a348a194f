"""Regular expressions as Java reads them, for the search and replace of legends.

Source: the documentation of `java.util.regex.Pattern`. Flags other than `i` and `s`, and classes of
Unicode, are refused.
"""

from __future__ import annotations

import re

from atlas.errors import AslError
from atlas.expr.pattern_parser import Parser
from atlas.expr.pattern_piece import (
    ANY,
    DIGIT,
    LOWER,
    UPPER,
    Back,
    Chars,
    Choice,
    Edge,
    Group,
    Look,
    Piece,
    Repeat,
    Sequence,
    Taste,
)

LINE_ENDS = frozenset("\n\r\u0085\u2028\u2029")
_BLANKS = frozenset(" \t\u00a0\u1680\u180e\u202f\u205f\u3000") | set(
    map(chr, range(0x2000, 0x200B))
)
_VERTICAL = LINE_ENDS | {"\x0b", "\f"}
_CLASS_OF_LETTER = {"h": Chars(_BLANKS), "v": Chars(_VERTICAL)}
_EDGES: dict[str, Piece] = {
    "A": Edge("start"),
    "b": Edge("word"),
    "B": Edge("no word"),
    "z": Edge("end"),
    "Z": Edge("last line"),
    "R": Choice((Sequence((Chars(frozenset("\r")), Chars(frozenset("\n")))), Chars(_VERTICAL))),
}
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_NAME = re.compile("[a-zA-Z][a-zA-Z0-9]*")
_LETTERS = LOWER | UPPER
_OCTAL, _HEX = frozenset("01234567"), DIGIT | frozenset("abcdefABCDEF")


class JavaParser(Parser):
    """Reads a pattern as Java does; `group_count` and `number_of_name` tell of its groups."""

    everything = ANY

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.group_count = 0
        self.number_of_name: dict[str, int] = {}
        self._dot_is_any = False

    def parse(self) -> Piece:
        """The pattern as a piece."""
        piece = self._choice()
        if self._is_closed:
            raise self._error("unmatched closing ')'")
        return piece

    def _error(self, what: str, fix: str = "") -> AslError:
        at = max(self.at - 1, 0)
        return AslError(
            f"{what[:1].upper()}{what[1:]} near index {at}\n{self.text}\n{' ' * at}^",
            fix=fix or "mend the pattern where the caret points",
            original_class="PatternSyntaxException",
        )

    def _choice(self) -> Piece:
        flags = self._ignore_case, self._dot_is_any
        piece = super()._choice()
        self._ignore_case, self._dot_is_any = flags
        return piece

    def _repeat(self, piece: Piece, low: int, high: int | None, taste: Taste) -> Repeat:
        return Repeat(piece, low, high, taste)

    def _atom(self, char: str) -> Piece:
        if char == "$":
            return Edge("last line")
        if char == ".":
            return ANY if self._dot_is_any else Chars(LINE_ENDS, inverted=True)
        return super()._atom(char)

    def _chars(self, chars: Chars) -> Chars:
        if not self._ignore_case:
            return chars
        swapped = frozenset(c.swapcase() for c in chars.members if c in _LETTERS)
        return Chars(chars.members | swapped, chars.inverted)

    def _class_item(self, char: str) -> Chars:
        return self._chars(super()._class_item(char))

    def _class_char(self, char: str) -> str:
        return char

    def _class_of(self, letter: str) -> Chars:
        return _CLASS_OF_LETTER.get(letter) or super()._class_of(letter)

    def _escape(self) -> Piece:
        char = self._peek()
        if char == "Q":
            return self._quotation()
        if char in _EDGES:
            self.at += 1
            return _EDGES[char]
        if char == "k":
            self.at += 2
            name = self._up_to(">")
            if name not in self.number_of_name:
                raise self._error(f"named capturing group <{name}> does not exist")
            return Back(self.number_of_name[name])
        if char in DIGIT - {"0"}:
            return self._back_reference()
        chars = self._named_class()
        return self._char(self._escaped_char()) if chars is None else self._chars(chars)

    def _back_reference(self) -> Back:
        """As many digits as make up the number of a group that was opened; one at least."""
        number = int(self._next())
        if number > self.group_count:
            raise self._error("back reference to a group that was not opened before")
        while (digit := self._peek()) in DIGIT and digit:
            if number * 10 + int(digit) > self.group_count:
                break
            number = number * 10 + int(self._next())
        return Back(number)

    def _escaped_char(self) -> str:
        char = self._next()
        if char in _CONTROL:
            return _CONTROL[char]
        match char:
            case "0":
                return self._numbered(_OCTAL, 1, 3, 8)
            case "x":
                return self._numbered(_HEX, 2, 2, 16)
            case "u":
                return self._numbered(_HEX, 4, 4, 16)
            case "c":
                return chr(ord(self._next() or "@") ^ 64)
        if not char or char in _LETTERS:
            raise self._error("illegal/unsupported escape sequence")
        return char

    def _numbered(self, digits: frozenset[str], low: int, high: int, base: int) -> str:
        start = self.at
        while self.at - start < high and self._peek() and self._peek() in digits:
            self.at += 1
        if self.at - start < low:
            raise self._error("illegal escape sequence")
        return chr(int(self.text[start : self.at], base))

    def _group(self) -> Piece:
        if not self.text.startswith("?", self.at):
            return self._capture()
        for opening, wanted, is_behind in (
            ("?=", True, False),
            ("?!", False, False),
            ("?<=", True, True),
            ("?<!", False, True),
        ):
            if self.text.startswith(opening, self.at):
                self.at += len(opening)
                return Look(self._closed(), wanted, is_behind)
        self.at += 1
        match self._peek():
            case ">":
                self.at += 1
                return Group(self._closed(), None)
            case "<":
                self.at += 1
                name = self._group_name()
                if not _NAME.fullmatch(name):
                    raise self._error("illegal name of a group")
                self.number_of_name[name] = self.group_count + 1
                return self._capture()
            case _:
                return self._flagged()

    def _capture(self) -> Group:
        self.group_count += 1
        number = self.group_count
        return Group(self._closed(), number)

    def _flagged(self) -> Piece:
        """`(?i)`, for the rest of the group around it, or `(?i:…)`."""
        flags = self._ignore_case, self._dot_is_any
        value = True
        while (letter := self._next()) not in {":", ")"}:
            match letter:
                case "-":
                    value = False
                case "i":
                    self._ignore_case = value
                case "s":
                    self._dot_is_any = value
                case _:
                    raise self._error("unknown inline modifier")
        if letter == ")":
            return Sequence(())
        piece = self._closed()
        self._ignore_case, self._dot_is_any = flags
        return piece
