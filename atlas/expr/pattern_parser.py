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

GROUP_DEPTH_MAX = 30
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

    everything = Chars(ASCII)
    """What an inverted class is taken from."""

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
        first, comma, second = self._up_to("}").partition(",")
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
                return _ATOMS.get(char) or self._char(char)

    def _chars(self, chars: Chars) -> Chars:
        """The characters, in both cases if case does not matter."""
        if not self._ignore_case:
            return chars
        cases = (case for c in chars.members for case in (c.lower(), c.upper()) if len(case) == 1)
        return chars | Chars(frozenset(cases))

    def _char(self, char: str) -> Chars:
        return self._chars(Chars(frozenset(char)))

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
        chars = self._named_class()
        return self._char(self._escaped_char()) if chars is None else self._chars(chars)

    def _quotation(self) -> Piece:
        start = self.at + 1
        end = self.text.find("\\E", start)
        if end < 0:
            raise self._error("unclosed quotation")
        self.at = end + 2
        return Sequence(tuple(map(self._char, self.text[start:end])))

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
        name = self._up_to(">")
        if self.at == len(self.text):
            raise self._error("unclosed name for capturing group")
        return name

    def _closed(self) -> Piece:
        piece = self._choice()
        if not self._is_closed:
            raise self._error("unclosed group")
        return piece

    def _named_class(self) -> Chars | None:
        r"""The class whose letter comes next (`\d`, `\p{Alpha}`); None if it is no such letter."""
        letter = self._peek()
        if letter not in frozenset("dDsSwWhHvVpP"):
            return None
        self.at += 1
        chars = self._property() if letter in "pP" else self._class_of(letter.lower())
        return self.everything & ~chars if letter.isupper() else chars

    def _class_of(self, letter: str) -> Chars:
        if letter == "h":
            raise self._unsupported("horizontal whitespace class", "use [ \\t]")
        if letter == "v":
            raise self._unsupported("vertical whitespace class", "use [\\n\\r]")
        return Chars(CLASS_OF_LETTER[letter])

    def _property(self) -> Chars:
        name = self._next()
        if name == "{":
            name = self._up_to("}")
        if name not in CLASS_OF_NAME:
            raise self._error(f"unknown character property name: {name}")
        return Chars(CLASS_OF_NAME[name])

    def _up_to(self, end: str) -> str:
        """The text before `end`, which is read too; all the rest if it is not there."""
        found, _, _ = self.text[self.at :].partition(end)
        self.at = min(self.at + len(found) + len(end), len(self.text))
        return found

    def _char_class(self) -> Chars:
        """A class whose opening bracket was read, up to its closing bracket.

        `^` inverts what is listed, `[…]` inside adds, `&&` keeps what the rest has too.
        """
        self._depth += 1
        if self._depth > GROUP_DEPTH_MAX:
            raise self._error("too many nested classes")
        inverted = self._peek() == "^"
        self.at += inverted
        chosen = self.everything if inverted else Chars(frozenset())
        is_first = True
        while (char := self._next()) and (char != "]" or is_first):
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
                item = self._class_item(char)
                chosen = chosen & ~item if inverted else chosen | item
            is_first = False
        if not char:
            raise self._error("unclosed character class")
        self._depth -= 1
        return chosen

    def _class_item(self, char: str) -> Chars:
        """A character, a range of characters, or a named class."""
        if char == "\\":
            chars = self._named_class()
            if chars is not None:
                return chars
            char = self._escaped_char()
        first = self._class_char(char)
        if char == "-" or self._peek() != "-" or self.text[self.at + 1 : self.at + 2] in {"", "]"}:
            return Chars(frozenset(first))
        self.at += 1
        last = self._next()
        if last == "\\":
            chars = self._named_class()
            if chars is not None:
                return chars | Chars(frozenset({first, "-"}))
            last = self._escaped_char()
        if self._class_char(last) < first:
            raise self._error("illegal character range")
        return Chars(frozenset(map(chr, range(ord(first), ord(last) + 1))))

    def _escaped_char(self) -> str:
        """The character that is meant by what follows a backslash."""
        return self._next()

    def _class_char(self, char: str) -> str:
        """The character, if it may stand in a class."""
        if char and char not in ASCII:
            raise AslError(
                f"invalid pattern, '{char}' is not ascii",
                fix="leave the character out of the class; outside of one it may stand",
                original_class="IllegalArgumentException",
            )
        return char


def parse_query_pattern(pattern: str, *, ignore_case: bool = False) -> Piece:
    """The piece that a query's pattern stands for, as the original reads it.

    The original puts the pattern into another one, as text, so that a `)` too many or a missing
    one meets the brackets around it. Its errors show that text, and so do ours.
    """
    return Parser(_expanded(f"^.*(^{pattern}).*$"), ignore_case=ignore_case).parse()


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
