"""Texts from patterns such as `%s-%03d`: the `:format` word. Source: Atlas `StringFormatter.scala`.

A specifier is `%[N$][flags][width][.precision]type`; flags are `-` (to the left), `+`, a blank
(room for a sign) and `0`. Everything that a pattern can ask for is bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from atlas.errors import AslError
from atlas.expr.text import parse_number

WIDTH_MAX = 256
FORMATTED_SIZE_MAX = 16_384
_PRECISION_MAX = {"s": 256, "f": 32}
_TYPES = "sduxXf"
_INDEX = re.compile(r"([0-9]+)\$")
_FLAGS = re.compile(r"[-+ 0]*")
_DIGITS = re.compile(r"[0-9]*")
_INT_SIZE_MAX = 10
_LONG = re.compile(r"[+-]?0*[0-9]{1,19}")
_INT_MAX = 2**31 - 1
_LONG_MAX = 2**63 - 1
_UNSIGNED = 2**64


@dataclass(frozen=True, slots=True)
class _Specifier:
    """What follows a percent sign, and where it ends. `index` counts from 0."""

    type: str
    flags: str
    width: int
    precision: int | None
    index: int | None
    end: int


def formatted(pattern: str, arguments: Sequence[str]) -> str:
    """`pattern` with its specifiers replaced by arguments, in turn or by number.

    Raises AslError for a pattern that is not well formed, and arguments that do not fit it.
    """
    out: list[str] = []
    at = following = 0
    while (percent := pattern.find("%", at)) >= 0:
        out.append(pattern[at:percent])
        if pattern.startswith("%%", percent):
            out.append("%")
            at = percent + 2
            continue
        specifier = _specifier(pattern, percent + 1)
        index = following if specifier.index is None else specifier.index
        following = max(following, index + 1)
        if not 0 <= index < len(arguments):
            raise _wrong(
                f"missing argument at index {index} for format specifier at position {percent}",
                fix="give the list an item for each specifier",
            )
        out.append(_shown(specifier, arguments[index]))
        at = specifier.end
    text = "".join(out) + pattern[at:]
    if len(text) > FORMATTED_SIZE_MAX:
        raise _wrong(
            f"formatted text is too long: {len(text)} > {FORMATTED_SIZE_MAX}",
            fix="use a shorter pattern or shorter arguments",
        )
    return text


def _specifier(pattern: str, at: int) -> _Specifier:
    index = None
    if numbered := _INDEX.match(pattern, at):
        index, at = _int(numbered.group(1)) - 1, numbered.end()
    flags, at = _matched(_FLAGS, pattern, at)
    digits, at = _matched(_DIGITS, pattern, at)
    width = _int(digits) if digits else 0
    if digits and not 1 <= width <= WIDTH_MAX:
        raise _wrong(
            f"width must be between 1 and {WIDTH_MAX}, got: {width}", fix="use a smaller width"
        )
    precision = None
    if pattern.startswith(".", at):
        digits, at = _matched(_DIGITS, pattern, at + 1)
        if not digits:
            raise _wrong(f"missing precision value after '.' at position {at}", fix="write '%.2f'")
        precision = _int(digits)
    if at >= len(pattern):
        raise _wrong(f"missing type specifier at position {at}", fix=f"use one of {_TYPES}")
    if pattern[at] not in _TYPES:
        raise _wrong(
            f"invalid type specifier '{pattern[at]}' at position {at}", fix=f"use one of {_TYPES}"
        )
    _check(pattern[at], flags, precision)
    return _Specifier(pattern[at], flags, width, precision, index, at + 1)


def _check(kind: str, flags: str, precision: int | None) -> None:
    """Refuse precision and flags that the type has no use for."""
    if precision is not None:
        if kind not in _PRECISION_MAX:
            raise _wrong(f"precision not allowed for type {kind}", fix="leave the precision out")
        if precision > _PRECISION_MAX[kind]:
            raise _wrong(
                f"precision must be between 0 and {_PRECISION_MAX[kind]} for type {kind}, got:"
                f" {precision}",
                fix="use a smaller precision",
            )
    if kind == "s" and "0" in flags:
        raise _wrong("zero padding not allowed for string type", fix="leave the 0 out")
    if kind == "s" and ("+" in flags or " " in flags):
        raise _wrong("sign flags not allowed for string type", fix="leave the sign out")


def _shown(specifier: _Specifier, argument: str) -> str:
    match specifier.type:
        case "s":
            sign, text = "", argument[: specifier.precision]
        case "f":
            number = _double(argument)
            sign = _sign(specifier.flags, is_negative=number < 0)
            text = _decimal(abs(number), 6 if specifier.precision is None else specifier.precision)
        case "d":
            whole = _long(argument)
            sign, text = _sign(specifier.flags, is_negative=whole < 0), str(abs(whole))
        case "u":
            sign, text = "", str(_long(argument) % _UNSIGNED)
        case kind:
            sign, text = "", format(_long(argument) % _UNSIGNED, kind)
    if "-" in specifier.flags:
        return (sign + text).ljust(specifier.width)
    if "0" in specifier.flags:
        return sign + text.rjust(specifier.width - len(sign), "0")
    return (sign + text).rjust(specifier.width)


def _sign(flags: str, *, is_negative: bool) -> str:
    if is_negative:
        return "-"
    return "+" if "+" in flags else " " if " " in flags else ""


def _decimal(number: float, precision: int) -> str:
    """The shortest digits of a number, rounded to a precision or filled up with zeros."""
    if not math.isfinite(number):
        return "∞" if math.isinf(number) else "NaN"
    digits = Decimal(repr(number))
    exponent = digits.as_tuple().exponent
    if isinstance(exponent, int) and -exponent <= precision:
        return f"{digits:.{precision}f}"
    return f"{number:.{precision}f}"  # of a tie in these digits, what lies behind them decides


def _double(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise _not_a_number(text)
    return number


def _long(text: str) -> int:
    if not _LONG.fullmatch(text) or not -_LONG_MAX - 1 <= int(text) <= _LONG_MAX:
        raise _not_a_number(text)
    return int(text)


def _int(digits: str) -> int:
    number = int(digits) if len(digits.lstrip("0")) <= _INT_SIZE_MAX else _INT_MAX + 1
    if number > _INT_MAX:
        raise _not_a_number(digits)
    return number


def _matched(part: re.Pattern[str], pattern: str, at: int) -> tuple[str, int]:
    found = part.match(pattern, at)
    return (found.group(), found.end()) if found else ("", at)


def _wrong(what: str, *, fix: str) -> AslError:
    return AslError(what, fix=fix, original_class="IllegalArgumentException")


def _not_a_number(text: str) -> AslError:
    return AslError(
        f'For input string: "{text}"',
        fix="give a number",
        original_class="NumberFormatException",
    )
