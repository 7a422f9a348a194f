"""Regular expressions to pieces: the subset that queries know, with the original's error texts.

Source: spectator `impl/matcher/Parser.java`, `PatternUtils.java`.
"""

from __future__ import annotations

import re

from atlas.errors import AslError, LimitExceeded
from atlas.expr.pattern_piece import (
    ANY,
    ASCII,
    CLASS_OF_LETTER,
    CLASS_OF_NAME,
    DIGIT,
    Chars,
    Choice,
    Edge,
    Look,
    Piece,
    Repeat,
    Sequence,
    Taste,
    width,
)

GROUP_DEPTH_MAX = 40
"""How deep groups may be nested: parser and compiler call themselves for each level."""
QUANTIFIERS_MAX = 3
"""How many quantifiers may follow each other, as in `a{2}{3}*`."""

_QUANTIFIERS: dict[str, tuple[int, int | None, Taste]] = {
    "?": (0, 1, "greedy"),
    "??": (0, 1, "lazy"),
    "?+": (0, 1, "possessive"),
    "*": (0, None, "greedy"),
    "*?": (0, None, "lazy"),
    "*+": (0, None, "possessive"),
    "+": (1, None, "greedy"),
    "+?": (1, None, "lazy"),
    "++": (1, None, "possessive"),
}
_ATOMS: dict[str, Piece] = {"^": Edge("start"), "$": Edge("end"), ".": ANY}
_CONTROL_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_ESCAPE = re.compile(r"\\(?:(0)([0-7]{0,3})|(x)(.{0,2})|(u)(.{0,4})|(.)|)", re.DOTALL)
_DIGITS = {
    "0": ("octal", 8, re.compile("[0-7]{1,3}")),
    "x": ("hexadecimal", 16, re.compile("[0-9a-fA-F]{2}")),
    "u": ("unicode", 16, re.compile("[0-9a-fA-F]{4}")),
}
_COUNT = re.compile("[+-]?[0-9]{1,10}")
_INT_MAX = 2**31 - 1


class Parser:
    """Reads a pattern once, left to right; `at` is where the caret of an error stands."""

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        self.text = text
        self.at = 0
        self._ignore_case = ignore_case
        self._depth = 0
        self._counted_end = -1
        self._is_closed = False

    def parse(self) -> Piece:
        """The pattern as a piece."""
        piece = self._choice()
        if self.at < len(self.text):
            raise self._error("unmatched closing parenthesis")
        return piece

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self) -> str:
        char = self._peek()
        self.at += len(char)
        return char

    def _error(self, what: str, fix: str = "") -> AslError:
        return AslError(
            f"{what}\n{self.text}\n{' ' * self.at}^",
            fix=fix or "mend the pattern where the caret points",
            original_class="IllegalArgumentException",
        )

    def _unsupported(self, what: str, fix: str = "say it without") -> AslError:
        return self._error(f"unsupported: {what}", fix)

    def _choice(self) -> Piece:
        """Options up to the closing bracket, which is read too, or to the end."""
        self._depth += 1
        if self._depth > GROUP_DEPTH_MAX:
            raise LimitExceeded(
                f"groups of a pattern are nested more than {GROUP_DEPTH_MAX} deep",
                fix="leave out brackets that group nothing, or split the query with :and and :or",
            )
        options = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            options.append(self._sequence())
        self._is_closed = self._next() == ")"
        self._depth -= 1
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Piece:
        pieces: list[Piece] = []
        quantifier_count = 0
        while (char := self._peek()) and char not in ")|":
            self.at += 1
            if char not in "?*+{":
                quantifier_count = 0
                pieces.append(self._atom(char))
                continue
            quantifier_count += 1
            if not pieces:
                raise self._error("dangling modifier")
            if quantifier_count > QUANTIFIERS_MAX:
                raise self._error("too many quantifiers in a row")
            piece = pieces.pop()
            pieces.append(self._counted(piece) if char == "{" else self._quantified(piece))
        return pieces[0] if len(pieces) == 1 else Sequence(tuple(pieces))

    def _quantified(self, piece: Piece) -> Piece:
        start = self.at - 1
        while self._peek() and self._peek() in "?*+":
            self.at += 1
        quantifier = self.text[start : self.at]
        if start == self._counted_end and isinstance(piece, Repeat) and quantifier in {"?", "+"}:
            taste: Taste = "lazy" if quantifier == "?" else "possessive"
            return self._repeat(piece.piece, piece.low, piece.high, taste)
        if quantifier not in _QUANTIFIERS:
            raise AslError(
                f"unknown quantifier: {quantifier}",
                fix="use one of ? * + {n,m}, and after it ? or + at most",
                original_class="IllegalArgumentException",
            )
        return self._repeat(piece, *_QUANTIFIERS[quantifier])

    def _repeat(self, piece: Piece, low: int, high: int | None, taste: Taste) -> Repeat:
        if taste == "possessive" and width(piece) is None:
            raise self._unsupported(
                "possessive quantifier on a group that matches texts of several lengths",
                "leave out the second '+'",
            )
        return Repeat(piece, low, high, taste)

    def _counted(self, piece: Piece) -> Piece:
        end = self.text.find("}", self.at)
        body = self.text[self.at : end]
        self.at = end + 1 if end >= 0 else len(self.text)
        first, comma, second = body.partition(",")
        low = _count(first)
        high = _count(second) if second else None if comma else low
        if low < 0:
            raise self._error("illegal repetition, min < 0")
        if high is not None and low > high:
            raise self._error("illegal repetition, min > max")
        self._counted_end = self.at
        return Repeat(piece, low, high)

    def _atom(self, char: str) -> Piece:
        match char:
            case "\\":
                return self._escape()
            case "[":
                return self._chars(self._char_class())
            case "(":
                return self._group()
            case _:
                return _ATOMS.get(char) or self._chars(frozenset(char))

    def _chars(self, members: frozenset[str]) -> Chars:
        if self._ignore_case:
            cases = (case for c in members for case in (c.lower(), c.upper()) if len(case) == 1)
            members |= frozenset(cases)
        return Chars(members)

    def _escape(self) -> Piece:
        char = self._peek()
        if char == "Q":
            return self._quotation()
        if char == "c":
            raise self._unsupported("control character", "write it as \\x and two digits")
        if char in DIGIT or char == "k":
            raise self._unsupported("back references")
        if char in frozenset("bBAGzZ"):
            raise self._unsupported("boundary matchers", "anchor the pattern with ^ or $")
        members = self._named_class()
        return self._chars(frozenset(self._next()) if members is None else members)

    def _quotation(self) -> Piece:
        start = self.at + 1
        end = self.text.find("\\E", start)
        if end < 0:
            raise self._error("unclosed quotation")
        self.at = end + 2
        return Sequence(tuple(self._chars(frozenset(c)) for c in self.text[start:end]))

    def _group(self) -> Piece:
        if self._peek() != "?":
            return self._closed()
        self.at += 1
        match self._next():
            case ":":
                return self._closed()
            case "=":
                return Look(self._closed())
            case "!":
                return Look(self._closed(), wanted=False)
            case "<":
                self._group_name()
                return self._closed()
            case _:
                raise self._unsupported("inline flags", "use :reic where case does not matter")

    def _group_name(self) -> str:
        if self._peek() in {"=", "!"} and ">" in self.text[self.at :]:
            raise self._unsupported("look-behind")
        start = self.at
        end = self.text.find(">", start)
        self.at = end + 1 if end >= 0 else len(self.text)
        if end < 0:
            raise self._error("unclosed name for capturing group")
        return self.text[start:end]

    def _closed(self) -> Piece:
        piece = self._choice()
        if not self._is_closed:
            raise self._error("unclosed group")
        return piece

    def _named_class(self) -> frozenset[str] | None:
        r"""The class whose letter comes next (`\d`, `\p{Alpha}`); None if it is no such letter."""
        letter = self._peek()
        if letter not in frozenset("dDsSwWhHvVpP"):
            return None
        self.at += 1
        if letter in "hH":
            raise self._unsupported("horizontal whitespace class", "use [ \\t]")
        if letter in "vV":
            raise self._unsupported("vertical whitespace class", "use [\\n\\r]")
        members = self._property() if letter in "pP" else CLASS_OF_LETTER[letter.lower()]
        return ASCII - members if letter.isupper() else members

    def _property(self) -> frozenset[str]:
        name = self._next()
        if name == "{":
            end = self.text.find("}", self.at)
            name = self.text[self.at : end] if end >= 0 else self.text[self.at :]
            self.at = end + 1 if end >= 0 else len(self.text)
        if name not in CLASS_OF_NAME:
            raise self._error(f"unknown character property name: {name}")
        return CLASS_OF_NAME[name]

    def _char_class(self) -> frozenset[str]:
        """The members of a class whose opening bracket was read, up to its closing bracket.

        `^` inverts what is listed, `[…]` inside adds, `&&` keeps what the rest has too.
        """
        self._depth += 1
        if self._depth > GROUP_DEPTH_MAX:
            raise self._error("too many nested classes")
        inverted = self._peek() == "^"
        self.at += inverted
        chosen = ASCII if inverted else frozenset()
        if self._peek() in {"]", "-"}:
            chosen = _with(chosen, frozenset(self._next()), inverted)
        while (char := self._next()) not in {"", "]"}:
            if char == "[":
                chosen |= self._char_class()
            elif char == "&" and self._peek() == "&":
                self.at += 1
                if self._peek() == "[":
                    self.at += 1
                    chosen &= self._char_class()
                elif self._peek() != "]":
                    chosen &= self._char_class()
                    self.at -= 1
            else:
                chosen = _with(chosen, self._class_item(char), inverted)
        if not char:
            raise self._error("unclosed character class")
        self._depth -= 1
        return chosen

    def _class_item(self, char: str) -> frozenset[str]:
        """A character, a range of characters, or a named class."""
        if char == "\\":
            members = self._named_class()
            if members is not None:
                return members
            char = self._next()
        first = _ascii(char)
        if char == "-" or self._peek() != "-" or self.text[self.at + 1 : self.at + 2] in {"", "]"}:
            return frozenset(first)
        self.at += 1
        last = self._next()
        if last == "\\":
            members = self._named_class()
            if members is not None:
                return members | {first, "-"}
            last = self._next()
        if _ascii(last) < first:
            raise self._error("illegal character range")
        return frozenset(map(chr, range(ord(first), ord(last) + 1)))


def parse_query_pattern(pattern: str, *, ignore_case: bool = False) -> Piece:
    """The piece that a query's pattern stands for, as the original reads it.

    The original puts the pattern into another one, as text, so that a `)` too many or a missing
    one meets the brackets around it. Its errors show that text, and so do ours.
    """
    return Parser(_expanded(f"^.*(^{pattern}).*$"), ignore_case=ignore_case).parse()


def _with(chosen: frozenset[str], members: frozenset[str], inverted: bool) -> frozenset[str]:
    return chosen - members if inverted else chosen | members


def _ascii(char: str) -> str:
    if char not in ASCII:
        raise AslError(
            f"invalid pattern, '{char}' is not ascii",
            fix="leave the character out of the class; outside of one it may stand",
            original_class="IllegalArgumentException",
        )
    return char


def _count(text: str) -> int:
    if _COUNT.fullmatch(text) and abs(int(text)) <= _INT_MAX:
        return int(text)
    raise AslError(
        f'For input string: "{text}"',
        fix="write counts as {2} or {2,5}, and a brace that is meant as text as \\{",
        original_class="NumberFormatException",
    )


def _expanded(text: str) -> str:
    """The text with escapes of single characters replaced by the characters.

    This comes before all else, as in the original: `\\x2e` is then any character, like a `.`.
    """

    def char(match: re.Match[str]) -> str:
        kind = match.group(1) or match.group(3) or match.group(5)
        if kind is None:
            return _CONTROL_ESCAPES.get(match.group(7), match.group())
        name, base, form = _DIGITS[kind]
        digits = match.group(2) or match.group(4) or match.group(6) or ""
        if not form.fullmatch(digits):
            raise AslError(
                f"invalid {name} escape sequence\n{text}\n{' ' * (match.start() + 1)}^",
                fix="write \\0 and up to three digits, \\x and two, or \\u and four",
                original_class="IllegalArgumentException",
            )
        return chr(int(digits, base))

    return _ESCAPE.sub(char, text)
